"""What is to happen to an exception next, and when: its timers, worked out anew after each change.

OPEN          the next step of the policy        the clocks' warnings
ANSWERED      a reminder, and those steps that go on until it is resolved        the clocks' warnings
SNOOZED       its end                            RESOLVED  another look at the cause
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.andon.models import (
    ANSWERED,
    Clock,
    ClockInterval,
    Condition,
    ExceptionStatus,
    FloorException,
    PolicyStep,
    PolicyVersion,
    Timer,
    TimerKind,
)
from apps.andon.sla import Counting, Run, after, runs_out
from apps.plant.calendar_times import Calendar

S = ExceptionStatus
PERCENTS = (50, 75, 90, 100)
# A window nearer than the time to answer shortens the whole policy, but nobody answers in no time.
SHORTEST = 0.25


@dataclass(frozen=True)
class Ladder:
    """One exception and all that decides when it is due; `runs`: the intervals of each clock."""

    exception: FloorException
    version: PolicyVersion
    steps: Sequence[PolicyStep]
    runs: Mapping[Clock, Sequence[ClockInterval]]
    calendar: Calendar | None

    @property
    def counting(self) -> Counting:
        return Counting(self.version.counting)

    @property
    def share(self) -> float:
        """By how much the nearest hit shortens all waits: 1 not at all."""
        hits_at, begun = self.exception.hits_at, self.exception.ladder_started_at
        if hits_at is None:
            return 1.0
        return min(1.0, max(SHORTEST, (hits_at - begun) / timedelta(minutes=self.version.response_minutes)))

    def allowed(self, clock: Clock) -> timedelta | None:
        if clock == Clock.RESPONSE:
            return timedelta(minutes=self.version.response_minutes) * self.share
        minutes = self.version.resolution_minutes
        return timedelta(minutes=minutes) if minutes else None

    def due(self, clock: Clock) -> datetime | None:
        """When the clock runs out; None: it does not run, or nobody knows."""
        return self._at_percent(clock, 100)

    def _at_percent(self, clock: Clock, percent: int) -> datetime | None:
        allowed = self.allowed(clock)
        if allowed is None:
            return None
        return runs_out(running(self.runs.get(clock, ())), allowed * percent / 100, self.counting, self.calendar)

    @property
    def deadline(self) -> datetime | None:
        """The nearest of what it hits and of its clocks."""
        known = [self.due(Clock.RESPONSE), self.due(Clock.RESOLUTION), self.exception.hits_at]
        return min((at for at in known if at is not None), default=None)

    def step_due(self, index: int, now: datetime) -> datetime | None:
        """When it is taken; None where the policy has no steps.  See `_step_at`."""
        found = self._step_at(index, now)
        return found[1] if found else None

    def _step_at(self, index: int, now: datetime) -> tuple[int, datetime] | None:
        """Of one beyond the last: the last again. Of repeats that were missed only the latest is made up for.

        With the index, which then is that of the repeat that is made up for.
        """
        if not self.steps:
            return None
        last = len(self.steps) - 1
        step = self.steps[min(index, last)]
        begun = self.exception.ladder_started_at
        wait = timedelta(minutes=step.after_minutes) * self.share
        first = after(begun, wait, self.counting, self.calendar) or begun + wait
        if index <= last:
            return index, first
        pause = timedelta(minutes=step.repeat_minutes)
        repeat = max(index - last, (now - first) // pause)
        return last + repeat, first + repeat * pause

    def next_step(self) -> int | None:
        """Of the policy, from the exception's own on; None where those left ask only while nobody has answered."""
        index = self.exception.next_step
        if not self.steps:
            return None
        if self.exception.status == S.OPEN:
            return index
        while index < len(self.steps):
            if self.steps[index].condition == Condition.UNRESOLVED:
                return index
            index += 1
        return index if self.steps[-1].condition == Condition.UNRESOLVED else None

    def timers(self, now: datetime) -> list[Timer]:
        """Of the exception's present round, none due before `now`. One that follows its parent calls nobody itself."""
        if self.exception.status == S.CLOSED:
            return []
        return not_before(now, self._timers(now))

    def _timers(self, now: datetime) -> Iterator[Timer]:
        exception = self.exception
        if exception.status == S.RESOLVED:
            resolved_at = exception.resolved_at or now
            yield self._timer(TimerKind.RECHECK, 0, resolved_at + timedelta(minutes=self.version.recheck_minutes))
            return
        if exception.status == S.SNOOZED:
            yield self._timer(TimerKind.WAKE, 0, exception.snoozed_until or now)
        for clock in Clock:
            yield from self._pause_end(clock)
        if exception.parent_id is None:
            yield from self._calls(now)

    def _calls(self, now: datetime) -> Iterator[Timer]:
        """Those that call somebody."""
        exception = self.exception
        if exception.status in ANSWERED:
            yield self.reminder(exception.progress_at or now)
        if exception.status != S.SNOOZED and (step := self.step(now)):
            yield step
        for clock in Clock:
            yield from self.warnings(clock, now)
        if exception.accept_by:
            yield self._timer(TimerKind.ACCEPT, 0, exception.accept_by)

    def step(self, now: datetime) -> Timer | None:
        index = self.next_step()
        due = self._step_at(index, now) if index is not None else None
        return self._timer(TimerKind.STEP, *due) if due else None

    def reminder(self, since: datetime) -> Timer:
        wait = timedelta(minutes=self.version.remind_minutes)
        due = after(since, wait, self.counting, self.calendar) or since + wait
        return self._timer(TimerKind.REMIND, self.exception.reminded, due)

    def unacknowledging(self, now: datetime) -> Timer:
        due = now + timedelta(minutes=self.version.unack_minutes)
        return self._timer(TimerKind.UNACK, self.exception.reminded, due)

    def warnings(self, clock: Clock, now: datetime) -> Iterator[Timer]:
        """The next one only, which brings the one after it; of several that are over already, the last."""
        exception = self.exception
        warned = exception.response_warned if clock == Clock.RESPONSE else exception.resolution_warned
        due = {percent: self._at_percent(clock, percent) for percent in PERCENTS if percent > warned}
        over = [percent for percent, at in due.items() if at is not None and at <= now]
        percent = over[-1] if over else next((percent for percent, at in due.items() if at), None)
        if percent and (at := due[percent]):
            yield self._timer(TimerKind(clock.value), percent, at)

    def _pause_end(self, clock: Clock) -> Iterator[Timer]:
        pause = next((run for run in self.runs.get(clock, ()) if run.is_pause and run.ended_at is None), None)
        if pause and pause.pause_until:
            yield self._timer(TimerKind.UNPAUSE, 0 if clock == Clock.RESPONSE else 1, pause.pause_until)

    def _timer(self, kind: TimerKind, step: int, due_at: datetime) -> Timer:
        return Timer(exception=self.exception, kind=kind, step=step, round=self.exception.round, due_at=due_at)


def not_before(now: datetime, timers: Iterable[Timer]) -> list[Timer]:
    """What was due while nothing could be done, say while it was part of another, is due now."""
    found = list(timers)
    for timer in found:
        timer.due_at = max(timer.due_at, now)
    return found


def running(intervals: Sequence[ClockInterval]) -> list[Run]:
    return [(interval.started_at, interval.ended_at) for interval in intervals if not interval.is_pause]
