"""The pace of a line right now."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.core.prepared import Given, Prepared
from apps.orders.models import Confirmation, JobOrder
from apps.plant.models import WorkCenter
from apps.plant.shifts_calendar import Shift, shift_at
from apps.shifts.models import ShiftTarget
from apps.shifts.pace import Pace, lately_from, reckon

__all__ = ["Pace", "pace"]

NOTHING = Decimal(0)


def pace(line: WorkCenter, now: datetime) -> Pace | None:
    """None where no shift runs at `now`. Queries: the calendar's, one for the target, one for the counts."""
    shift = shift_at(line, now)
    if shift is None:
        return None
    target = target_in_force(line.pk, shift)
    made, lately = _made(line, shift, now)
    return reckon(shift, now, made, lately, target.quantity if target else None)


def target_in_force(work_center_id: int, shift: Shift) -> ShiftTarget | None:
    """The latest one of the shift."""
    return _TARGET.first(work_center=work_center_id, shift_date=shift.shift_date, shift_code=shift.code)


_TARGET = Prepared(
    lambda: ShiftTarget.objects.filter(
        work_center=Given("work_center"), shift_date=Given("shift_date"), shift_code=Given("shift_code")
    ).order_by("-version")[:1]
)


def _made(line: WorkCenter, shift: Shift, now: datetime) -> tuple[Decimal, Decimal]:
    """Good in the shift until `now`, and lately, at the one counting point, so that a piece counts once however many
    stations confirm it.

    That is the line's counting station, else wherever the last operation of an order on this line is done. A reversal
    counts in the shift, and at the time, of what it undoes.
    """
    during = {"start": shift.start, "lately": lately_from(shift, now), "now": now, "work_center": line.pk}
    at_station = {"work_unit": line.counting_unit_id} if line.counting_unit_id else {}
    return (_AT_STATION if at_station else _AT_LINE).first(**during, **at_station) or (NOTHING, NOTHING)


def _sums(point: Q) -> QuerySet[Any, tuple[Decimal, Decimal]]:
    later = JobOrder.objects.filter(point, work_order=OuterRef("work_order"), sequence__gt=OuterRef("sequence"))
    counted = Confirmation.objects.filter(job_order__in=JobOrder.objects.filter(point).filter(~Exists(later)))
    at = Coalesce("reverses__occurred_at", "occurred_at")
    in_shift = counted.annotate(at=at).filter(at__gte=Given("start"), at__lte=Given("now"))
    lately = Sum("good", filter=Q(at__gte=Given("lately")), default=NOTHING)
    by_site = in_shift.order_by().values("site").annotate(made=Sum("good"), lately=lately)
    return by_site.values_list("made", "lately")


_AT_LINE = Prepared(lambda: _sums(Q(work_center=Given("work_center"))))
_AT_STATION = Prepared(lambda: _sums(Q(work_center=Given("work_center"), work_unit=Given("work_unit"))))
