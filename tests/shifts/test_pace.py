"""Pace, worked out by hand first."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.plant.calendar_times import Calendar, Pattern, Shift, net_seconds, shift_at
from apps.shifts.pace import Pace, lately_from, reckon
from tests.world import THREE_SHIFTS

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 6, 1)
AUTUMN, SPRING = date(2026, 10, 24), date(2026, 3, 28)
CALENDAR = Calendar(
    zone=BERLIN,
    patterns=tuple(
        Pattern(
            code=code,
            name=code,
            weekdays=frozenset(range(1, 8)),
            starts_at=start,
            ends_at=end,
            breaks=tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in breaks),
        )
        for code, start, end, breaks in THREE_SHIFTS
    ),
)


def local(text: str, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(text), BERLIN).astimezone(UTC)


def shift_of(now: datetime) -> Shift:
    shift = shift_at(CALENDAR, now)
    assert shift is not None
    return shift


# Good pieces, and when; a reversal is negative.
Count = tuple[datetime, Decimal]


def reckoned(shift: Shift, now: datetime, counts: list[Count], target: Decimal | None) -> Pace:
    """What the database adds up, added up by hand."""
    made = [(at, good) for at, good in counts if shift.start <= at <= now]
    lately = [good for at, good in made if at >= lately_from(shift, now)]
    return reckon(shift, now, sum((good for _, good in made), Decimal(0)), sum(lately, Decimal(0)), target)


def at(now: datetime, counts: list[Count] | None = None, target: int | None = None) -> Pace:
    return reckoned(shift_of(now), now, counts or [], None if target is None else Decimal(target))


def good(text: str, quantity: int, day: date = MONDAY) -> Count:
    return local(text, day), Decimal(quantity)


def near(value: Decimal | None, expected: float | Fraction) -> bool:
    return value is not None and abs(Fraction(value) - Fraction(expected)) < Fraction(1, 10**9)


class TestByHand:
    """The early shift is 06:00 to 14:00 with a break from 09:00 to 09:30: 7.5 net hours."""

    def test_before_the_break(self) -> None:
        # 2 of 7.5 net hours; 30 made in them: 15 an hour, and 5.5 hours are left.
        pace = at(local("08:00"), [good("06:30", 10), good("07:59", 20)], 90)
        assert pace.made == 30
        assert near(pace.should_be_by_now, 24)
        assert near(pace.rate_per_hour, 15)
        assert near(pace.heading_for, 30 + 15 * 5.5)
        assert pace.remaining_net_seconds == 5.5 * 3600
        assert near(pace.behind_now, -6)
        assert near(pace.short_at_end, 90 - 112.5)

    @pytest.mark.parametrize("now", ["09:00", "09:10", "09:30"])
    def test_nothing_is_due_in_the_break(self, now: str) -> None:
        pace = at(local(now), [], 90)
        assert near(pace.should_be_by_now, 36)
        assert pace.remaining_net_seconds == 4.5 * 3600

    def test_the_rate_looks_back_over_the_break(self) -> None:
        # At 10:30: two net hours back is 08:00. 12 at 08:30 and 8 at 10:00 count, the 50 at 07:00 are older.
        pace = at(local("10:30"), [good("07:00", 50), good("08:30", 12), good("10:00", 8)], 75)
        assert near(pace.rate_per_hour, 10)
        assert near(pace.heading_for, 70 + 10 * 3.5)
        assert near(pace.should_be_by_now, 40)

    def test_the_night_goes_over_midnight(self) -> None:
        # 22:00 to 06:00, break 02:00 to 02:30. At 03:00 there are 4.5 net hours behind, 3 ahead.
        tuesday = MONDAY + timedelta(days=1)
        pace = at(local("03:00", tuesday), [good("23:00", 20), good("01:30", 5, tuesday)], 75)
        assert pace.shift.shift_date == MONDAY
        assert pace.made == 25
        assert near(pace.should_be_by_now, 45)
        assert near(pace.rate_per_hour, 2.5)  # since 00:30
        assert near(pace.heading_for, 25 + 2.5 * 3)

    @pytest.mark.parametrize(("night", "net_hours"), [(AUTUMN, 8.5), (SPRING, 6.5)])
    def test_a_night_in_which_the_clocks_change(self, night: date, net_hours: float) -> None:
        # At midnight two net hours are over, whatever the clocks will do.
        midnight = local("00:00", night + timedelta(days=1))
        pace = at(midnight, [good("23:30", 10, night)], 85)
        assert near(pace.should_be_by_now, Fraction(85 * 2) / Fraction(net_hours))
        assert pace.remaining_net_seconds == Decimal((net_hours - 2) * 3600)
        assert near(pace.heading_for, 10 + 5 * Fraction(net_hours - 2))

    def test_without_a_target_there_is_a_rate_and_no_more(self) -> None:
        pace = at(local("08:00"), [good("07:00", 10)])
        assert (pace.target, pace.should_be_by_now, pace.behind_now, pace.short_at_end) == (None, None, None, None)
        assert near(pace.heading_for, 10 + 5 * 5.5)

    def test_without_production_it_heads_for_what_there_is(self) -> None:
        pace = at(local("08:00"), [], 90)
        assert (pace.made, pace.rate_per_hour, pace.heading_for) == (0, 0, 0)
        assert near(pace.short_at_end, 90)

    def test_the_first_quarter_of_an_hour_says_nothing_of_the_rate(self) -> None:
        early = at(local("06:14"), [good("06:10", 3)], 90)
        assert (early.rate_per_hour, early.heading_for, early.short_at_end) == (None, None, None)
        assert near(at(local("06:15"), [good("06:10", 3)], 90).rate_per_hour, 12)

    def test_a_reversal_subtracts(self) -> None:
        pace = at(local("08:00"), [good("07:00", 10), good("07:00", -10), good("07:30", 4)], 90)
        assert pace.made == 4
        assert near(pace.rate_per_hour, 2)

    def test_a_count_on_the_very_start_belongs_to_the_shift_and_a_later_one_not_yet(self) -> None:
        assert at(local("07:00"), [good("06:00", 1), good("07:00", 2), good("07:01", 4)]).made == 3

    def test_at_the_end_it_has_made_what_it_has_made(self) -> None:
        shift = shift_of(local("08:00"))
        pace = reckoned(shift, shift.end, [good("13:00", 50)], Decimal(96))
        assert (pace.should_be_by_now, pace.heading_for, pace.remaining_net_seconds) == (96, 50, 0)

    def test_what_was_booked_in_a_break_before_the_first_work_is_no_rate(self) -> None:
        start = local("08:00")
        pause = (start, start + timedelta(minutes=30))
        shift = Shift(
            code="X", name="X", shift_date=MONDAY, start=start, end=start + timedelta(hours=8), breaks=(pause,)
        )
        pace = reckoned(shift, start + timedelta(minutes=90), [good("08:10", 2), good("09:00", 6)], None)
        assert (pace.made, pace.rate_per_hour) == (8, 6)

    def test_a_shift_that_is_all_break_divides_by_nothing(self) -> None:
        start = local("08:00")
        shift = Shift(
            code="X",
            name="X",
            shift_date=MONDAY,
            start=start,
            end=start + timedelta(hours=1),
            breaks=((start, start + timedelta(hours=1)),),
        )
        pace = reckoned(shift, start + timedelta(minutes=30), [good("08:10", 2)], Decimal(10))
        assert (pace.made, pace.should_be_by_now, pace.rate_per_hour, pace.heading_for) == (2, None, None, None)


@st.composite
def moments(draw: st.DrawFn) -> tuple[Shift, datetime]:
    day = draw(st.sampled_from([MONDAY, AUTUMN, SPRING, date(2026, 12, 31)]))
    now = local("00:00", day) + timedelta(seconds=draw(st.integers(0, 30 * 3600)))
    return shift_of(now), now


@given(moments(), st.lists(st.tuples(st.integers(0, 32_400), st.integers(-5, 20)), max_size=30), st.integers(1, 500))
def test_the_numbers_belong_together(moment: tuple[Shift, datetime], raw: list[tuple[int, int]], target: int) -> None:
    shift, now = moment
    counts = [(shift.start + timedelta(seconds=s), Decimal(n)) for s, n in raw]
    pace = reckoned(shift, now, counts, Decimal(target))
    so_far, whole = net_seconds(shift, shift.start, now), net_seconds(shift, shift.start, shift.end)
    assert so_far + pace.remaining_net_seconds == whole
    assert pace.should_be_by_now is not None
    assert 0 <= pace.should_be_by_now <= target
    assert pace.made == sum(n for s, n in raw if shift.start + timedelta(seconds=s) <= now)
    assert (pace.rate_per_hour is None) == (so_far < 900)
    if pace.rate_per_hour is not None and pace.heading_for is not None:
        assert near(pace.heading_for, Fraction(pace.made) + Fraction(pace.rate_per_hour * (whole - so_far)) / 3600)
    start = lately_from(shift, now)
    assert net_seconds(shift, start, now) == min(so_far, Decimal(7200))
    assert shift.start <= start <= now
