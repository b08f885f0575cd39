"""Thirty days of twenty machines: what the product says of OEE and losses, against a recomputation by another road."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from apps.core import clock
from apps.equipment.models import Downtime, DowntimePart, StateInterval
from apps.orders.models import Confirmation, JobOrder
from apps.plant.models import Purpose, ReasonCode, WorkCenter, WorkUnit
from apps.plant.models.calendars import Holiday
from apps.shifts.oee import UnitOee, oee_of, oee_of_line
from tests.equipment.machines import make_machine
from tests.orders.shop import make_job, scrap_reason
from tests.seeded import seed_plant
from tests.shifts.recomputed import EPOCH, Figures, Plan, Recomputed, Stretch, stamp
from tests.world import make_area, make_calendar, make_line, make_site, make_station

pytestmark = pytest.mark.django_db
LONG = bool(os.environ.get("LONG"))
BERLIN = ZoneInfo("Europe/Berlin")
# The night to 25 October has an hour more.
FIRST, DAYS = (date(2026, 10, 5), 30) if LONG else (date(2026, 10, 22), 4)
LAST = FIRST + timedelta(days=DAYS - 1)
HOLIDAY = FIRST + timedelta(days=1)
LINES, UNITS = 2, 10
SHIFTS = [
    ("E", time(6), time(14), [["09:00", "09:15"], ["12:00", "12:30"]]),
    ("L", time(14), time(22), [["18:00", "18:30"]]),
    ("N", time(22), time(6), [["00:30", "01:00"], ["04:00", "04:15"]]),
]
WEEKDAYS = (1, 2, 3, 4, 5, 6)
THRESHOLDS = [60, 120, 120, 300]


def plan() -> Plan:
    shifts = [
        (begins, ends, [(time.fromisoformat(since), time.fromisoformat(until)) for since, until in breaks])
        for _code, begins, ends, breaks in SHIFTS
    ]
    return Plan(BERLIN, shifts, frozenset(WEEKDAYS), frozenset({HOLIDAY}))


class History:
    """One machine's life, at random, in whole milliseconds: rows as signals and people would have left them."""

    def __init__(self, unit: WorkUnit, job: JobOrder, threshold: int, dice: random.Random) -> None:
        self.unit, self.job, self.threshold, self.dice = unit, job, threshold, dice
        self.states: list[StateInterval] = []
        self.parts: list[DowntimePart] = []
        self.now = datetime.combine(FIRST, time(dice.randrange(24)), UTC)
        self.end = datetime.combine(LAST + timedelta(days=2), time(3), UTC)

    def live(self) -> None:
        while self.now < self.end:
            self.state("producing", self.dice.uniform(20, 4000))
            what = self.dice.choices(["short", "stop", "other", "gap"], [5, 3, 3, 1])[0]
            if what == "short":
                self.stop(self.dice.uniform(1, self.threshold - 0.001))
            elif what == "stop":
                self.stop(self.dice.choice([float(self.threshold), self.dice.uniform(self.threshold, 7200)]))
            elif what == "gap":
                self.state("no_data", self.dice.uniform(60, 20_000))
            else:
                states = ["waiting", "idle", "set_up", "cleaning", "maintenance"]
                self.state(self.dice.choice(states), self.dice.uniform(5, 5000))

    def state(self, state: str, seconds: float, word_of: str = "signal") -> None:
        until = self.now + timedelta(milliseconds=max(1, round(seconds * 1000)))
        self.states.append(
            StateInterval(
                site_id=self.unit.site_id,
                work_unit=self.unit,
                state=state,
                word_of=word_of,
                started_at=self.now,
                ended_at=until,
            )
        )
        self.now = until

    def stop(self, seconds: float) -> None:
        """Of one or several pieces, silence among them; a long one becomes a downtime with its reasons."""
        start, left = self.now, seconds
        while left > 0:
            piece = left if self.dice.random() < 0.5 or left < 1 else left * self.dice.uniform(0.1, 0.9)
            kinds = ["stopped", "fault", "no_data"] if self.now > start else ["stopped", "fault"]
            by = "person" if seconds >= self.threshold and self.dice.random() < 0.1 else "signal"
            kind = self.dice.choice(kinds)
            self.state(kind, piece, by if kind != "no_data" else "rule")
            left -= piece
        if self.now - start >= timedelta(seconds=self.threshold):
            self.explain(start, self.now)

    def explain(self, start: datetime, end: datetime) -> None:
        downtime = Downtime(site_id=self.unit.site_id, work_unit=self.unit, started_at=start, ended_at=end)
        cuts = sorted({start + (end - start) * self.dice.random() for _ in range(self.dice.choice([0, 0, 1, 2]))})
        for begins, ends in zip([start, *cuts], [*cuts, end], strict=True):
            reason = self.dice.choice([None, *REASONS])
            self.parts.append(
                DowntimePart(
                    downtime=downtime,
                    site_id=self.unit.site_id,
                    started_at=begins,
                    ended_at=ends,
                    reason_id=reason,
                    classified_at=ends if reason else None,
                )
            )

    def bookings(self) -> Iterator[Confirmation]:
        scrap = scrap_reason()
        at = datetime.combine(FIRST, time(0), UTC)
        while at < self.end:
            at += timedelta(milliseconds=self.dice.randrange(1, 20_000_000))
            pieces = Decimal(self.dice.randrange(1, 900)) / 10
            wrong = Decimal(self.dice.choice([0, 0, 1, 3]))
            yield Confirmation(
                site_id=self.unit.site_id,
                job_order=self.job,
                good=pieces,
                scrap=wrong,
                scrap_reason=scrap if wrong else None,
                command_id=UUID(int=self.dice.getrandbits(128)),
                occurred_at=at,
            )


REASONS: list[int] = []


def make_plant(lines: int, units: int) -> list[WorkCenter]:
    seed_plant()
    clock.move_to(datetime.combine(LAST + timedelta(days=3), time(0), UTC), rate=0)
    dice = random.Random(20261123)
    site = make_site("S1")
    area = make_area(site)
    calendar = make_calendar(site, SHIFTS, weekdays=WEEKDAYS)
    Holiday.objects.create(calendar=calendar, date=HOLIDAY)
    REASONS[:] = ReasonCode.objects.choosable(Purpose.DOWNTIME).values_list("pk", flat=True)[:6]
    made = [make_line(area, f"L{n}") for n in range(lines)]
    histories = []
    for line in made:
        for n in range(units):
            unit = make_station(line, f"{line.code}-{n}", position=n + 1)
            threshold = dice.choice(THRESHOLDS)
            cycle = None if n == 0 else Decimal(dice.randrange(1000, 90_000)) / 1000
            make_machine(unit, micro_stop_seconds=threshold, expected_cycle_seconds=cycle)
            job = make_job(line, unit, number=f"WO-{unit.code}")
            histories.append(History(unit, job, threshold, dice))
    for history in histories:
        history.live()
    StateInterval.objects.bulk_create([row for history in histories for row in history.states])
    Downtime.objects.bulk_create({id(p.downtime): p.downtime for h in histories for p in h.parts}.values())
    DowntimePart.objects.bulk_create([part for history in histories for part in history.parts])
    booked = Confirmation.objects.bulk_create([row for history in histories for row in history.bookings()])
    undo = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
    Confirmation.objects.bulk_create(
        Confirmation(
            site_id=row.site_id,
            job_order_id=row.job_order_id,
            good=-row.good,
            scrap=-row.scrap,
            reason=undo,
            reverses=row,
            command_id=uuid4(),
            occurred_at=row.occurred_at + timedelta(hours=30),
        )
        for row in dice.sample(booked, len(booked) // 10)
    )
    return made


def said(found: UnitOee) -> dict[str, Any]:
    """The product's figures in the recomputation's units."""
    whole = found.elements
    names = ("planned", "production", "set_up", "delay", "down", "idle", "unexplained", "outside")
    lost: Counter[tuple[int | None, str]] = Counter()
    for loss in found.losses:
        lost[loss.reason_id, loss.state] += round(loss.seconds * 1_000_000)
    return {
        **{name: getattr(whole, name) * 1_000_000 for name in names},
        "lost": dict(lost),
        "failures": whole.failures,
        "good": whole.good,
        "produced": whole.produced,
        "earned": whole.earned * 1_000_000 if whole.has_standard else None,
        "earned_good": whole.earned_good * 1_000_000 if whole.has_standard else None,
        "oee": whole.oee.value,
        "availability": whole.availability.value,
        "effectiveness": whole.effectiveness.value,
        "quality": whole.quality_factor.value,
    }


def reckoned(found: Figures) -> dict[str, Any]:
    names = ("planned", "production", "set_up", "delay", "down", "idle", "unexplained", "outside")
    planned, production = found.time["planned"], found.time["production"]

    def share(part: Fraction | int | None, whole: Fraction | int | None) -> Fraction | None:
        return None if part is None or not whole else Fraction(part) / Fraction(whole)

    no_standard = found.earned is None
    return {
        **{name: found.time[name] for name in names},
        "lost": {key: length for key, length in found.lost.items() if length},
        "failures": found.failures,
        "good": found.good,
        "produced": found.produced,
        "earned": found.earned,
        "earned_good": found.earned_good,
        "oee": share(found.earned_good, planned),
        "availability": share(production, planned),
        "effectiveness": None if no_standard else share(found.earned, production),
        "quality": share(found.earned_good, found.earned),
    }


def moment(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


def windows() -> list[Stretch]:
    """Each shift, and each day from midnight to midnight on the wall: one of them has 25 hours."""
    days = [FIRST + timedelta(days=n) for n in range(DAYS + 1)]
    midnights = [stamp(datetime.combine(day, time(0), BERLIN).astimezone(UTC)) for day in days]
    return plan().windows(FIRST, LAST) + list(pairwise(midnights))


def test_every_figure_of_every_shift_and_day_is_what_another_reckoning_finds() -> None:
    lines = make_plant(LINES, UNITS)
    working = plan().working(FIRST - timedelta(days=1), LAST + timedelta(days=3))
    compared, differences = 0, []
    for line in lines:
        again = {unit.pk: Recomputed(unit.pk, working) for unit in line.work_units.all()}
        for window in windows():
            for found in oee_of_line(line, *map(moment, window)):
                product, other = said(found), reckoned(again[found.unit.pk].of(window))
                compared += 1
                wrong = {name: (product[name], other[name]) for name in product if product[name] != other[name]}
                if wrong:
                    differences.append((found.unit.code, moment(window[0]).isoformat(), wrong))
                assert sum(found.elements.losses.values()) == found.elements.planned
    assert compared == LINES * UNITS * len(windows())
    assert differences == [], f"{len(differences)} of {compared}"


def test_the_shifts_and_breaks_of_a_machine_add_up_to_its_whole_time() -> None:
    """Whatever a period is cut into, the parts make up the whole."""
    (line,) = make_plant(1, 1)
    unit = line.work_units.get()
    edges = sorted({edge for window in plan().windows(FIRST, LAST) for edge in window})
    parts = [oee_of(unit, moment(start), moment(end)).elements for start, end in pairwise(edges)]
    whole = oee_of(unit, moment(edges[0]), moment(edges[-1])).elements
    total = parts[0]
    for part in parts[1:]:
        total += part
    assert total == whole
