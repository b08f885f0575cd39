"""Clocks beside a count of minutes: calendars with breaks, changes of the clocks, days off and pauses."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.andon.sla import Counting, Run, after, elapsed, runs_out
from apps.plant.calendar_times import Calendar, Pattern, shift_at

MINUTE = timedelta(minutes=1)
# Around the changes of the clocks of the zones below, and a plain week.
WEEKS = [
    datetime(2026, 3, 27, tzinfo=UTC),
    datetime(2026, 10, 23, tzinfo=UTC),
    datetime(2026, 3, 6, tzinfo=UTC),
    datetime(2026, 10, 30, tzinfo=UTC),
    datetime(2026, 6, 1, tzinfo=UTC),
]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
CASES = 10_000 if os.environ.get("LONG") else 1_000


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """One to three shifts that follow each other, each with up to two breaks."""
    hours = sorted(draw(st.lists(st.integers(0, 23), min_size=2, max_size=4, unique=True)))
    patterns = []
    for number, (start, end) in enumerate(pairwise(hours)):
        breaks = []
        if end - start >= 2 and draw(st.booleans()):
            minute = draw(st.integers(0, 59))
            breaks.append((time(start + 1, minute), time(start + 1, minute + 1) if minute < 59 else time(start + 2, 0)))
        if draw(st.booleans()):
            breaks.append((time(start, 5), time(start, draw(st.integers(6, 59)))))
        patterns.append(
            Pattern(
                code=str(number),
                name=str(number),
                weekdays=frozenset(draw(st.sets(st.integers(1, 7), min_size=1))),
                starts_at=time(start),
                ends_at=time(end),
                breaks=tuple(breaks),
            )
        )
    if draw(st.booleans()):
        night = hours[-1]
        patterns.append(
            Pattern(code="N", name="N", weekdays=frozenset(range(1, 8)), starts_at=time(night), ends_at=time(hours[0]))
        )
    days_off = draw(st.sets(st.dates(date(2026, 3, 1), date(2026, 11, 5)), max_size=2))
    return Calendar(zone=ZoneInfo(draw(st.sampled_from(ZONES))), patterns=tuple(patterns), days_off=frozenset(days_off))


@st.composite
def run_lists(draw: st.DrawFn) -> list[Run]:
    """A clock that ran, was paused and ran again, in whole minutes; the last run may be open."""
    at = draw(st.sampled_from(WEEKS)) + draw(st.integers(0, 2 * 24 * 60)) * MINUTE
    runs: list[Run] = []
    for _ in range(draw(st.integers(1, 3))):
        end = at + draw(st.integers(0, 1_200)) * MINUTE
        runs.append((at, end))
        at = end + draw(st.integers(0, 600)) * MINUTE
    if draw(st.booleans()):
        runs[-1] = (runs[-1][0], None)
    return runs


def counts(calendar: Calendar, counting: Counting, minute: datetime) -> bool:
    """Whether this minute counts, asked for alone."""
    if counting == Counting.WALL:
        return True
    shift = shift_at(calendar, minute)
    if shift is None:
        return False
    return counting == Counting.LINE or not any(start <= minute < end for start, end in shift.breaks)


def counted_minutes(calendar: Calendar, counting: Counting, runs: list[Run], until: datetime) -> int:
    total = 0
    for start, end in runs:
        minute = start
        while minute < min(end or until, until):
            total += counts(calendar, counting, minute)
            minute += MINUTE
    return total


@settings(max_examples=CASES // 20, deadline=None)
@given(calendars(), run_lists(), st.sampled_from(Counting), st.integers(0, 3_000))
def test_what_has_elapsed_is_what_a_count_of_minutes_says(
    calendar: Calendar, runs: list[Run], counting: Counting, ahead: int
) -> None:
    until = runs[0][0] + ahead * MINUTE
    assert elapsed(runs, until, counting, calendar) == counted_minutes(calendar, counting, runs, until) * MINUTE


class Counter:
    """The minutes of a calendar as a row of ones and zeros, each asked for alone once per shift boundary."""

    def __init__(self, calendar: Calendar, counting: Counting, start: datetime, minutes: int) -> None:
        self.start = start
        self.row = bytearray(counts(calendar, counting, start + n * MINUTE) for n in range(minutes))

    def total(self, runs: list[Run], until: datetime) -> int:
        total = 0
        for begin, end in runs:
            first, last = (int((at - self.start) / MINUTE) for at in (begin, min(end or until, until)))
            total += sum(self.row[first : max(first, last)])
        return total


SPAN_MINUTES = 4 * 24 * 60


@settings(max_examples=CASES // 100, deadline=None)
@given(st.data())
def test_a_hundred_clocks_on_one_calendar_agree_with_the_count(data: st.DataObject) -> None:
    """The row of minutes is dear, the clocks are not: a hundred of them share each calendar."""
    calendar, counting = data.draw(calendars()), data.draw(st.sampled_from([Counting.WORKING, Counting.LINE]))
    week = data.draw(st.sampled_from(WEEKS))
    counter = Counter(calendar, counting, week, SPAN_MINUTES)
    random = data.draw(st.randoms(use_true_random=False))
    for _ in range(100):
        marks = sorted(random.sample(range(SPAN_MINUTES), 6))
        points = [week + mark * MINUTE for mark in marks]
        runs: list[Run] = [(points[0], points[1]), (points[2], None if random.random() < 0.5 else points[3])]
        until = points[random.choice([1, 3, 4, 5])]
        assert elapsed(runs, until, counting, calendar) == counter.total(runs, until) * MINUTE


@settings(max_examples=CASES // 20, deadline=None)
@given(calendars(), run_lists(), st.sampled_from(Counting), st.integers(1, 2_000))
def test_a_clock_runs_out_at_the_instant_at_which_that_much_has_elapsed(
    calendar: Calendar, runs: list[Run], counting: Counting, minutes: int
) -> None:
    allowed = minutes * MINUTE
    out = runs_out(runs, allowed, counting, calendar)
    if out is None:
        assert runs[-1][1] is not None, "a clock that stands runs out at no known time, one that runs does"
        return
    assert elapsed(runs, out, counting, calendar) == allowed
    assert elapsed(runs, out - timedelta(microseconds=1), counting, calendar) < allowed


def test_where_no_calendar_is_all_time_counts() -> None:
    start = datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert after(start, timedelta(hours=30), Counting.WORKING, None) == start + timedelta(hours=30)


def test_a_line_down_clock_ignores_breaks_while_the_line_is_scheduled() -> None:
    early = Pattern(
        code="E",
        name="E",
        weekdays=frozenset(range(1, 8)),
        starts_at=time(6),
        ends_at=time(14),
        breaks=((time(9), time(9, 30)),),
    )
    calendar = Calendar(zone=ZoneInfo("UTC"), patterns=(early,))
    start = datetime(2026, 11, 24, 8, 50, tzinfo=UTC)
    assert after(start, timedelta(minutes=20), Counting.LINE, calendar) == start + timedelta(minutes=20)
    assert after(start, timedelta(minutes=20), Counting.WORKING, calendar) == start + timedelta(minutes=50)
    at_the_end = datetime(2026, 11, 24, 13, 50, tzinfo=UTC)
    assert after(at_the_end, timedelta(minutes=20), Counting.LINE, calendar) == datetime(
        2026, 11, 25, 6, 10, tzinfo=UTC
    )
