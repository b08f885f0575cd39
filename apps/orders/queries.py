"""What a line and a station have in hand, read for one screen at a time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Prefetch

from apps.orders.models import Blocker, DispatchStatus, JobOrder
from apps.orders.models.job_orders import JobOrderQuerySet
from apps.orders.models.statuses import BEGUN
from apps.plant.models import WorkUnit

# What has begun comes first, the running one before the paused and the held.
_URGENCY = [DispatchStatus.RUNNING, DispatchStatus.SUSPENDED, DispatchStatus.HELD]


@dataclass(frozen=True)
class Queue:
    """A station's work: what is in hand, what may be started next, what has to wait; each in due-date order."""

    begun: list[JobOrder]
    ready: list[JobOrder]
    waiting: list[JobOrder]

    @property
    def current(self) -> JobOrder | None:
        return self.begun[0] if self.begun else None


def queue_of_station(unit: WorkUnit) -> Queue:
    jobs = JobOrder.objects.at_station(unit.pk, unit.work_center_id).not_over()
    return _sorted_out(_rows(jobs))


def queue_of_line(work_center_id: int) -> Queue:
    return _sorted_out(_rows(JobOrder.objects.filter(work_center_id=work_center_id).not_over()))


def _rows(jobs: JobOrderQuerySet) -> list[JobOrder]:
    """With what a screen needs of each; open blockers as `open_blockers`, what stops most first."""
    blockers = Prefetch("blockers", Blocker.objects.open().order_by("from_quantity"), to_attr="open_blockers")
    return list(jobs.select_related("work_order", "workflow_version").prefetch_related(blockers).by_due_date())


def by_station(queue: Queue) -> dict[int | None, JobOrder]:
    """The most urgent begun operation of each work unit."""
    found: defaultdict[int | None, list[JobOrder]] = defaultdict(list)
    for job in queue.begun:
        found[job.work_unit_id].append(job)
    return {unit_id: jobs[0] for unit_id, jobs in found.items()}


def _sorted_out(jobs: list[JobOrder]) -> Queue:
    begun = [job for job in jobs if job.status in BEGUN]
    startable = {DispatchStatus.READY, DispatchStatus.DISPATCHED}
    return Queue(
        begun=sorted(begun, key=lambda job: _URGENCY.index(DispatchStatus(job.status))),
        ready=[job for job in jobs if job.status in startable],
        waiting=[job for job in jobs if job.status not in startable and job.status not in BEGUN],
    )
