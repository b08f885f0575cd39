"""OEE of a work unit: what the calendar planned, what the machine did, what was confirmed there, brought together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.core import clock
from apps.equipment.models import DowntimePart, Machine
from apps.equipment.oee import Elements, Explained, Interval, Loss, Made, elements, pareto
from apps.equipment.queries import states_of
from apps.equipment.reported import reasons_at
from apps.orders.models import Confirmation, RoutingStep, sharing
from apps.plant.models import WorkCenter, WorkUnit
from apps.plant.shifts_calendar import Shift, shifts_between


@dataclass(frozen=True)
class UnitOee:
    """
    elements  of the period, to be added up with others and then divided (apps.equipment.oee)
    losses    downtime by reason, the longest first; adds up to `elements.down`
    """

    unit: WorkUnit
    elements: Elements
    losses: list[Loss]


def oee_of(unit: WorkUnit, start: datetime, end: datetime, *, said_by: datetime | None = None) -> UnitOee:
    """Of [start, end), as far as it is over; `said_by`: with the reasons of stops as they had been given by then."""
    (found,) = _oees(unit.work_center, [unit], start, end, said_by)
    return found


def oee_of_line(line: WorkCenter, start: datetime, end: datetime, *, said_by: datetime | None = None) -> list[UnitOee]:
    """Of each unit of the line, in their order, over [start, end) as far as it is over; `said_by` as above."""
    return _oees(line, list(line.work_units.order_by("position")), start, end, said_by)


def _oees(
    line: WorkCenter, units: Sequence[WorkUnit], start: datetime, end: datetime, said_by: datetime | None
) -> list[UnitOee]:
    """Queries, however many units: calendar, settings, states (two), reasons, counts.

    Planned is what the shifts plan, without breaks. A reversal counts at the time of what it undoes.
    """
    now, ids = clock.now(), [unit.pk for unit in units]
    machines = {machine.work_unit_id: machine for machine in Machine.objects.filter(work_unit__in=ids)}
    judged = {key: machines.get(key) or Machine() for key in ids}
    planned = list(_working(shifts_between(line, start, end), start, min(end, now)))
    # As far beyond the end as a stop may be short: farther, it is long whatever it did there.
    edge = max((machine.micro_stop for machine in judged.values()), default=timedelta())
    spans = states_of(ids, start, min(end + edge, now))
    parts, made = _parts(ids, start, end, said_by), _made(judged, start, end)
    return [
        UnitOee(
            unit,
            elements(planned, spans[key], made[key], micro_stop=judged[key].micro_stop, until=now, within=(start, end)),
            pareto(planned, spans[key], parts[key], micro_stop=judged[key].micro_stop, until=now),
        )
        for unit, key in zip(units, ids, strict=True)
    ]


def _working(shifts: Iterable[Shift], start: datetime, end: datetime) -> Iterable[Interval]:
    for shift in shifts:
        begins = [shift.start, *(until for _, until in shift.breaks)]
        ends = [*(since for since, _ in shift.breaks), shift.end]
        for begin, until in zip(begins, ends, strict=True):
            if max(begin, start) < min(until, end):
                yield max(begin, start), min(until, end)


def _parts(
    unit_ids: Collection[int], start: datetime, end: datetime, said_by: datetime | None
) -> Mapping[int, list[Explained]]:
    rows = DowntimePart.objects.filter(
        sharing(start, end), downtime__work_unit__in=unit_ids, downtime__withdrawn_at=None
    ).order_by("started_at")
    parts = list(rows.values_list("pk", "downtime", "downtime__work_unit", "started_at", "ended_at", "reason_id"))
    reasons: dict[int, int | None] = {pk: reason_id for pk, *_rest, reason_id in parts}
    if said_by is not None:
        reasons = reasons_at(said_by, {downtime for _pk, downtime, *_rest in parts}, reasons)
    found = defaultdict[int, list[Explained]](list)
    for pk, _downtime, unit_id, begins, ends, _reason in parts:
        found[unit_id].append(Explained(begins, ends, reasons[pk]))
    return found


def _made(machines: Mapping[int, Machine], start: datetime, end: datetime) -> Mapping[int, list[Made]]:
    """By operation; the planned run time is that of its routing, else the machine's expected cycle, else unknown."""
    step = RoutingStep.objects.filter(
        routing=OuterRef("job_order__work_order__plan__routing"), sequence=OuterRef("job_order__sequence")
    )
    counted = (
        Confirmation.objects.filter(job_order__work_unit__in=machines)
        .annotate(at=Coalesce("reverses__occurred_at", "occurred_at"))
        .filter(at__gte=start, at__lt=end)
        .order_by()
        .values("job_order", unit=F("job_order__work_unit"))
        .annotate(
            made_good=Sum("good"),
            made_scrap=Sum("scrap"),
            run_minutes=Subquery(step.values(minutes=F("run_minutes_per_piece"))[:1]),
        )
    )
    found = defaultdict[int, list[Made]](list)
    for row in counted:
        run_seconds = _run_seconds(row["run_minutes"], machines[row["unit"]].expected_cycle_seconds)
        found[row["unit"]].append(Made(good=row["made_good"], scrap=row["made_scrap"], run_seconds=run_seconds))
    return found


def _run_seconds(run_minutes: Decimal | None, expected_cycle_seconds: Decimal | None) -> Fraction | None:
    if run_minutes:
        return Fraction(run_minutes) * 60
    return None if expected_cycle_seconds is None else Fraction(expected_cycle_seconds)
