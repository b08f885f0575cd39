"""A clock stands only while somebody outside is waited for, with a reason and an end."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _

from apps.andon.actions import ANSWER
from apps.andon.events import ClockPaused, ClockResumed
from apps.andon.models import Clock, ClockInterval, FloorException
from apps.andon.planning import save_with_plan
from apps.andon.rows import Standing, locked, standing, still_open
from apps.core.commands import Context, command
from apps.plant.models import Purpose, ReasonCode


@command("andon.pause_clock")
def pause_clock(context: Context, *, exception_id: int, reason: str, minutes: int) -> Standing:
    """The clock to resolve stands, for `minutes` at most.

    Raises CommandRefused: not_found, closed, no_clock, no_reason, too_long, and for who may not.
    """
    exception = locked(context, exception_id)
    context.allow(ANSWER, at=exception.scope)
    still_open(context, exception)
    code = ReasonCode.objects.choosable(Purpose.CLOCK_PAUSE).filter(code=reason).first()
    if code is None:
        context.refuse("no_reason", _("Choose who is waited for: a clock stands for nothing else."))
    longest = exception.policy_version.pause_minutes
    if not 0 < minutes <= longest:
        context.refuse("too_long", _("The clock can stand for %(minutes)s minutes at most.") % {"minutes": longest})
    run = _open(exception)
    if run is None or run.is_pause:
        context.refuse("no_clock", _("The clock to resolve does not run now."))
    run.end(context.now)
    until = context.now + timedelta(minutes=minutes)
    ClockInterval.objects.create(
        exception=exception,
        clock=Clock.RESOLUTION,
        started_at=run.ended_at or context.now,
        is_pause=True,
        pause_reason=code,
        pause_until=until,
    )
    save_with_plan(context, exception)
    context.record(
        ClockPaused(
            subject_id=exception.pk,
            **exception.story,
            reason=reason,
            until=until,
            owner_id=exception.owner_id,
        )
    )
    return standing(exception)


@command("andon.resume_clock")
def resume_clock(context: Context, *, exception_id: int) -> Standing:
    exception = locked(context, exception_id)
    context.allow(ANSWER, at=exception.scope)
    let_run(context, exception)
    save_with_plan(context, exception)
    return standing(exception)


def let_run(context: Context, exception: FloorException) -> None:
    """Ends the pause, if there is one; saved by the caller."""
    pause = _open(exception)
    if pause is None or not pause.is_pause:
        return
    pause.end(context.now)
    ClockInterval.objects.create(exception=exception, clock=Clock.RESOLUTION, started_at=pause.ended_at or context.now)
    context.record(
        ClockResumed(
            subject_id=exception.pk,
            **exception.story,
            owner_id=exception.owner_id,
        )
    )


def _open(exception: FloorException) -> ClockInterval | None:
    return ClockInterval.objects.running().filter(exception=exception, clock=Clock.RESOLUTION).first()
