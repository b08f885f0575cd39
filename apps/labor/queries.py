"""Who is at what now; hours of people and of operations, by shift."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from apps.core import clock
from apps.core.prepared import Given, Prepared
from apps.labor.cutting import cut
from apps.labor.models import TimeEntry
from apps.orders.models import JobInterval, sharing
from apps.plant.models import WorkCenter
from apps.plant.shifts_calendar import shifts_between
from apps.workflows.models import RUNNING_PHASES, Phases


def on_job(job_order_id: int) -> list[TimeEntry]:
    """Who works on the operation now, with their names, the longest first."""
    return _ON_JOB(job_order=job_order_id)


_ON_JOB = Prepared(
    lambda: (
        TimeEntry.objects.open()
        .filter(job_order=Given("job_order"))
        .select_related("person")
        .order_by("started_at", "pk")
    )
)


def at_lines(work_center_ids: Collection[int]) -> QuerySet[TimeEntry]:
    """Who is on an operation of these lines now, with their names, the longest first."""
    rows = TimeEntry.objects.open().filter(job_order__work_center__in=work_center_ids)
    return rows.select_related("person").order_by("started_at", "pk")


def jobs_of(person_id: int) -> list[TimeEntry]:
    """All that the person is clocked on to, with the operations and where they run."""
    return _OF_PERSON(person=person_id)


_OF_PERSON = Prepared(
    lambda: (
        TimeEntry.objects.open()
        .filter(person=Given("person"))
        .select_related("job_order__work_order", "job_order__work_unit")
        .order_by("started_at", "pk")
    )
)


@dataclass
class ShiftHours:
    """Time within one shift (`shift_code` "" and no date: between shifts), by phase; breaks are in it.

    labor  person time, each person on each operation     job  time of operations that ran
    """

    shift_date: date | None
    shift_code: str
    labor: dict[str, timedelta] = field(default_factory=lambda: dict.fromkeys(Phases.values, timedelta(0)))
    job: dict[str, timedelta] = field(default_factory=lambda: dict.fromkeys(RUNNING_PHASES, timedelta(0)))


def hours_by_shift(*, work_center_id: int, start: datetime, end: datetime) -> list[ShiftHours]:
    """What fell into each shift of [start, end), in order, the time between shifts last.

    What still goes on counts up to now. The parts sum to the whole: nothing is lost or counted twice at a boundary.
    """
    line = WorkCenter.objects.select_related("site").get(pk=work_center_id)
    shifts = shifts_between(line, start, end)
    hours = {shift.key: ShiftHours(shift.shift_date, shift.code) for shift in shifts}
    outside = ShiftHours(None, "")
    ours = Q(sharing(start, end), job_order__work_center=line)
    columns = ("phase", "started_at", "ended_at")
    until = min(end, clock.now())

    def count(rows: Iterable[tuple[str, datetime, datetime | None]], kind: str) -> None:
        for phase, started_at, ended_at in rows:
            for shift, begins, ends in cut(max(started_at, start), min(ended_at or until, end), shifts):
                times = getattr(hours[shift.key] if shift else outside, kind)
                times[phase] += ends - begins

    count(TimeEntry.objects.filter(ours).values_list(*columns), "labor")
    count(JobInterval.objects.filter(ours).values_list(*columns), "job")
    return [*hours.values(), outside]
