"""OEE and losses once more, by another road than the product's: written after reference/kpi.md alone.

Reads its rows by SQL, works out the shifts by the wall clock, cuts time at every moment at which anything changes, asks
of each piece what it is, and adds up. Shares no code with what it checks; times are whole microseconds since 1970.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Stretch = tuple[int, int]
FOREVER = 1 << 62


def stamp(moment: datetime) -> int:
    return round((moment - EPOCH) / timedelta(microseconds=1))


def asked(sql: str, *given: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return cursor.fetchall()


# ---- the calendar: shifts begin and end by the clock on the wall


@dataclass(frozen=True)
class Plan:
    """Shifts: (starts, ends, breaks) by the wall clock; a time before the start is on the next day."""

    zone: ZoneInfo
    shifts: Sequence[tuple[time, time, Sequence[tuple[time, time]]]]
    weekdays: frozenset[int]
    days_off: frozenset[date] = frozenset()

    def days(self, first: date, last: date) -> Iterator[date]:
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            if day.isoweekday() in self.weekdays and day not in self.days_off:
                yield day

    def moment(self, day: date, wall: time, begins: time) -> int:
        return stamp(datetime.combine(day + timedelta(days=wall < begins), wall, self.zone).astimezone(UTC))

    def windows(self, first: date, last: date) -> list[Stretch]:
        """Of each shift that begins on one of the days, breaks and all."""
        found = []
        for day in self.days(first, last):
            for begins, ends, _breaks in self.shifts:
                end_day = day + timedelta(days=ends <= begins)
                end = stamp(datetime.combine(end_day, ends, self.zone).astimezone(UTC))
                found.append((self.moment(day, begins, begins), end))
        return found

    def working(self, first: date, last: date) -> list[Stretch]:
        """Shifts without their breaks, in order."""
        found: list[Stretch] = []
        for day in self.days(first, last):
            for begins, ends, breaks in self.shifts:
                reached = self.moment(day, begins, begins)
                for since, until in breaks:
                    found.append((reached, self.moment(day, since, begins)))
                    reached = self.moment(day, until, begins)
                end_day = day + timedelta(days=ends <= begins)
                found.append((reached, stamp(datetime.combine(end_day, ends, self.zone).astimezone(UTC))))
        return sorted(found)


# ---- what is at a moment


class Line:
    """Stretches in order that do not meet, each with what it holds."""

    def __init__(self, rows: Iterable[tuple[int, int, Any]]) -> None:
        self.rows = sorted(rows, key=lambda row: row[0])
        self.starts = [row[0] for row in self.rows]

    def at(self, moment: int) -> Any:
        """None where there is nothing."""
        index = bisect_right(self.starts, moment) - 1
        if index < 0 or self.rows[index][1] <= moment:
            return None
        return self.rows[index][2]

    def edges(self) -> set[int]:
        return {edge for row in self.rows for edge in row[:2]}


@dataclass
class Figures:
    """Microseconds by element; of downtime by (reason, state); earned time in microseconds too."""

    time: Counter[str] = field(default_factory=Counter)
    lost: Counter[tuple[int | None, str]] = field(default_factory=Counter)
    failures: int = 0
    good: Decimal = Decimal(0)
    produced: Decimal = Decimal(0)
    earned_good: Fraction | None = Fraction(0)
    earned: Fraction | None = Fraction(0)


class Recomputed:
    """All of one machine, to be asked for any window."""

    def __init__(self, unit_id: int, working: Sequence[Stretch]) -> None:
        judged = asked(
            "SELECT micro_stop_seconds, expected_cycle_seconds FROM equipment_machine WHERE work_unit_id = %s", unit_id
        )
        ((threshold, self.cycle),) = judged or [(120, None)]
        rows = [
            (stamp(start), stamp(end) if end else FOREVER, state, said_by)
            for state, said_by, start, end in asked(
                "SELECT state, word_of, started_at, ended_at FROM equipment_stateinterval"
                " WHERE work_unit_id = %s ORDER BY started_at",
                unit_id,
            )
        ]
        self.states = Line((start, end, state) for start, end, state, _said_by in rows)
        self.stops = Line(_stops(rows, threshold * 1_000_000))
        self.planned = Line((start, end, True) for start, end in working)
        self.reasons = Line(
            (stamp(start), stamp(end) if end else FOREVER, (reason,))
            for start, end, reason in asked(
                "SELECT p.started_at, p.ended_at, p.reason_id FROM equipment_downtimepart p"
                " JOIN equipment_downtime d ON d.id = p.downtime_id"
                " WHERE d.work_unit_id = %s AND d.withdrawn_at IS NULL",
                unit_id,
            )
        )
        self.booked = [
            (stamp(at), good, scrap)
            for at, good, scrap in asked(
                "SELECT coalesce(undone.occurred_at, c.occurred_at), c.good, c.scrap FROM orders_confirmation c"
                " JOIN orders_joborder j ON j.id = c.job_order_id"
                " LEFT JOIN orders_confirmation undone ON undone.id = c.reverses_id WHERE j.work_unit_id = %s",
                unit_id,
            )
        ]
        edges = self.states.edges() | self.stops.edges() | self.planned.edges() | self.reasons.edges()
        self.edges = sorted(edges)

    def of(self, window: Stretch) -> Figures:
        start, end = window
        found = Figures()
        first, last = bisect_right(self.edges, start), bisect_right(self.edges, end - 1)
        cuts = [start, *self.edges[first:last], end]
        for begins, ends in pairwise(cuts):
            self._add(found, begins, ends - begins)
        found.failures = sum(
            is_long and start <= begins < end and self.planned.at(begins) is not None
            for begins, _ends, is_long in self.stops.rows
        )
        self._count(found, window)
        return found

    def _add(self, found: Figures, moment: int, length: int) -> None:
        state = self.states.at(moment)
        element = self._element(moment, state)
        if self.planned.at(moment) is None:
            found.time["outside"] += length if element == "production" else 0
            return
        found.time["planned"] += length
        found.time[element] += length
        if element == "down" and state in ("stopped", "fault"):
            (reason,) = self.reasons.at(moment) or (None,)
            found.lost[reason, ""] += length
        elif element == "down":
            found.lost[None, state] += length

    def _element(self, moment: int, state: str | None) -> str:
        match state:
            case None | "no_data":
                return "unexplained"
            case "stopped" | "fault":
                return "down" if self.stops.at(moment) else "production"
            case "producing":
                return "production"
            case "waiting":
                return "delay"
            case "set_up" | "idle":
                return state
            case _:
                return "down"

    def _count(self, found: Figures, window: Stretch) -> None:
        mine = [(good, scrap) for at, good, scrap in self.booked if window[0] <= at < window[1]]
        found.good = sum((good for good, _scrap in mine), Decimal(0))
        found.produced = found.good + sum((scrap for _good, scrap in mine), Decimal(0))
        # What was all taken back needs no standard: nothing was made.
        if self.cycle is None and (found.good or found.produced):
            found.earned = found.earned_good = None
        elif self.cycle is not None:
            each = Fraction(self.cycle) * 1_000_000
            found.earned, found.earned_good = each * Fraction(found.produced), each * Fraction(found.good)


def _stops(rows: Sequence[tuple[int, int, str, str]], threshold: int) -> Iterator[tuple[int, int, bool]]:
    """Each stop from its first moment until the machine is known to do something else; whether it is no micro-stop."""
    begun, by_hand = None, False
    for start, _end, state, said_by in rows:
        if state in ("stopped", "fault"):
            begun = start if begun is None else begun
            by_hand |= said_by == "person"
        elif state != "no_data" and begun is not None:
            yield begun, start, by_hand or start - begun >= threshold
            begun, by_hand = None, False
    if begun is not None:
        yield begun, FOREVER, True
