"""What somebody who was called answers: I take it, I am going, give it to, I can't; and what is said meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from apps.andon.actions import ANSWER, GIVE, VIEW_EXCEPTIONS
from apps.andon.climbing import climb
from apps.andon.events import AnswerRefused, HandoverAccepted, Remarked
from apps.andon.models import ANSWERED, ExceptionStatus, FloorException, Informed, Occasion, OwnerLevel, Remark
from apps.andon.planning import note_progress, save_with_plan
from apps.andon.rows import (
    ARRIVES,
    Standing,
    change_owner,
    locked,
    moved,
    note_on_the_way,
    person_of,
    refuse_longer_way,
    standing,
    still_open,
)
from apps.andon.telling import tell, tell_of_remark
from apps.core import rights
from apps.core.actors import Actor
from apps.core.commands import Context, FreeText, command
from apps.plant.duty import is_on_duty
from apps.plant.models import Person, Purpose, ReasonCode
from apps.workflows.engine import fire


@command("andon.acknowledge")
def acknowledge(context: Context, *, exception_id: int) -> Standing:
    """The signed-in person owns it from now on.

    Raises CommandRefused: nobody, not_found, closed, answered (somebody else has it), and for who may not.
    """
    return standing(_acknowledged(context, exception_id)[0])


def _acknowledged(context: Context, exception_id: int, **inputs: datetime) -> tuple[FloorException, bool]:
    """With whether it is by this; it may have been answered before.  `inputs`: of the move, beside the new owner."""
    person_id = person_of(context)
    exception = locked(context, exception_id)
    context.allow(ANSWER, at=exception.scope)
    still_open(context, exception)
    if exception.status in ANSWERED:
        if exception.owner_id != person_id:
            context.refuse(
                "answered",
                _("%(name)s has it already. Take it over by having it given to you.") % {"name": exception.owner.name},
            )
        return exception, False
    return moved(context, exception_id, "acknowledge", inputs), True


@command("andon.on_the_way")
def on_the_way(context: Context, *, exception_id: int, minutes: int) -> Standing:
    """ "I am going", with the minutes it takes: an acknowledgement that tells those who wait when.

    Raises CommandRefused: no_minutes, and as `acknowledge`.
    """
    context.allow_anyone()
    refuse_longer_way(context, minutes)
    arrives_at = context.now + timedelta(minutes=minutes)
    exception, is_new = _acknowledged(context, exception_id, **{ARRIVES: arrives_at})
    if not is_new:
        exception.arrives_at = arrives_at
        note_progress(exception, context.now)
        save_with_plan(context, exception)
    note_on_the_way(context, exception)
    return standing(exception)


@command("andon.progress")
def progress(context: Context, *, exception_id: int) -> Standing:
    """ "I am at it": puts off the reminder.  Raises CommandRefused: nobody, not_found, closed, and for who may not."""
    person_of(context)
    exception = locked(context, exception_id)
    context.allow(ANSWER, at=exception.scope)
    still_open(context, exception)
    if exception.status != ExceptionStatus.IN_PROGRESS:
        return standing(moved(context, exception_id, "begin", {}))
    note_progress(exception, context.now)
    save_with_plan(context, exception)
    return standing(exception)


@command("andon.give")
def give(context: Context, *, exception_id: int, person_id: int) -> Standing:
    """Another one owns it, who has to acknowledge it; only somebody who may answer there and is on duty.

    Raises CommandRefused: not_found, closed, not_eligible, and for who may not.
    """
    exception = locked(context, exception_id)
    own = context.actor.person_id == exception.owner_id
    context.allow(ANSWER if own else GIVE, at=exception.scope)
    still_open(context, exception)
    other = Person.objects.get_queryset().filter(pk=person_id, is_active=True).first()
    if other is None or not rights.may(Actor(person_id=person_id), ANSWER, exception.scope):
        context.refuse("not_eligible", _("This person may not answer exceptions here. Choose another one."))
    if not is_on_duty(person_id, context.now):
        context.refuse("not_eligible", _("%(name)s is not on duty. Choose somebody who is.") % {"name": other.name})
    if person_id == exception.owner_id:
        return standing(exception)
    if exception.status != ExceptionStatus.OPEN:
        fire(context, FloorException, exception_id, "unacknowledge", as_system=True)
        exception = locked(context, exception_id)
    change_owner(context, exception, person_id, OwnerLevel.GIVEN, why="given")
    exception.arrives_at = None
    save_with_plan(context, exception)
    tell(context, [(exception, person_id)], Occasion.GIVEN)
    return standing(exception)


@command("andon.cannot")
def cannot(context: Context, *, exception_id: int, reason: str) -> Standing:
    """ "I can't": no acknowledgement; the next step of the policy is taken at once.

    Raises CommandRefused: nobody, not_found, closed, no_reason, and for who may not.
    """
    person_id = person_of(context)
    exception = locked(context, exception_id)
    context.allow(ANSWER, at=exception.scope)
    still_open(context, exception)
    if not ReasonCode.objects.choosable(Purpose.CANNOT).filter(code=reason).exists():
        context.refuse("no_reason", _("Choose why you can't come."))
    context.record(
        AnswerRefused(
            subject_id=exception.pk,
            **exception.story,
            person_id=person_id,
            reason=reason,
            owner_id=exception.owner_id,
        )
    )
    if exception.status in ANSWERED and exception.owner_id == person_id:
        fire(context, FloorException, exception_id, "unacknowledge", as_system=True)
        exception = locked(context, exception_id)
    if exception.status == ExceptionStatus.OPEN:
        climb(context, exception, without={person_id})
    return standing(exception)


@command("andon.accept")
def accept(context: Context, *, exception_id: int) -> Standing:
    """The one to whom it was handed over at the change of shifts takes it as it stands.

    Raises CommandRefused: nobody, not_found, closed, not_yours.
    """
    person_id = person_of(context)
    exception = locked(context, exception_id)
    context.allow(ANSWER, at=exception.scope)
    still_open(context, exception)
    if exception.owner_id != person_id:
        context.refuse("not_yours", _("It belongs to %(name)s.") % {"name": exception.owner.name})
    if exception.accept_by is None:
        return standing(exception)
    exception.accept_by = None
    note_progress(exception, context.now)
    save_with_plan(context, exception)
    context.record(HandoverAccepted(subject_id=exception.pk, **exception.story, owner_id=person_id))
    return standing(exception)


@command("andon.remark")
def remark(context: Context, *, exception_id: int, text: FreeText) -> Standing:
    """Says something in the thread; the owner is told, and who has written there. Whoever must know may write as well.

    Raises CommandRefused: nobody, not_found, no_text, and for who may not.
    """
    person_id = person_of(context)
    exception = locked(context, exception_id)
    if Informed.objects.filter(exception=exception, person=person_id).exists():
        context.allow_anyone()
    else:
        context.allow(VIEW_EXCEPTIONS, at=exception.scope)
    said = text.strip()
    if not said:
        context.refuse("no_text", _("Say something."))
    Remark.objects.create(exception=exception, person_id=person_id, text=said[:2000], at=context.now)
    if person_id == exception.owner_id:
        note_progress(exception, context.now)
        save_with_plan(context, exception)
    if exception.is_open:
        tell_of_remark(context, exception, person_id)
    context.record(
        Remarked(
            subject_id=exception.pk,
            **exception.story,
            person_id=person_id,
            owner_id=exception.owner_id,
        )
    )
    context.touch(*exception.topics)
    return standing(exception)
