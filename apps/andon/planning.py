"""Keeps the clocks and timers of an exception in step with what has become of it. It is locked by the caller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from apps.andon.ladder import Ladder
from apps.andon.models import ANSWERED, Clock, ClockInterval, ExceptionStatus, FloorException, PolicyStep, Timer
from apps.plant.calendar_times import Calendar
from apps.plant.models import WorkCenter
from apps.plant.shifts_calendar import calendar_of, calendar_of_site

S = ExceptionStatus


def ladder_of(exception: FloorException) -> Ladder:
    """Four queries at most."""
    return ladders_of([exception])[0]


def ladders_of(exceptions: Sequence[FloorException]) -> list[Ladder]:
    """Two queries, and one for each calendar; besides what the exceptions have not read of themselves yet."""
    runs: defaultdict[int, defaultdict[Clock, list[ClockInterval]]] = defaultdict(lambda: defaultdict(list))
    intervals = ClockInterval.objects.filter(exception__in=[row.pk for row in exceptions])
    for interval in intervals.select_related("pause_reason").order_by("started_at", "pk"):
        runs[interval.exception_id][Clock(interval.clock)].append(interval)
    steps: defaultdict[int, list[PolicyStep]] = defaultdict(list)
    rows = PolicyStep.objects.filter(version__in={row.policy_version_id for row in exceptions})
    for step in rows.select_related("role", "person").order_by("position"):
        steps[step.version_id].append(step)
    calendars: dict[tuple[int, int | None], Calendar | None] = {}
    return [
        Ladder(row, row.policy_version, steps[row.policy_version_id], runs[row.pk], _calendar(row, calendars))
        for row in exceptions
    ]


def _calendar(exception: FloorException, known: dict[tuple[int, int | None], Calendar | None]) -> Calendar | None:
    """Lines without a calendar of their own share that of their site."""
    line: WorkCenter | None = exception.work_center
    key = exception.site_id, line.calendar_id if line else None
    if key not in known:
        known[key] = calendar_of(line) if line else calendar_of_site(exception.site_id)
    return known[key]


def set_clocks(exception: FloorException, at: datetime) -> None:
    """Each clock runs while what it waits for has not come: an answer; a resolution."""
    status = S(exception.status)
    wanted = {
        Clock.RESPONSE: status == S.OPEN or (status == S.SNOOZED and exception.acknowledged_at is None),
        Clock.RESOLUTION: status not in (S.RESOLVED, S.CLOSED) and bool(exception.policy_version.resolution_minutes),
    }
    open_ones = {Clock(row.clock): row for row in ClockInterval.objects.running().filter(exception=exception)}
    for clock, runs in wanted.items():
        row = open_ones.get(clock)
        if runs and row is None:
            ClockInterval.objects.create(
                exception=exception, clock=clock, started_at=_after_the_last(exception, clock, at)
            )
        elif not runs and row is not None:
            row.end(at)


def plan_anew(exception: FloorException, now: datetime) -> list[Timer]:
    """Sets the next round and the deadline on the exception, saved by the caller; gives the timers of the round."""
    exception.round += 1
    ladder = ladder_of(exception)
    exception.deadline_at = ladder.deadline if exception.status not in (S.RESOLVED, S.CLOSED) else None
    return ladder.timers(now)


def restart_ladder(exception: FloorException, at: datetime) -> None:
    """The policy begins anew: open again after it was answered, snoozed or resolved."""
    exception.ladder_started_at, exception.next_step, exception.level = at, 0, 0
    exception.response_warned = 0


def note_progress(exception: FloorException, at: datetime) -> None:
    """Somebody did something about it: the reminder begins anew."""
    if exception.status in ANSWERED:
        exception.progress_at, exception.reminded = at, exception.reminded + 1


def _after_the_last(exception: FloorException, clock: Clock, at: datetime) -> datetime:
    last = ClockInterval.objects.filter(exception=exception, clock=clock).order_by("-started_at").first()
    return max(at, last.ended_at) if last and last.ended_at else at
