"""Signing an edge of an item, with the move at the last signature; and the named override of what is broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic_core import to_jsonable_python

from apps.core.commands import Context, FreeText, command
from apps.plant.access import has_proved
from apps.workflows import people, signing
from apps.workflows.actions import OVERRIDE
from apps.workflows.engine import judged, located
from apps.workflows.events import EdgeSigned, SignedStepDropped
from apps.workflows.judgement import raise_if
from apps.workflows.kinds import KINDS, Warrant
from apps.workflows.models import Signature, SignedStep
from apps.workflows.photos import using

# What is signed where somebody passes over a broken part.
OVERRIDDEN = {
    "en": "I take this step although a part of it is broken",
    "de": "Ich gehe diesen Schritt, obwohl ein Teil davon nicht arbeitet",
}


def signatures_topic(site_id: int | None) -> str:
    """What waits at the site for signatures has changed."""
    return f"signatures:{site_id}"


@dataclass(frozen=True)
class Signed:
    """is_taken  the edge was taken with this signature      missing  so many signatures are still needed"""

    is_taken: bool
    missing: int


@command("workflows.sign_edge")
def sign_edge(
    context: Context, *, item_kind: str, item_id: int, edge: str, inputs: dict[str, Any], proof: UUID | None = None
) -> Signed:
    """The signed-in person signs, as somebody who may take the edge; with the last signature it is taken.

    inputs  as for the edge; empty from the second signature on: all sign what the first has entered
    proof   command id of a sign-in of this person within the last minute, where the edge asks for credentials

    Raises CommandRefused: nobody, unknown_kind, nothing_to_sign, same_person, signed_already, not_proved, other_inputs,
    and whatever the edge itself is refused for.
    """
    asked = _Signing(context, item_kind, item_id, edge)
    kind, item, compiled = asked.kind, asked.item, asked.edge
    context.allow(kind.permission, at=kind.scope(item))
    spec = compiled.spec.signature
    if spec is None:
        context.refuse("nothing_to_sign", _("“%(step)s” needs no signature.") % {"step": compiled.label})
    step = asked.current()
    if step is not None and inputs and to_jsonable_python(inputs) != step.inputs:
        context.refuse("other_inputs", _("What was entered has been signed already. Reload the screen and sign that."))
    judged(context, item, compiled, step.inputs if step else inputs, step)
    raise_if(signing.may_not_sign(kind, item, compiled, asked.person_id))
    if step is not None and any(given.person_id == asked.person_id for given in step.signatures.all()):
        context.refuse("signed_already", _("You have signed this already. Somebody else signs now."))
    if spec.credentials:
        asked.insist_on(proof)
    if step is None:
        step = asked.open(inputs)
        asked.keep_photos(step)
    asked.sign(step, spec.meaning, proof)
    return asked.take_if_enough(step)


@command("workflows.override_edge")
def override_edge(
    context: Context, *, item_kind: str, item_id: int, edge: str, inputs: dict[str, Any], reason: FreeText, proof: UUID
) -> Signed:
    """Takes an edge although its guard can't be asked or an effect fails: by name, with a reason, signed.

    What a rule forbids stays forbidden; signatures that the edge asks for are given as usual afterwards.

    Raises CommandRefused: nobody, unknown_kind, reason_missing, not_proved, being_signed, nothing_broken, and whatever
    the edge is refused for that is not broken.
    """
    asked = _Signing(context, item_kind, item_id, edge)
    compiled = asked.edge
    context.allow(OVERRIDE, at=asked.kind.scope(asked.item))
    if not reason.strip():
        context.refuse("reason_missing", _("Say why it is to go on although a part of it is broken."))
    if asked.current() is not None:
        context.refuse("being_signed", _("It is being signed just now. Finish that, or withdraw it."))
    asked.insist_on(proof)
    step = asked.open(inputs, override=reason.strip())
    broken = judged(context, asked.item, compiled, inputs, step)
    if not broken and not compiled.spec.effects:
        sentence = _("Nothing of “%(step)s” is broken: take it as usual.")
        context.refuse("nothing_broken", sentence % {"step": compiled.label})
    asked.keep_photos(step)
    asked.sign(step, OVERRIDDEN, proof)
    return asked.take_if_enough(step)


@command("workflows.withdraw_signatures")
def withdraw_signatures(context: Context, *, item_kind: str, item_id: int, edge: str) -> None:
    """Signatures that were not enough yet come to nothing; by who may take the edge, or has signed it.

    Raises CommandRefused: unknown_kind, not_being_signed, wrong_role, and as fire() for an edge that does not leave
    from here.
    """
    asked = _Signing(context, item_kind, item_id, edge)
    scope = asked.kind.scope(asked.item)
    context.allow(asked.kind.permission, at=scope)
    step = asked.current()
    if step is None:
        context.refuse("not_being_signed", _("Nobody has signed “%(step)s” yet.") % {"step": asked.edge.label})
    raise_if(signing.may_not_withdraw(asked.edge, step, context.actor, people.roles_of(context.actor, scope)))
    asked.drop(step)


class _Signing:
    """One edge of one item, locked, and the person who acts on it."""

    def __init__(self, context: Context, item_kind: str, item_id: int, edge: str) -> None:
        kind = KINDS.get(item_kind)
        if kind is None or kind.take is None:
            context.refuse("unknown_kind", _("Nothing of this kind is signed here."), kind=item_kind)
        self.context, self.kind, self._take = context, kind, kind.take
        self.item, self.edge = located(context, kind.model, item_id, edge)

    @property
    def person_id(self) -> int:
        if self.context.actor.person_id is None:
            self.context.refuse("nobody", _("Sign in first: a signature has a name."))
        return self.context.actor.person_id

    def insist_on(self, proof: UUID | None) -> None:
        is_fresh = proof is not None and has_proved(self.person_id, proof, self.context.now)
        if not is_fresh or Signature.objects.filter(proof=proof).exists():
            self.context.refuse("not_proved", _("Give badge and PIN again to sign."))

    def current(self) -> SignedStep | None:
        """What is being signed; dropped when the record is not the one that was signed."""
        step = signing.open_steps(self.kind, self.item, [self.edge.spec.code]).get(self.edge.spec.code)
        if step is None or signing.is_about(step, self.kind, self.item, self.edge):
            return step
        self.drop(step)
        return None

    def drop(self, step: SignedStep) -> None:
        step.closed_at = self.context.now
        step.save(update_fields=["closed_at"])
        self._record(SignedStepDropped, step)

    def open(self, inputs: Mapping[str, Any], *, override: str = "") -> SignedStep:
        return SignedStep.objects.create(
            item_kind=self.kind.code,
            item_id=self.item.pk,
            site_id=self.kind.site_id(self.item),
            version_id=self.item.workflow_version_id,
            edge=self.edge.spec.code,
            since_event_id=signing.since_event(self.kind, self.item),
            inputs=to_jsonable_python(dict(inputs)),
            override_reason=override,
            override_by_id=self.person_id if override else None,
            opened_at=self.context.now,
        )

    def keep_photos(self, step: SignedStep) -> None:
        """Once what was entered has been judged: what somebody signs stays, whether the step is taken or not."""
        using.keep(self.edge, step.inputs, event_id=None)

    def sign(self, step: SignedStep, meaning: Mapping[str, str], proof: UUID | None) -> None:
        signed = Signature.objects.create(
            step=step,
            person_id=self.person_id,
            meaning=dict(meaning),
            signed_at=self.context.now,
            record_hash=signing.record_hash(self.kind, self.item, self.edge, step.inputs),
            proof=proof,
            terminal_id=self.context.actor.terminal_id,
        )
        spec = self.edge.spec.signature
        self._record(
            EdgeSigned,
            step,
            number=Signature.objects.filter(step=step).count(),
            needed=spec.signers if spec else 0,
            record_hash=signed.record_hash,
            override=meaning is OVERRIDDEN,
        )

    def take_if_enough(self, step: SignedStep) -> Signed:
        as_it_is = SignedStep.objects.prefetch_related("signatures").get(pk=step.pk)
        missing = signing.too_few(self.edge, as_it_is)
        if missing is not None:
            return Signed(is_taken=False, missing=int(missing.facts["missing"]))
        self._take(self.context, self.item.pk, self.edge.spec.code, step.inputs, Warrant(step.pk))
        return Signed(is_taken=True, missing=0)

    def _record(self, event: type[EdgeSigned | SignedStepDropped], step: SignedStep, **more: Any) -> None:
        self.context.record(
            event(
                **self.kind.story(self.item),
                edge=self.edge.spec.code,
                version_id=step.version_id,
                step_id=step.pk,
                **more,
            )
        )
        self.context.touch(*self.kind.topics(self.item), signatures_topic(step.site_id))
