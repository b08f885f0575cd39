"""Shifts are right over midnight, on days off, and when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from apps.plant import calendar_times
from apps.plant.calendar_times import Calendar, Pattern, Shift, collisions, instant_of, net_seconds, shifts_between
from apps.plant.models import Holiday, ShiftPattern, WorkCalendar
from apps.plant.shifts_calendar import calendar_of, next_shift, shift_at
from apps.plant.shifts_calendar import shifts_between as shifts_of_line
from tests.world import THREE_SHIFTS, make_area, make_calendar, make_line, make_site

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ALL_WEEK = frozenset(range(1, 8))
# The clocks went forward and back on these nights.
SPRING = {BERLIN: date(2026, 3, 28), NEW_YORK: date(2026, 3, 7)}
AUTUMN = {BERLIN: date(2026, 10, 24), NEW_YORK: date(2026, 10, 31)}


def pattern(code: str, start: time, end: time, breaks: Any = (), **more: Any) -> Pattern:
    return Pattern(
        code=code,
        name=code,
        weekdays=more.pop("weekdays", ALL_WEEK),
        starts_at=start,
        ends_at=end,
        breaks=tuple((time.fromisoformat(begins), time.fromisoformat(ends)) for begins, ends in breaks),
        **more,
    )


def three_shifts(zone: ZoneInfo) -> Calendar:
    return Calendar(zone=zone, patterns=tuple(pattern(*shift) for shift in THREE_SHIFTS))


def one(calendar: Calendar, day: date, code: str) -> Shift:
    start = datetime.combine(day, time(), calendar.zone)
    (shift,) = [s for s in shifts_between(calendar, start, start + timedelta(days=2)) if s.key == f"{day}/{code}"]
    return shift


def hours(shift: Shift) -> float:
    return (shift.end - shift.start) / timedelta(hours=1)


# ---- plain days


def test_the_night_belongs_to_the_day_on_which_it_starts() -> None:
    calendar = three_shifts(BERLIN)
    shift = calendar_times.shift_at(calendar, datetime(2026, 3, 3, 4, 0, tzinfo=BERLIN))
    assert shift is not None
    assert (shift.code, shift.shift_date, shift.key) == ("N", date(2026, 3, 2), "2026-03-02/N")
    assert (shift.start, shift.end) == (
        datetime(2026, 3, 2, 21, tzinfo=UTC),
        datetime(2026, 3, 3, 5, tzinfo=UTC),
    )
    assert shift.breaks == ((datetime(2026, 3, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, 1, 30, tzinfo=UTC)),)


def test_a_pulse_exactly_on_the_boundary_belongs_to_the_later_shift() -> None:
    calendar = three_shifts(BERLIN)
    change = datetime(2026, 3, 2, 14, 0, tzinfo=BERLIN)
    found = [calendar_times.shift_at(calendar, change + timedelta(microseconds=step)) for step in (-1, 0)]
    assert [shift and shift.code for shift in found] == ["E", "L"]


def test_a_shift_starts_at_half_past_and_there_is_none_outside() -> None:
    calendar = Calendar(zone=BERLIN, patterns=(pattern("D", time(6, 30), time(15), weekdays=frozenset({1})),))
    seen = [
        calendar_times.shift_at(calendar, datetime(2026, 3, day, hour, minute, tzinfo=BERLIN)) is not None
        for day, hour, minute in ((2, 6, 29), (2, 6, 30), (2, 14, 59), (2, 15, 0), (3, 8, 0))
    ]
    assert seen == [False, True, True, False, False]


def test_no_shift_starts_on_a_day_off_but_the_night_before_ends() -> None:
    calendar = Calendar(zone=BERLIN, patterns=three_shifts(BERLIN).patterns, days_off=frozenset({date(2026, 5, 1)}))
    start = datetime(2026, 5, 1, tzinfo=BERLIN)
    found = shifts_between(calendar, start, start + timedelta(days=1))
    assert [shift.key for shift in found] == ["2026-04-30/N"]


def test_a_shift_of_a_whole_day() -> None:
    calendar = Calendar(zone=BERLIN, patterns=(pattern("X", time(6), time(6)),))
    assert hours(one(calendar, date(2026, 3, 2), "X")) == 24


def test_a_new_pattern_leaves_the_past_as_it_was() -> None:
    calendar = Calendar(
        zone=BERLIN,
        patterns=(
            pattern("E", time(6), time(14), valid_until=date(2026, 3, 2)),
            pattern("E", time(7), time(15), valid_from=date(2026, 3, 3)),
        ),
    )
    start = datetime(2026, 3, 2, tzinfo=BERLIN)
    found = shifts_between(calendar, start, start + timedelta(days=2))
    assert [shift.start.astimezone(BERLIN).hour for shift in found] == [6, 7]


def test_net_time_leaves_out_breaks_and_what_lies_outside() -> None:
    shift = one(three_shifts(BERLIN), date(2026, 3, 2), "E")
    assert net_seconds(shift, shift.start, shift.end) == Decimal(27_000)
    assert net_seconds(shift, shift.start - timedelta(hours=5), shift.end + timedelta(hours=5)) == Decimal(27_000)
    nine = datetime(2026, 3, 2, 9, tzinfo=BERLIN)
    assert net_seconds(shift, nine, nine + timedelta(minutes=45)) == Decimal(900)
    assert net_seconds(shift, nine, nine + timedelta(minutes=30)) == 0
    assert net_seconds(shift, shift.end, shift.end + timedelta(hours=1)) == 0
    assert net_seconds(shift, shift.end, shift.start) == 0
    tenth = shift.start + timedelta(microseconds=100_000)
    assert net_seconds(shift, shift.start, tenth) == Decimal("0.1")


# ---- the clocks change


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK], ids=str)
def test_the_night_has_seven_hours_in_spring_and_nine_in_autumn(zone: ZoneInfo) -> None:
    calendar = three_shifts(zone)
    assert hours(one(calendar, SPRING[zone], "N")) == 7
    assert hours(one(calendar, AUTUMN[zone], "N")) == 9
    assert hours(one(calendar, SPRING[zone] - timedelta(days=1), "N")) == 8


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK], ids=str)
@pytest.mark.parametrize("nights", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_a_break_lasts_as_long_as_planned_when_the_clocks_change(zone: ZoneInfo, nights: dict[ZoneInfo, date]) -> None:
    shift = one(three_shifts(zone), nights[zone], "N")
    assert [end - start for start, end in shift.breaks] == [timedelta(minutes=30)]
    gross = Decimal(hours(shift) * 3600)
    assert net_seconds(shift, shift.start, shift.end) == gross - 1800


def test_a_time_that_the_clocks_jump_over_is_the_jump() -> None:
    jump = datetime(2026, 3, 29, 1, tzinfo=UTC)
    for minutes in (120, 121, 150, 179, 180):
        local = datetime(2026, 3, 29) + timedelta(minutes=minutes)  # noqa: DTZ001
        assert instant_of(local, BERLIN) == jump


def test_a_time_that_occurs_twice_is_the_first() -> None:
    local = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001
    assert instant_of(local, BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_shifts_that_meet_inside_the_jump_neither_overlap_nor_vanish() -> None:
    calendar = Calendar(
        zone=BERLIN, patterns=(pattern("N", time(22), time(2, 30)), pattern("M", time(2, 45), time(10)))
    )
    night, morning = one(calendar, date(2026, 3, 28), "N"), one(calendar, date(2026, 3, 29), "M")
    assert night.end == morning.start == datetime(2026, 3, 29, 1, tzinfo=UTC)


# ---- properties

zones = st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("UTC"), ZoneInfo("Australia/Lord_Howe")])
instants = st.datetimes(min_value=datetime(2025, 1, 1), max_value=datetime(2027, 12, 31)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC)
)
minutes_of_day = st.integers(0, 1439)


def at(minute: int) -> time:
    return time(minute // 60, minute % 60)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Between one and four shifts that meet, with breaks anywhere in them, on any days."""
    cuts = sorted(draw(st.sets(minutes_of_day, min_size=1, max_size=4)))
    patterns = []
    for number, (start, end) in enumerate(pairwise([*cuts, cuts[0] + 1440])):
        edges = sorted(draw(st.sets(st.integers(start, end), max_size=4)))
        breaks = tuple(
            (at(a % 1440), at(b % 1440)) for a, b in zip(edges[::2], edges[1::2], strict=False) if b - a < 1440
        )
        patterns.append(
            Pattern(
                code=f"P{number}",
                name="",
                weekdays=frozenset(draw(st.sets(st.integers(1, 7), min_size=1))),
                starts_at=at(start),
                ends_at=at(end % 1440),
                breaks=breaks,
            )
        )
    days_off = draw(st.frozensets(st.dates(date(2025, 1, 1), date(2027, 12, 31)), max_size=3))
    return Calendar(zone=draw(zones), patterns=tuple(patterns), days_off=days_off)


@given(calendars(), instants, st.integers(1, 10))
def test_shifts_never_overlap_and_stand_in_order(calendar: Calendar, start: datetime, days: int) -> None:
    found = shifts_between(calendar, start, start + timedelta(days=days))
    for earlier, later in pairwise(found):
        assert earlier.end <= later.start
    for shift in found:
        assert shift.start < shift.end
        edges = [shift.start, *(edge for pause in shift.breaks for edge in pause), shift.end]
        assert edges == sorted(edges)


@given(calendars(), instants, st.lists(st.integers(0, 36 * 3600 * 10**6), min_size=1, max_size=6))
def test_net_seconds_of_the_parts_sum_to_the_whole(calendar: Calendar, start: datetime, steps: list[int]) -> None:
    cuts = sorted(start + timedelta(microseconds=step) for step in steps)
    for shift in shifts_between(calendar, start, start + timedelta(days=2)):
        edges = [shift.start - timedelta(hours=1), *cuts, shift.end + timedelta(hours=40)]
        edges.sort()
        whole = net_seconds(shift, edges[0], edges[-1])
        assert sum((net_seconds(shift, a, b) for a, b in pairwise(edges)), Decimal(0)) == whole
        assert 0 <= whole <= Decimal((shift.end - shift.start) // timedelta(microseconds=1)).scaleb(-6)


@given(calendars(), instants)
def test_the_shift_at_an_instant_is_the_one_found_from_afar(calendar: Calendar, instant: datetime) -> None:
    week = shifts_between(calendar, instant - timedelta(days=3), instant + timedelta(days=3))
    around = [shift for shift in week if shift.start <= instant < shift.end]
    assert [calendar_times.shift_at(calendar, instant)] == (around or [None])


@given(zones, instants, st.integers(0, 24 * 60))
def test_local_time_never_runs_backwards(zone: ZoneInfo, instant: datetime, minutes: int) -> None:
    local = instant.replace(tzinfo=None)
    assert instant_of(local, zone) <= instant_of(local + timedelta(minutes=minutes), zone)


# ---- what the admin refuses


def test_collisions_are_seen_across_the_week() -> None:
    night = pattern("N", time(22), time(6), weekdays=frozenset({7}))
    early = pattern("E", time(5), time(13), weekdays=frozenset({1}))
    late = pattern("L", time(6), time(14), weekdays=frozenset({1}))
    former = pattern("F", time(5), time(13), valid_until=date(2025, 12, 31))
    assert collisions(night, [early, late]) == ["E"]
    assert collisions(early, [night]) == ["N"]
    assert collisions(pattern("E", time(5), time(13), valid_from=date(2026, 1, 1)), [former]) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("breaks", [["14:30", "15:00"]], "outside the shift"),
        ("breaks", [["09:00", "09:30"], ["09:15", "09:45"]], "outside the shift"),
        ("breaks", [["9 o'clock", "10"]], "Write breaks as"),
        ("breaks", {"a": 1}, "Write breaks as"),
        ("breaks", [["09:00", "09:00"]], "another end"),
        ("ends_at", time(15), "overlaps with shift L"),
        ("weekdays", [8], "less than or equal to 7"),
        ("weekdays", [], "blank"),
        ("code", "L", "such a shift already"),
    ],
)
def test_a_shift_that_makes_no_sense_is_refused(field: str, value: Any, sentence: str) -> None:
    calendar = make_calendar(make_site())
    shift = ShiftPattern.objects.get(calendar=calendar, code="E")
    setattr(shift, field, value)
    with pytest.raises(ValidationError, match=sentence):
        shift.full_clean()


# ---- from the database


@pytest.mark.django_db
def test_a_line_goes_by_its_own_calendar_else_by_the_sites(django_assert_max_num_queries: Any) -> None:
    site = make_site()
    line = make_line(make_area(site))
    noon = datetime(2026, 3, 2, 12, tzinfo=BERLIN)
    assert calendar_of(line) is None
    assert shift_at(line, noon) is None
    assert shifts_of_line(line, noon, noon + timedelta(days=1)) == []
    make_calendar(site)
    with django_assert_max_num_queries(3):
        shift = shift_at(line, noon)
    assert shift is not None
    assert shift.code == "E"
    line.calendar = make_calendar(site, [("D", time(8), time(16), [])], name="Day", is_default=False)
    line.save()
    assert [found.code for found in shifts_of_line(line, noon, noon + timedelta(days=1))] == ["D", "D"]


@pytest.mark.django_db
def test_the_next_shift_jumps_over_days_off() -> None:
    site = make_site()
    calendar = make_calendar(site, [("D", time(8), time(16), [])], weekdays=(1, 2, 3, 4, 5))
    Holiday.objects.create(calendar=calendar, date=date(2026, 3, 9))
    friday = datetime(2026, 3, 6, 12, tzinfo=BERLIN)
    following = next_shift(make_line(make_area(site)), friday)
    assert following is not None
    assert following.shift_date == date(2026, 3, 10)


@pytest.mark.django_db
def test_a_site_has_one_calendar_of_its_own() -> None:
    site = make_site()
    make_calendar(site)
    with pytest.raises(Exception, match="one_own_calendar_per_site"):
        WorkCalendar.objects.create(site=site, name="Second", is_default=True)
