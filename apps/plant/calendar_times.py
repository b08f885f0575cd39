"""Shifts as intervals of UTC, worked out from patterns in local time; pure, so that it can be tried by the thousand.

Local times become instants by a map that never runs backwards: a time that occurs twice is its first occurrence, a
time that the clocks jump over is the jump. So shifts that meet on paper meet, and a night of 8 hours has 7 or 9 when
the clocks change. A break lasts as long as planned, whatever the clocks do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

Interval = tuple[datetime, datetime]
DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """weekdays: 1 Monday to 7 Sunday, on which it starts; times are local and naive; the two days are inclusive."""

    code: str
    name: str
    weekdays: frozenset[int]
    starts_at: time
    ends_at: time
    breaks: tuple[tuple[time, time], ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None

    def on(self, day: date) -> bool:
        return (
            day.isoweekday() in self.weekdays
            and (self.valid_from is None or day >= self.valid_from)
            and (self.valid_until is None or day <= self.valid_until)
        )

    def local(self, day: date) -> Interval:
        start = datetime.combine(day, self.starts_at)
        end = datetime.combine(day, self.ends_at)
        return start, end if end > start else end + DAY

    def local_breaks(self, day: date) -> list[Interval]:
        shift_start, _ = self.local(day)
        found = []
        for begins, ends in self.breaks:
            start = datetime.combine(day, begins)
            start = start if start >= shift_start else start + DAY
            end = datetime.combine(start.date(), ends)
            found.append((start, end if end > start else end + DAY))
        return sorted(found)

    def holds_breaks(self) -> bool:
        """Whether every break lies inside the shift and none meets another."""
        day = date(2024, 1, 1)
        shift_start, shift_end = self.local(day)
        last = shift_start
        for start, end in self.local_breaks(day):
            if start < last or end > shift_end:
                return False
            last = end
        return True


@dataclass(frozen=True, kw_only=True)
class Calendar:
    zone: ZoneInfo
    patterns: tuple[Pattern, ...]
    days_off: frozenset[date] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One shift that takes place. `code` is its pattern's; `shift_date` the local day on which it starts; times UTC."""

    code: str
    name: str
    shift_date: date
    start: datetime
    end: datetime
    breaks: tuple[Interval, ...] = ()

    @property
    def key(self) -> str:
        """Names the shift within its calendar: "2026-11-22/N"."""
        return f"{self.shift_date.isoformat()}/{self.code}"


def shifts_between(calendar: Calendar, start: datetime, end: datetime) -> list[Shift]:
    """Every shift that shares time with [start, end), in order, none overlapping another; each in full length."""
    # Two days more on either side: a shift reaches into the next day, and its neighbours say where it ends.
    first, last = start.astimezone(calendar.zone).date() - 2 * DAY, end.astimezone(calendar.zone).date() + 2 * DAY
    planned = sorted(_planned(calendar, first, last), key=lambda shift: (shift.start, shift.code))
    return [shift for shift in _one_at_a_time(planned) if shift.start < end and shift.end > start]


def shift_at(calendar: Calendar, instant: datetime) -> Shift | None:
    """The shift that runs at `instant`; at the very change of shifts it is the later one."""
    found = shifts_between(calendar, instant, instant + _MICROSECOND)
    return found[0] if found else None


def net_seconds(shift: Shift, start: datetime, end: datetime) -> Decimal:
    """Working time of the shift within [start, end): exact, in seconds, without breaks; 0 for an interval outside."""
    net = _overlap((start, end), (shift.start, shift.end))
    for pause in shift.breaks:
        net -= _overlap((max(start, shift.start), min(end, shift.end)), pause)
    return Decimal(net // _MICROSECOND).scaleb(-6)


@lru_cache(maxsize=4096)  # a board asks for the same ones with every piece
def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a naive local time; see the module for times that occur twice or never."""
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None, fold=0) == local:
        return instant
    early, late = local.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    offset_after = late.astimezone(zone).utcoffset()
    while late - early > _MICROSECOND:
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == offset_after:
            late = middle
        else:
            early = middle
    return late


def collisions(pattern: Pattern, others: Iterable[Pattern]) -> list[str]:
    """Codes of those that share time with `pattern` in some week of which both are valid."""
    own = list(_week(pattern))
    return sorted(
        {
            other.code
            for other in others
            if _both_valid(pattern, other)
            for begins, ends in _week(other)
            for start, end in own
            # Sunday night runs into Monday: compare with the week before and after as well.
            if any(start < ends + shift and begins + shift < end for shift in (-7 * DAY, 0 * DAY, 7 * DAY))
        }
    )


def _week(pattern: Pattern) -> Iterator[Interval]:
    monday = date(2024, 1, 1)
    return (pattern.local(monday + (weekday - 1) * DAY) for weekday in sorted(pattern.weekdays))


def _both_valid(one: Pattern, other: Pattern) -> bool:
    first = max(one.valid_from or date.min, other.valid_from or date.min)
    return first <= min(one.valid_until or date.max, other.valid_until or date.max)


def _planned(calendar: Calendar, first: date, last: date) -> Iterator[Shift]:
    for offset in range((last - first).days + 1):
        day = first + offset * DAY
        if day in calendar.days_off:
            continue
        for pattern in calendar.patterns:
            if pattern.on(day):
                yield _shift(pattern, day, calendar.zone)


def _shift(pattern: Pattern, day: date, zone: ZoneInfo) -> Shift:
    local_start, local_end = pattern.local(day)
    start, end = instant_of(local_start, zone), instant_of(local_end, zone)
    breaks = ((instant_of(begins, zone), ends - begins) for begins, ends in pattern.local_breaks(day))
    return Shift(
        code=pattern.code,
        name=pattern.name,
        shift_date=day,
        start=start,
        end=end,
        breaks=_inside(((begins, begins + length) for begins, length in breaks), start, end),
    )


def _inside(intervals: Iterable[Interval], start: datetime, end: datetime) -> tuple[Interval, ...]:
    """Cut to [start, end), none overlapping another; in order, as given in order."""
    kept: list[Interval] = []
    for begins, ends in intervals:
        cut = max(begins, start, kept[-1][1] if kept else start), min(ends, end)
        if cut[0] < cut[1]:
            kept.append(cut)
    return tuple(kept)


def _one_at_a_time(planned: list[Shift]) -> Iterator[Shift]:
    """A shift ends where the next one begins, should the plant have planned them to overlap."""
    for index, shift in enumerate(planned):
        end = min(shift.end, planned[index + 1].start) if index + 1 < len(planned) else shift.end
        if end > shift.start:
            yield shift if end == shift.end else replace(shift, end=end, breaks=_inside(shift.breaks, shift.start, end))


def _overlap(one: Interval, other: Interval) -> timedelta:
    return max(timedelta(0), min(one[1], other[1]) - max(one[0], other[0]))
