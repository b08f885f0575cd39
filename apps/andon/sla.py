"""How much of a clock has run, and when it runs out; pure, so that it can be tried by the thousand.

A clock is a list of intervals in which it ran; the pauses are the gaps. Nothing is counted down: every figure is worked
out from the intervals, the calendar and the instant asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.plant.calendar_times import Calendar, Interval, shifts_between

ZERO = timedelta(0)
# How far ahead working time is looked for, and in what portions: beyond the longest shutdown of a plant.
HORIZON, PORTION = timedelta(days=370), timedelta(days=14)

Run = tuple[datetime, datetime | None]


class Counting(models.TextChoices):
    """WORKING: within shifts, without breaks. LINE: within shifts, breaks count: a line that stands, stands."""

    WALL = "wall", _("always")
    WORKING = "working", _("in working time")
    LINE = "line", _("while the line is scheduled")


def counted(calendar: Calendar | None, counting: Counting, start: datetime, end: datetime) -> Iterator[Interval]:
    """The parts of [start, end) that count, in order. All of it where no calendar is."""
    if calendar is None or counting == Counting.WALL:
        if start < end:
            yield start, end
        return
    for shift in shifts_between(calendar, start, end):
        pauses = shift.breaks if counting == Counting.WORKING else ()
        reached = max(shift.start, start)
        for begins, ends in pauses:
            if reached < min(begins, end):
                yield reached, min(begins, end)
            reached = max(reached, ends)
        if reached < min(shift.end, end):
            yield reached, min(shift.end, end)


def elapsed(runs: Sequence[Run], until: datetime, counting: Counting, calendar: Calendar | None) -> timedelta:
    """What has run of the clock at `until`; an open run goes on."""
    parts = (
        ends - begins
        for start, end in runs
        for begins, ends in counted(calendar, counting, start, min(end or until, until))
    )
    return sum(parts, ZERO)


def after(start: datetime, wait: timedelta, counting: Counting, calendar: Calendar | None) -> datetime | None:
    """The first instant by which `wait` has been counted since `start`; None if that is beyond HORIZON."""
    if calendar is None or counting == Counting.WALL or wait <= ZERO:
        return start + max(wait, ZERO)
    left, begin = wait, start
    while begin < start + HORIZON:
        for begins, ends in counted(calendar, counting, begin, begin + PORTION):
            if ends - begins >= left:
                return begins + left
            left -= ends - begins
        begin += PORTION
    return None


def runs_out(runs: Sequence[Run], allowed: timedelta, counting: Counting, calendar: Calendar | None) -> datetime | None:
    """When `allowed` has run; None while the clock stands, for then nobody knows, or beyond HORIZON."""
    begin = next((start for start, end in runs if end is None), None)
    if begin is None:
        return None
    over = elapsed([run for run in runs if run[1] is not None], begin, counting, calendar)
    if over < allowed:
        return after(begin, allowed - over, counting, calendar)
    return _passed(runs, allowed, counting, calendar)


def _passed(runs: Sequence[Run], allowed: timedelta, counting: Counting, calendar: Calendar | None) -> datetime | None:
    """The instant in a run that has ended at which it had run out already."""
    left = allowed
    for start, end in sorted(runs, key=lambda run: run[0]):
        took = elapsed([(start, end)], end or start, counting, calendar)
        if took >= left:
            return after(start, left, counting, calendar)
        left -= took
    return None
