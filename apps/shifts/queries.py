"""The pace of a line right now."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from apps.orders.models import Confirmation, JobOrder
from apps.plant.models import WorkCenter
from apps.plant.shifts_calendar import Shift, shift_at
from apps.shifts.models import ShiftTarget
from apps.shifts.pace import Count, Pace, reckon

__all__ = ["Pace", "pace"]


def pace(line: WorkCenter, now: datetime) -> Pace | None:
    """None where no shift runs at `now`. Queries: the calendar's, one for the target, one for the counts."""
    shift = shift_at(line, now)
    if shift is None:
        return None
    target = ShiftTarget.objects.in_force(line.pk, shift)
    return reckon(shift, now, counts_in(line, shift), target.quantity if target else None)


def counts_in(line: WorkCenter, shift: Shift) -> list[Count]:
    """Good at the one counting point, so that a piece counts once however many stations confirm it.

    That is the line's counting station, else wherever the last operation of an order on this line is done. A reversal
    counts in the shift, and at the time, of what it undoes.
    """
    point = Q(work_center=line)
    if line.counting_unit_id:
        point &= Q(work_unit=line.counting_unit_id)
    later = JobOrder.objects.filter(point, work_order=OuterRef("work_order"), sequence__gt=OuterRef("sequence"))
    counted = Confirmation.objects.filter(job_order__in=JobOrder.objects.filter(point).filter(~Exists(later)))
    at = Coalesce("reverses__occurred_at", "occurred_at")
    return list(counted.annotate(at=at).filter(at__gte=shift.start, at__lt=shift.end).values_list("at", "good"))
