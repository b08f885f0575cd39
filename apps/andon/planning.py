"""Keeps the clocks and timers of an exception in step with what has become of it. It is locked by the caller."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from apps.andon.ladder import Ladder
from apps.andon.models import ANSWERED, Clock, ClockInterval, ExceptionStatus, FloorException, PolicyStep, Timer
from apps.core.commands import Context
from apps.plant.calendar_times import Calendar
from apps.plant.shifts_calendar import calendar_of, calendar_of_site

S = ExceptionStatus


@lru_cache(maxsize=512)
def steps_of(version_id: int) -> tuple[PolicyStep, ...]:
    """Kept: a published version never changes, and an exception goes by no other."""
    rows = PolicyStep.objects.filter(version=version_id).select_related("role", "person")
    return tuple(rows.order_by("position"))


@dataclass
class Reads:
    """What plans of several exceptions at one instant go by, each thing read once.

    `intervals`: of exceptions whose clocks were read for all of them at once
    """

    intervals: dict[int, list[ClockInterval]] = field(default_factory=dict)
    _calendars: dict[tuple[int, int | None], Calendar | None] = field(default_factory=dict)

    @classmethod
    def of(cls, exception_ids: Collection[int]) -> Reads:
        intervals: dict[int, list[ClockInterval]] = {pk: [] for pk in exception_ids}
        rows = ClockInterval.objects.filter(exception__in=exception_ids).select_related("pause_reason")
        for row in rows.order_by("started_at", "pk"):
            intervals[row.exception_id].append(row)
        return cls(intervals)

    def runs(self, exception: FloorException) -> dict[Clock, list[ClockInterval]]:
        rows = self.intervals.get(exception.pk)
        if rows is None:
            rows = list(ClockInterval.objects.filter(exception=exception).order_by("started_at", "pk"))
        runs: defaultdict[Clock, list[ClockInterval]] = defaultdict(list)
        for interval in rows:
            runs[Clock(interval.clock)].append(interval)
        return runs

    def calendar(self, exception: FloorException) -> Calendar | None:
        """Lines without a calendar of their own share that of their site."""
        line = exception.work_center
        key = exception.site_id, line.calendar_id if line else None
        if key not in self._calendars:
            self._calendars[key] = calendar_of(line) if line else calendar_of_site(exception.site_id)
        return self._calendars[key]


def ladder_of(exception: FloorException, reads: Reads | None = None) -> Ladder:
    reads = reads or Reads()
    version = exception.policy_version
    return Ladder(exception, version, steps_of(version.pk), reads.runs(exception), reads.calendar(exception))


def ladders_of(exceptions: Collection[FloorException]) -> list[Ladder]:
    """One query for all clocks, and one for each calendar."""
    reads = Reads.of([exception.pk for exception in exceptions])
    return [ladder_of(exception, reads) for exception in exceptions]


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


def save_with_plan(context: Context, exception: FloorException) -> None:
    """Saves the row with a new plan of its timers."""
    timers = plan_anew(exception, context.now)
    exception.save()
    Timer.objects.bulk_create(timers)
    context.touch(*exception.topics)


def restart_ladder(exception: FloorException, at: datetime) -> None:
    """The policy begins anew: open again after it was answered, snoozed or resolved."""
    exception.ladder_started_at, exception.next_step, exception.level = at, 0, 0


def note_progress(exception: FloorException, at: datetime) -> None:
    """Somebody did something about it: the reminder begins anew."""
    if exception.status in ANSWERED:
        exception.progress_at, exception.reminded = at, exception.reminded + 1


def _after_the_last(exception: FloorException, clock: Clock, at: datetime) -> datetime:
    last = ClockInterval.objects.filter(exception=exception, clock=clock).order_by("-started_at").first()
    return max(at, last.ended_at) if last and last.ended_at else at
