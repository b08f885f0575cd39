"""The one way an item changes its state.

    def start_job(context: Context, *, job_order_id: int) -> ...:
        fired = fire(context, JobOrder, job_order_id, "start", {})

Lock, re-read, kill switch, edge, right and role, skill, inputs, guards, invariants, django-fsm's change_state, one
UPDATE behind a database trigger armed for just this move, hooks, ledger event, live topics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.core.prepared import Given, Prepared
from apps.workflows import judgement, people, signing
from apps.workflows.definition import SYSTEM_ROLE, EffectSpec, word_in
from apps.workflows.effects import EffectFailed, Occasion, apply_effect
from apps.workflows.events import EdgeOverridden, EdgeTakenTogether, StateChanged
from apps.workflows.graph import CompiledEdge
from apps.workflows.inputs import loggable, validated
from apps.workflows.judgement import FieldReader, Help, raise_if
from apps.workflows.keeping import labelled
from apps.workflows.kinds import Kind, Move, Refusal, Warrant, kind_of
from apps.workflows.life.following import follow
from apps.workflows.models import EdgeStop, SignedStep, WorkflowItem
from apps.workflows.photos import using
from apps.workflows.surroundings import surroundings_of

Item = TypeVar("Item", bound=WorkflowItem)

# Read by the trigger function workflows_guard_move; local to the transaction.
ARMED = "mfgos.fire"


@dataclass(frozen=True)
class Fired(Generic[Item]):
    """The item as it is now, locked until the transaction ends; other instances of it are stale."""

    item: Item
    move: Move
    inputs: Mapping[str, Any]
    event_id: int


class _Firing:
    """The judge that django-fsm asks while it changes the state of `item`."""

    def __init__(
        self,
        context: Context,
        kind: Kind,
        item: WorkflowItem,
        edge: CompiledEdge,
        given: Mapping[str, Any],
        *,
        as_system: bool,
        step: SignedStep | None,
    ) -> None:
        self.context, self.kind, self.item, self.edge, self.given = context, kind, item, edge, given
        self.as_system, self.step = as_system, step
        self.passed_over: list[str] = []
        self.reader, self.help = FieldReader(kind.fields, item), Help(kind, item)
        self.inputs: dict[str, Any] = {}
        self.move = move_along(edge, item)

    def judge(self) -> None:
        """Raises CommandRefused with the first reason why not."""
        self.judge_without_signatures()
        refusal = signing.too_few(self.edge, self.step)
        if refusal is not None:
            begun = signing.being_signed(self.kind, self.item, [self.edge]).get(self.edge.spec.code)
            raise_if(signing.too_few(self.edge, begun) or refusal)

    def judge_without_signatures(self) -> None:
        if self.as_system:
            raise_if(judgement.wrong_role(self.edge, frozenset({SYSTEM_ROLE})))
        else:
            self._ask_for_the_actor()
        specs = self.edge.spec.all_inputs
        self.inputs = validated(specs, self.given, besides=self.kind.own_inputs)
        asked = {spec.name: self.inputs[spec.name] for spec in specs}
        raise_if(using.not_of_item(self.kind, self.item, specs, asked))
        self.pass_over_or_raise(judgement.guarded(self.kind, self.edge, self.reader, asked))
        raise_if(signing.too_often(self.kind, self.item, self.edge))
        raise_if(judgement.forbidden(self.kind, self.item, self.move, self.context, self.inputs))

    def pass_over_or_raise(self, refusal: Refusal | None) -> None:
        """What is broken is passed over when somebody has signed for it; a rule that says no is not broken."""
        if refusal and refusal.code in judgement.BROKEN and self.step is not None and self.step.override_reason:
            self.passed_over.append(str(refusal.facts["problem"]))
        else:
            raise_if(self._placed(refusal))

    def _placed(self, refusal: Refusal | None) -> Refusal | None:
        """What is broken says where, for whoever mends it."""
        if refusal is None or refusal.code not in judgement.BROKEN:
            return refusal
        place = {
            "workflow_id": self.item.graph.workflow_id,
            "item": f"{self.kind.code}:{self.item.pk}",
            "site_id": self.kind.site_id(self.item),
        }
        return replace(refusal, facts={**refusal.facts, **place})

    def _ask_for_the_actor(self) -> None:
        scope, actor = self.kind.scope(self.item), self.context.actor
        self.context.allow(self.kind.permission, at=scope)
        raise_if(judgement.wrong_role(self.edge, people.roles_of(actor, scope)))
        raise_if(judgement.unqualified(self.edge, actor, self.context.occurred_at, self.help))


def fire(
    context: Context,
    item_class: type[Item],
    pk: int,
    edge_code: str,
    inputs: Mapping[str, Any] | None = None,
    *,
    as_system: bool = False,
    warrant: Warrant | None = None,
) -> Fired[Item]:
    """Moves the item along the edge, or raises CommandRefused; to be called inside a command.

    inputs     name -> value, as the edge asks for them (numbers in the unit it names); see apps.workflows.exits
    as_system  the step follows from the command (a release makes the first operation ready): only an edge that names
               the role "system" is taken so, and the command, not this edge, has asked for the actor's right
    warrant    of a signed step (apps.workflows.signatures): what it says is read here once more
    """
    if not connection.in_atomic_block:
        raise RuntimeError("fire() belongs inside a command: it needs the command's transaction")
    kind = kind_of(item_class)
    item, edge = located(context, item_class, pk, edge_code, as_system=as_system)
    step = _warranted(kind, item, edge, warrant)
    firing = _Firing(context, kind, item, edge, inputs or {}, as_system=as_system, step=step)
    item.__dict__["_judge"] = firing
    try:
        item.state_field().change_state(item, item.graph.steps[edge_code], edge)
    finally:
        del item.__dict__["_judge"]
    for prepare in kind.prepare:
        prepare(item, firing.move, context, firing.inputs)
    _save(item, firing.move, context)
    for hook in kind.on_move:
        hook(item, firing.move, context, firing.inputs)
    event = _event(kind, item, firing)
    event_id = context.record(event)
    using.keep(edge, firing.inputs, event_id=event_id)
    _name_the_partner(firing)
    for effect in edge.spec.effects:
        _have_effect(firing, effect, event, event_id)
    if step is not None:
        _close(firing, step, event_id)
    context.touch(*kind.topics(item))
    follow(context, kind, item)
    return Fired(item, firing.move, firing.inputs, event_id)


def located(
    context: Context, item_class: type[Item], pk: int, edge_code: str, *, as_system: bool = False
) -> tuple[Item, CompiledEdge]:
    """The item, locked, and its edge, which nobody has stopped; refuses where it is not there."""
    kind = kind_of(item_class)
    item = _locked(item_class, pk, kind.reads)
    graph = item.graph
    edge = graph.edge(edge_code, item.state)
    if edge is None:
        if not as_system:
            context.allow(kind.permission, at=kind.scope(item))
        raise_if(judgement.not_from_here(kind, item, edge_code))
        raise AssertionError("not_from_here always refuses")
    stop = _STOP.first(workflow=graph.workflow_id, edge=edge_code)
    raise_if(judgement.stopped(edge, graph.workflow_id, stop))
    return item, edge


def judged(
    context: Context, item: WorkflowItem, edge: CompiledEdge, inputs: Mapping[str, Any], step: SignedStep | None
) -> list[str]:
    """Refuses what fire() would refuse, but for signatures that are missing; answers what of it is broken and passed
    over by the step.
    """
    firing = _Firing(context, kind_of(type(item)), item, edge, inputs, as_system=False, step=step)
    firing.judge_without_signatures()
    return firing.passed_over


def _warranted(kind: Kind, item: WorkflowItem, edge: CompiledEdge, warrant: Warrant | None) -> SignedStep | None:
    """The signed step behind the warrant, read anew and only if it is about this very record."""
    if warrant is None:
        return None
    steps = SignedStep.objects.open().filter(pk=warrant.step_id, item_kind=kind.code, item_id=item.pk)
    step = steps.filter(edge=edge.spec.code).prefetch_related("signatures").first()
    return step if step is not None and signing.is_about(step, kind, item, edge) else None


def _have_effect(firing: _Firing, effect: EffectSpec, event: StateChanged, event_id: int) -> None:
    """In a savepoint, so that one that is passed over leaves nothing half done."""
    context = firing.context
    occasion = Occasion(
        because=word_in(settings.LANGUAGE_CODE, firing.edge.spec.labels, firing.edge.spec.code),
        source=f"edge:{firing.kind.code}.{firing.edge.spec.code}",
        event_id=event_id,
        event_kind=event.kind,
        subject_kind=event.subject_kind,
        subject_id=str(event.subject_id),
        data=event.data(),
        around=surroundings_of(event.subject_kind, event.subject_id, event.data()),
    )
    try:
        with transaction.atomic():
            apply_effect(context.consequence(), occasion, effect.code, effect.parameters)
    except (EffectFailed, CommandRefused, DatabaseError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        firing.pass_over_or_raise(judgement.broken_effect(firing.kind, firing.edge, effect.code, error))


def _name_the_partner(firing: _Firing) -> None:
    partner_id = firing.help.given.get(firing.edge.spec.code)
    if partner_id is not None:
        firing.context.record(
            EdgeTakenTogether(
                **firing.kind.story(firing.item),
                edge=firing.edge.spec.code,
                version_id=firing.item.workflow_version_id,
                partner_id=partner_id,
            )
        )


def _close(firing: _Firing, step: SignedStep, event_id: int) -> None:
    step.closed_at, step.taken_event_id = firing.context.now, event_id
    step.save(update_fields=["closed_at", "taken_event_id"])
    if firing.passed_over:
        firing.context.record(
            EdgeOverridden(
                **firing.kind.story(firing.item),
                edge=firing.edge.spec.code,
                version_id=firing.item.workflow_version_id,
                step_id=step.pk,
                problems=firing.passed_over,
            )
        )


def move_along(edge: CompiledEdge, item: WorkflowItem) -> Move:
    return Move(
        edge=edge.spec.code,
        from_state=edge.source.code,
        to_state=edge.target.code,
        from_status=edge.source.status,
        to_status=edge.target.status,
        version_id=item.workflow_version_id,
        requires=frozenset(spec.name for spec in edge.spec.all_inputs if spec.required),
        from_phase=edge.source.phase,
        to_phase=edge.target.phase,
    )


def _locked(item_class: type[Item], pk: int, reads: Sequence[str]) -> Item:
    """Locks first, then reads: what another command did meanwhile is seen."""
    rows = _rows(item_class, tuple(reads))
    # Who waited for an item that went over to another version meanwhile finds its old version gone, and looks again.
    item: Item | None = rows.first(pk=pk) or rows.first(pk=pk)
    if item is None:
        raise CommandRefused("not_found", _("This does not exist any more. Reload the screen."), facts={"id": pk})
    return item


@cache
def _rows(item_class: type[WorkflowItem], reads: tuple[str, ...]) -> Prepared[Any]:
    rows = item_class._base_manager.select_for_update(of=("self",)).select_related("workflow_version", *reads)
    return Prepared(lambda: rows.filter(pk=Given("pk")))


_STOP = Prepared(lambda: EdgeStop.objects.in_force().filter(workflow=Given("workflow"), edge=Given("edge")))


def _save(item: WorkflowItem, move: Move, context: Context) -> None:
    with connection.cursor() as cursor:
        armed = f"{item._meta.db_table}:{item.pk}:{move.from_state}:{move.to_state}"
        cursor.execute("SELECT set_config(%s, %s, true)", [ARMED, armed])
    with labelled(item, move.edge, context):
        item.save(force_update=True)


def _event(kind: Kind, item: WorkflowItem, firing: _Firing) -> StateChanged:
    move = firing.move
    return StateChanged(
        **kind.story(item),
        edge=move.edge,
        from_state=move.from_state,
        to_state=move.to_state,
        from_status=move.from_status,
        to_status=move.to_status,
        from_phase=move.from_phase,
        to_phase=move.to_phase,
        version_id=move.version_id,
        guard_inputs=firing.reader.read,
        inputs=loggable(firing.edge.spec.all_inputs, firing.inputs),
    )
