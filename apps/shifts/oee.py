"""OEE of a work unit: what the calendar planned, what the machine did, what was confirmed there, brought together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.core import clock
from apps.equipment.models import DowntimePart, Machine
from apps.equipment.oee import Elements, Explained, Interval, Loss, Made, elements, pareto
from apps.equipment.queries import states_between
from apps.orders.models import Confirmation, RoutingStep, sharing
from apps.plant.models import WorkUnit
from apps.plant.shifts_calendar import Shift, shifts_between


@dataclass(frozen=True)
class UnitOee:
    """
    elements  of the period, to be added up with others and then divided (apps.equipment.oee)
    losses    downtime by reason, the longest first; adds up to `elements.down`
    """

    elements: Elements
    losses: list[Loss]


def oee_of(unit: WorkUnit, start: datetime, end: datetime) -> UnitOee:
    """Of [start, end), as far as it is over. Queries: calendar, settings, states, reasons, counts.

    Planned is what the shifts plan, without breaks. A reversal counts at the time of what it undoes.
    """
    now = clock.now()
    machine = Machine.objects.filter(work_unit=unit).first() or Machine()
    planned = list(_working(shifts_between(unit.work_center, start, end), start, min(end, now)))
    # As far beyond either edge as a stop may be short: farther, it is long whatever it did there.
    spans = states_between(unit, start - machine.micro_stop, min(end + machine.micro_stop, now))
    made = _made(unit, start, end, machine)
    parts = [Explained(*part) for part in _parts(unit, start, end)]
    return UnitOee(
        elements(planned, spans, made, micro_stop=machine.micro_stop, until=now),
        pareto(planned, spans, parts, micro_stop=machine.micro_stop, until=now),
    )


def _working(shifts: Iterable[Shift], start: datetime, end: datetime) -> Iterable[Interval]:
    for shift in shifts:
        begins = [shift.start, *(until for _, until in shift.breaks)]
        ends = [*(since for since, _ in shift.breaks), shift.end]
        for begin, until in zip(begins, ends, strict=True):
            if max(begin, start) < min(until, end):
                yield max(begin, start), min(until, end)


def _parts(unit: WorkUnit, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime | None, int | None]]:
    parts = DowntimePart.objects.filter(
        sharing(start, end), downtime__work_unit=unit, downtime__withdrawn_at=None
    ).order_by("started_at")
    return parts.values_list("started_at", "ended_at", "reason_id")


def _made(unit: WorkUnit, start: datetime, end: datetime, machine: Machine) -> list[Made]:
    """By operation; the planned run time is that of its routing, else the machine's expected cycle, else unknown."""
    step = RoutingStep.objects.filter(
        routing=OuterRef("job_order__work_order__plan__routing"), sequence=OuterRef("job_order__sequence")
    )
    confirmed = Confirmation.objects.filter(job_order__work_unit=unit)
    counted = (
        confirmed.annotate(at=Coalesce("reverses__occurred_at", "occurred_at"))
        .filter(at__gte=start, at__lt=end)
        .order_by()
        .values("job_order")
        .annotate(
            made_good=Sum("good"),
            made_scrap=Sum("scrap"),
            run_minutes=Subquery(step.values(minutes=F("run_minutes_per_piece"))[:1]),
        )
    )
    return [
        Made(
            good=row["made_good"],
            scrap=row["made_scrap"],
            run_seconds=_run_seconds(row["run_minutes"], machine.expected_cycle_seconds),
        )
        for row in counted
    ]


def _run_seconds(run_minutes: Decimal | None, expected_cycle_seconds: Decimal | None) -> Fraction | None:
    if run_minutes:
        return Fraction(run_minutes) * 60
    return None if expected_cycle_seconds is None else Fraction(expected_cycle_seconds)
