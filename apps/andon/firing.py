"""What a timer does when it is due. Its exception is locked and read again; one of an older plan does nothing."""

from __future__ import annotations

from collections.abc import Callable

from apps.andon.actions import ANSWER
from apps.andon.climbing import Office, climb
from apps.andon.commands.clocks import let_run
from apps.andon.events import ClockBreached, ClockWarned
from apps.andon.kinds import END
from apps.andon.ladder import not_before
from apps.andon.models import (
    ANSWERED,
    Clock,
    ExceptionStatus,
    FloorException,
    Occasion,
    Outcome,
    Timer,
    TimerKind,
)
from apps.andon.planning import Reads, ladder_of, save_with_plan
from apps.andon.rows import READS
from apps.andon.telling import tell
from apps.core.actors import Actor
from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.workflows.engine import fire

S = ExceptionStatus
WORKER = Actor.system("andon")
# Claimed together: few enough that nobody waits long for their exceptions, many enough to pay for the transaction.
AT_ONCE = 20


@command("andon.fire_due")
def fire_due(context: Context, *, at_most: int = AT_ONCE) -> int:
    """Fires the timers that are due, as many as this worker gets hold of; how many.  For the worker.

    The claim is the transaction: a worker that dies has fired nothing, and another one takes them.
    """
    context.allow(ANSWER, at=EVERYWHERE)
    due = Timer.objects.due(context.now).select_for_update(skip_locked=True)
    timers = list(due[:at_most])
    rows = FloorException.objects.select_related(*READS).filter(pk__in={timer.exception_id for timer in timers})
    # One that somebody acts on right now is left for the next look: nobody waits for anybody.
    exceptions = {row.pk: row for row in rows.select_for_update(of=("self",), skip_locked=True).order_by("pk")}
    mine = [timer for timer in timers if timer.exception_id in exceptions]
    office = Office.at(context.now, Reads.of(exceptions))
    seen: set[int] = set()
    for timer in mine:
        if timer.exception_id in seen:
            # What the timer before did may have been done to a row read anew.
            exceptions[timer.exception_id] = FloorException.objects.select_related(*READS).get(pk=timer.exception_id)
            office.reads.intervals.pop(timer.exception_id, None)
        seen.add(timer.exception_id)
        _fire(context, timer, exceptions[timer.exception_id], office)
    Timer.objects.bulk_update(mine, ["fired_at", "outcome"])
    return len(mine)


def _fire(context: Context, timer: Timer, exception: FloorException, office: Office) -> None:
    is_current = timer.round == exception.round and exception.closed_at is None
    timer.fired_at, timer.outcome = context.now, Outcome.DONE if is_current else Outcome.STALE
    if is_current:
        _DO[TimerKind(timer.kind)](context, timer, exception, office)


def _step(context: Context, timer: Timer, exception: FloorException, office: Office) -> None:
    if exception.next_step <= timer.step:
        climb(context, exception, timer=timer, office=office)


def _warn(context: Context, timer: Timer, exception: FloorException, office: Office) -> None:
    """At 100 % the flag is set, and the clock goes on."""
    clock = Clock(timer.kind)
    ladder = ladder_of(exception, office.reads)
    setattr(exception, f"{clock.value}_warned", timer.step)
    if timer.step == 100:
        due_at = ladder.due(clock) or timer.due_at
        setattr(exception, f"{clock.value}_breached_at", due_at)
        context.record(
            ClockBreached(
                subject_id=exception.pk,
                **exception.story,
                clock=clock.value,
                due_at=due_at,
                owner_id=exception.owner_id,
            )
        )
    else:
        context.record(
            ClockWarned(
                subject_id=exception.pk,
                **exception.story,
                clock=clock.value,
                percent=timer.step,
                owner_id=exception.owner_id,
            )
        )
    exception.save(update_fields=[f"{clock.value}_warned", f"{clock.value}_breached_at"])
    following = not_before(context.now, ladder.warnings(clock, context.now))
    Timer.objects.bulk_create(following, ignore_conflicts=True)
    _tell_owner(context, exception, Occasion.WARNING, timer, office)
    context.touch(*exception.topics)


def _tell_owner(context: Context, exception: FloorException, occasion: Occasion, timer: Timer, office: Office) -> None:
    whom = [(exception, exception.owner_id)]
    tell(context, whom, occasion, timer=timer, level=exception.level, desk=office.desk)


def _remind(context: Context, timer: Timer, exception: FloorException, office: Office) -> None:
    _tell_owner(context, exception, Occasion.REMINDER, timer, office)
    Timer.objects.bulk_create([ladder_of(exception, office.reads).unacknowledging(context.now)], ignore_conflicts=True)


def _unacknowledge(context: Context, _timer: Timer, exception: FloorException, _office: Office) -> None:
    fire(context, FloorException, exception.pk, "unacknowledge", as_system=True)


def _wake(context: Context, _timer: Timer, exception: FloorException, _office: Office) -> None:
    fire(context, FloorException, exception.pk, "wake", as_system=True)


def _unpause(context: Context, _timer: Timer, exception: FloorException, _office: Office) -> None:
    let_run(context, exception)
    save_with_plan(context, exception)


def _recheck(context: Context, _timer: Timer, exception: FloorException, _office: Office) -> None:
    edge = "reopen" if exception.cause.is_present(exception) else END
    fire(context, FloorException, exception.pk, edge, as_system=True)


def _not_accepted(context: Context, _timer: Timer, exception: FloorException, _office: Office) -> None:
    """Whoever it was handed to at the change of shifts has not taken it: it is nobody's word any more."""
    exception.accept_by = None
    exception.save(update_fields=["accept_by"])
    if exception.status in ANSWERED:
        exception = fire(context, FloorException, exception.pk, "unacknowledge", as_system=True).item
    climb(context, exception)


_DO: dict[TimerKind, Callable[[Context, Timer, FloorException, Office], None]] = {
    TimerKind.STEP: _step,
    TimerKind.RESPONSE: _warn,
    TimerKind.RESOLUTION: _warn,
    TimerKind.REMIND: _remind,
    TimerKind.UNACK: _unacknowledge,
    TimerKind.WAKE: _wake,
    TimerKind.UNPAUSE: _unpause,
    TimerKind.RECHECK: _recheck,
    TimerKind.ACCEPT: _not_accepted,
}


@command("andon.put_back_timer")
def put_back_timer(context: Context, *, timer_id: int) -> None:
    """One that could not be fired comes after all others; the watchdog shows it."""
    context.allow(ANSWER, at=EVERYWHERE)
    timer = Timer.objects.select_for_update().filter(pk=timer_id, fired_at=None).first()
    if timer is not None:
        timer.failures = min(timer.failures + 1, 1000)
        timer.save(update_fields=["failures"])
