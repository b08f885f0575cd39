"""What can be done with an item now, by whom, and if not why: what the station screen shows as buttons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.commands import Context
from apps.core.numbers import plain
from apps.workflows import judgement, people, signing
from apps.workflows.actions import OVERRIDE
from apps.workflows.definition import InputSpec, word
from apps.workflows.engine import move_along
from apps.workflows.graph import CompiledEdge
from apps.workflows.judgement import FieldReader, Help, stops_of
from apps.workflows.kinds import Kind, Refusal, kind_of
from apps.workflows.models import SignedStep, WorkflowItem
from apps.workflows.photos.using import id_of

# Nothing is done under this id: a screen only asks.
_NO_COMMAND = UUID(int=0)


@dataclass(frozen=True)
class ExitInput:
    """`choices` is (code, label) of the reasons to choose from; empty for other types. `at_most`: so many photos."""

    name: str
    type: str
    label: str
    required: bool
    unit: str
    low: Decimal | None
    high: Decimal | None
    choices: tuple[tuple[str, str], ...]
    at_most: int


@dataclass(frozen=True)
class ExitSignature:
    """
    meaning     what the signer answers for      credentials  badge and PIN are given again
    signed_by   names of who has signed already  missing      so many are still needed, this one among them
    entered     what they have signed: (label, value) of each input
    may_withdraw   whoever looks may take these signatures back
    photos      and of each input of photos (label, their ids)
    """

    meaning: str
    credentials: bool
    signed_by: tuple[str, ...]
    missing: int
    entered: tuple[tuple[str, str], ...]
    may_withdraw: bool
    photos: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Exit:
    """One way out of the state the item is in.

    possible      for this actor, as far as can be said before anything is typed
    why_not       the sentence, empty when possible; `owner` says who can lift it
    refusal       the code of that sentence
    presentation  while not possible: offered (pressing it says why), disabled (grey), as all that is broken
    inputs        what is to be entered; nothing when it has been entered and signed by somebody
    signature     what is to be signed by whoever is asked next; None: it is just taken
    by_partner    what the actor lacks for it may be a partner's skill: who would do it, works together with somebody
    may_override  a part of it is broken, or may break when it is taken, and the actor may pass over that
    """

    code: str
    label: str
    possible: bool
    why_not: str
    owner: str
    refusal: str
    presentation: str
    target: str
    target_label: str
    target_status: str
    target_phase: str
    inputs: tuple[ExitInput, ...]
    signature: ExitSignature | None
    by_partner: bool
    may_override: bool


def exits(item: WorkflowItem, actor: Actor) -> list[Exit]:
    """In the workflow's order, labels in the active language; without those that are hidden while not possible.

    Queries: one for stops, one for reasons, the plant's for rights, and whatever fields and invariants read.
    """
    return _Asking(item, actor).answer()


class _Asking:
    """One look at one item: what several edges ask for is read once."""

    def __init__(self, item: WorkflowItem, actor: Actor) -> None:
        now = clock.now()
        self.item, self.actor = item, actor
        self.kind: Kind = kind_of(type(item))
        self.graph = item.graph
        self.edges = self.graph.exits.get(item.state, ())
        self.scope = self.kind.scope(item)
        self.reader, self.help = FieldReader(self.kind.fields, item), Help(self.kind, item)
        self.context = Context("workflows.exits", actor, _NO_COMMAND, now, now)

    def answer(self) -> list[Exit]:
        if not self.edges:
            return []
        self.stops = {stop.edge: stop for stop in stops_of(self.graph.workflow_id)}
        self.is_allowed = rights.may(self.actor, self.kind.permission, self.scope)
        self.roles = people.roles_of(self.actor, self.scope)
        self.steps = signing.being_signed(self.kind, self.item, self.edges)
        specs = [spec for edge in self.edges for spec in edge.spec.all_inputs]
        self.reasons = people.reasons(spec.reason_purpose for spec in specs if spec.type == "choice")
        return list(self._shown())

    def _shown(self) -> Iterator[Exit]:
        for edge in self.edges:
            refusal = self._why_not(edge)
            presentation = edge.spec.presentation
            if presentation == "hidden" and refusal and refusal.code in judgement.BROKEN:
                presentation = "disabled"  # what is broken is seen, so that somebody mends it
            if refusal and (presentation == "hidden" or edge.is_for_system_only):
                continue
            yield Exit(
                code=edge.spec.code,
                label=edge.label,
                possible=refusal is None,
                why_not=refusal.sentence if refusal else "",
                owner=refusal.owner if refusal else "",
                refusal=refusal.code if refusal else "",
                presentation=presentation,
                target=edge.target.code,
                target_label=word(edge.target.labels, edge.target.code),
                target_status=edge.target.status,
                target_phase=edge.target.phase,
                inputs=() if edge.spec.code in self.steps else tuple(map(self._input, edge.spec.all_inputs)),
                signature=self._signature(edge),
                by_partner=bool(edge.spec.skills) and judgement.partner_would_do(edge, self.kind, self.actor),
                may_override=self._may_override(edge, refusal),
            )

    def _may_override(self, edge: CompiledEdge, refusal: Refusal | None) -> bool:
        is_broken = refusal is not None and refusal.code in judgement.BROKEN
        may_break = refusal is None and bool(edge.spec.effects)
        return (is_broken or may_break) and rights.may(self.actor, OVERRIDE, self.scope)

    def _signature(self, edge: CompiledEdge) -> ExitSignature | None:
        spec = edge.spec.signature
        if spec is None:
            return None
        step = self.steps.get(edge.spec.code)
        given = signing.signatures_of(step)
        return ExitSignature(
            meaning=word(spec.meaning),
            credentials=spec.credentials,
            signed_by=tuple(people.person_name(signature.person_id) for signature in given),
            missing=spec.signers - len(given),
            entered=tuple(self._entered(edge, step)) if step else (),
            may_withdraw=step is not None and self._may_withdraw(edge, step),
            photos=tuple(_photos(edge, step)) if step else (),
        )

    def _may_withdraw(self, edge: CompiledEdge, step: SignedStep) -> bool:
        return self.is_allowed and signing.may_not_withdraw(edge, step, self.actor, self.roles) is None

    def _entered(self, edge: CompiledEdge, step: SignedStep) -> Iterator[tuple[str, str]]:
        for spec in edge.spec.all_inputs:
            value = step.inputs.get(spec.name)
            if value not in (None, "") and spec.type != "photo":
                yield word(spec.labels, spec.name), f"{self._shown_as(spec, value)} {spec.unit}".strip()

    def _shown_as(self, spec: InputSpec, value: Any) -> str:
        match spec.type:
            case "boolean":
                return _("yes") if value else _("no")
            case "number":
                return plain(Decimal(str(value)))
            case _:
                return self.reasons.get(spec.reason_purpose, {}).get(str(value), str(value))

    def _why_not(self, edge: CompiledEdge) -> Refusal | None:
        """The cheap questions first; the order decides which sentence is heard. What somebody else may sign is refused
        to this one only where it is open to anybody.
        """
        stopped = judgement.stopped(edge, self.graph.workflow_id, self.stops.get(edge.spec.code))
        if edge.spec.signature is not None:
            return stopped or self._not_by_anybody(edge) or self._not_by_this_one(edge) or self._may_not_sign(edge)
        return stopped or self._not_by_this_one(edge) or self._not_by_anybody(edge)

    def _not_by_this_one(self, edge: CompiledEdge) -> Refusal | None:
        return (
            self._not_allowed()
            or judgement.wrong_role(edge, self.roles)
            or judgement.unqualified(edge, self.actor, self.context.now, self.help)
        )

    def _not_by_anybody(self, edge: CompiledEdge) -> Refusal | None:
        guarded, step = judgement.guarded(self.kind, edge, self.reader, None), self.steps.get(edge.spec.code)
        if guarded is not None and guarded.code in judgement.BROKEN and step is not None and step.override_reason:
            guarded = None  # somebody has signed for it
        return (
            guarded
            or signing.too_often(self.kind, self.item, edge)
            or judgement.forbidden(self.kind, self.item, move_along(edge, self.item), self.context, {})
        )

    def _may_not_sign(self, edge: CompiledEdge) -> Refusal | None:
        """Whoever has signed already waits for the others."""
        person_id, step = self.actor.person_id, self.steps.get(edge.spec.code)
        if edge.spec.signature is None or person_id is None:
            return None
        if step is not None and any(given.person_id == person_id for given in step.signatures.all()):
            return signing.too_few(edge, step)
        return signing.may_not_sign(self.kind, self.item, edge, person_id)

    def _not_allowed(self) -> Refusal | None:
        return None if self.is_allowed else judgement.not_allowed(self.kind)

    def _input(self, spec: InputSpec) -> ExitInput:
        choices = self.reasons.get(spec.reason_purpose, {}) if spec.type == "choice" else {}
        return ExitInput(
            name=spec.name,
            type=spec.type,
            label=word(spec.labels, spec.name),
            required=spec.required,
            unit=spec.unit,
            low=spec.low,
            high=spec.high,
            choices=tuple(choices.items()),
            at_most=spec.at_most,
        )


def _photos(edge: CompiledEdge, step: SignedStep) -> Iterator[tuple[str, tuple[int, ...]]]:
    for spec in edge.spec.all_inputs:
        if spec.type == "photo" and step.inputs.get(spec.name):
            yield word(spec.labels, spec.name), tuple(map(id_of, step.inputs[spec.name]))
