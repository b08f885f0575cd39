"""What all who move an exception do alike, commands and the workflow's own invariants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from apps.andon.actions import ANSWER
from apps.andon.events import OnTheWay, OwnerChanged
from apps.andon.models import ExceptionStatus, FloorException, OwnerLevel
from apps.core.commands import Context
from apps.plant.commands import go_on_duty
from apps.plant.duty import is_on_duty
from apps.workflows.engine import fire
from apps.workflows.kinds import Warrant

# A way through the plant that takes longer is no answer to a call.
LONGEST_WAY_MINUTES = 240
MINUTE = timedelta(minutes=1)
# Given by commands, beside what a step asks for: whose it is from now on, when that person is there, when a snooze
# ends, since when the cause is gone.
OWNER, ARRIVES, UNTIL, CAUSE_ENDED = "owner_id", "arrives_at", "until", "cause_ended_at"
# What resolving asks for.
RESOLUTION, CAUSE = "resolution", "cause"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An exception after a command."""

    exception_id: int
    status: str
    owner_id: int
    level: int
    deadline_at: datetime | None


def locked(context: Context, exception_id: int) -> FloorException:
    """The row, locked until the end of the command, with all that a plan reads."""
    rows = FloorException.objects.select_related(*READS).select_for_update(of=("self",))
    exception = rows.filter(pk=exception_id).first()
    if exception is None:
        context.refuse("not_found", _("This exception does not exist any more. Reload the screen."))
    return exception


def locked_solved(context: Context, exception_id: int) -> FloorException:
    """One from which something is to be learned; refuses as long as nobody knows what helps, and who may not answer."""
    exception = locked(context, exception_id)
    context.allow(ANSWER, at=exception.scope)
    if exception.status not in (ExceptionStatus.RESOLVED, ExceptionStatus.CLOSED):
        context.refuse("not_resolved", _("It is not resolved yet: nobody knows what helps."))
    return exception


READS = ("policy_version", "type", "site", "area", "work_center__site", "work_center__area")


def person_of(context: Context) -> int:
    """Who acts; refuses where nobody is signed in."""
    if context.actor.person_id is None:
        context.refuse("nobody", _("Sign in: an answer belongs to a person."))
    return context.actor.person_id


def at_work(context: Context, person_id: int, site_id: int) -> None:
    """Who takes an exception is on duty from now on, if not before: nobody who is not there owns anything."""
    if not is_on_duty(person_id, context.now):
        go_on_duty.within(context.consequence(), site_id=site_id)


def still_open(context: Context, exception: FloorException) -> None:
    if exception.closed_at is not None:
        context.refuse("closed", _("This exception is closed already."))


def hand_to(exception: FloorException, person_id: int, level: OwnerLevel, role: str, at: datetime) -> None:
    exception.owner_id, exception.owner_level, exception.owner_role = person_id, level, role
    exception.owner_since = at


def moved(
    context: Context, exception_id: int, edge: str, inputs: Mapping[str, Any], *, warrant: Warrant | None = None
) -> FloorException:
    """Whoever moves it owns it, and is at work; one that is opened again is for the one whose it was."""
    person_id = person_of(context)
    before = locked(context, exception_id)
    context.allow(ANSWER, at=before.scope)
    compiled = before.graph.edge(edge, before.state)
    if compiled is not None and compiled.target.status == ExceptionStatus.OPEN:
        return fire(context, FloorException, exception_id, edge, inputs, warrant=warrant).item
    at_work(context, person_id, before.site_id)
    own = {**inputs, OWNER: person_id}
    exception = fire(context, FloorException, exception_id, edge, own, warrant=warrant).item
    if before.owner_id != person_id:
        context.record(owner_changed(exception, before.owner_id, "taken"))
        context.touch(f"person:{before.owner_id}")
    return exception


def note_on_the_way(context: Context, exception: FloorException) -> None:
    """Those who wait hear when."""
    context.record(
        OnTheWay(
            subject_id=exception.pk,
            **exception.story,
            owner_id=exception.owner_id,
            arrives_at=exception.arrives_at,
        )
    )


def refuse_longer_way(context: Context, minutes: float) -> None:
    """Part of a minute ago is now."""
    if not -1 < minutes <= LONGEST_WAY_MINUTES:
        context.refuse("no_minutes", _("Say in how many minutes, up to %(most)s.") % {"most": LONGEST_WAY_MINUTES})


def change_owner(
    context: Context,
    exception: FloorException,
    person_id: int,
    level: OwnerLevel,
    *,
    role: str = "",
    why: str,
) -> None:
    """Sets the owner and tells the ledger; saved by the caller."""
    old = exception.owner_id
    context.touch(f"person:{old}")
    hand_to(exception, person_id, level, role, context.now)
    context.record(owner_changed(exception, old, why))


def owner_changed(exception: FloorException, old_owner_id: int, why: str) -> OwnerChanged:
    return OwnerChanged(
        subject_id=exception.pk,
        **exception.story,
        old_owner_id=old_owner_id,
        new_owner_id=exception.owner_id,
        owner_level=exception.owner_level,
        owner_role=exception.owner_role,
        why=why,
    )


def standing(exception: FloorException) -> Standing:
    return Standing(
        exception_id=exception.pk,
        status=exception.status,
        owner_id=exception.owner_id,
        level=exception.level,
        deadline_at=exception.deadline_at,
    )
