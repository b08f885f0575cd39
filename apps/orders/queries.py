"""What a line and a station have in hand, read for one screen at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from apps.core.prepared import Given, Prepared
from apps.orders.models import DirectiveStep, DispatchStatus, JobOrder, StepKind, StepRecord
from apps.orders.models.job_orders import JobOrderQuerySet
from apps.orders.models.statuses import BEGUN
from apps.orders.progress import Standing, is_last_of_piece, progress_of
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

    @property
    def in_hand(self) -> JobOrder | None:
        """What the station shows: what has begun, else what may be started next."""
        return self.current or (self.ready[0] if self.ready else None)


def queue_of_station(unit: WorkUnit) -> Queue:
    jobs = _AT_STATION(work_unit=unit.pk, work_center=unit.work_center_id)
    for job in jobs:
        job.work_center = unit.work_center
    return _sorted_out(jobs)


def queues_of_stations(units: Collection[WorkUnit]) -> dict[int, Queue]:
    """By the id of the work unit; one query, however many."""
    at_line: defaultdict[int, list[JobOrder]] = defaultdict(list)
    for job in _OF_LINES(work_centers=sorted({unit.work_center_id for unit in units})):
        at_line[job.work_center_id].append(job)
    found = {}
    for unit in units:
        jobs = [job for job in at_line[unit.work_center_id] if job.work_unit_id in (None, unit.pk)]
        found[unit.pk] = _sorted_out(jobs)
    return found


def queue_of_line(work_center_id: int) -> Queue:
    return _sorted_out(_OF_LINE(work_center=work_center_id))


def _rows() -> JobOrderQuerySet:
    return JobOrder.objects.not_over().select_related("work_order", "workflow_version").by_due_date()


_OF_LINE = Prepared(lambda: _rows().filter(work_center=Given("work_center")))
_OF_LINES = Prepared(lambda: _rows().filter(work_center__any=Given("work_centers")))
_AT_STATION = Prepared(lambda: _rows().at_station(Given("work_unit"), Given("work_center")))


def by_station(queue: Queue) -> dict[int | None, JobOrder]:
    """The most urgent begun operation of each work unit."""
    found: defaultdict[int | None, list[JobOrder]] = defaultdict(list)
    for job in queue.begun:
        found[job.work_unit_id].append(job)
    return {unit_id: jobs[0] for unit_id, jobs in found.items()}


def _sorted_out(jobs: list[JobOrder]) -> Queue:
    for job in jobs:
        job.read_with = jobs
    begun = [job for job in jobs if job.status in BEGUN]
    startable = {DispatchStatus.READY, DispatchStatus.DISPATCHED}
    return Queue(
        begun=sorted(begun, key=lambda job: _URGENCY.index(DispatchStatus(job.status))),
        ready=[job for job in jobs if job.status in startable],
        waiting=[job for job in jobs if job.status not in startable and job.status not in BEGUN],
    )


# ---- standard work

LAST_VALUES = 5


class StepState(StrEnum):
    DONE = "done"
    NOW = "now"
    TO_COME = "to_come"


@dataclass(frozen=True)
class StepNow:
    """
    at         when it was done, for this piece or occasion
    due_after  pieces made after which it is due, where it is due by pieces
    """

    step: DirectiveStep
    state: StepState
    at: datetime | None
    due_after: int
    failed: StepRecord | None


@dataclass(frozen=True)
class WorkNow:
    """The standard work of an operation as a screen shows it; no steps where the keypad counts.

    current    the step to do now; None while it does not run, and when nothing is left
    following  the step after it; None when with it the piece is good or everything is done
    piece      the number of the piece in hand; None where pieces have no steps
    recent     the last values of the current measurement, oldest first
    """

    steps: list[StepNow]
    current: StepNow | None
    following: DirectiveStep | None
    by_piece: bool
    piece: int | None
    makes_good: bool
    recent: list[Decimal]


def work_now(job: JobOrder) -> WorkNow:
    """One query for an operation without steps, else three to six."""
    progress = progress_of(job)
    todo = progress.open if job.is_running else []
    current = todo[0] if todo else None
    steps = [_step_now(standing, is_current=standing is current) for standing in progress.standings]
    makes_good = current is not None and is_last_of_piece(progress, current)
    return WorkNow(
        steps=steps,
        current=next((step for step in steps if step.state == StepState.NOW), None),
        following=todo[1].step if len(todo) > 1 and not makes_good else None,
        by_piece=progress.by_piece,
        piece=progress.piece,
        makes_good=makes_good,
        recent=_recent(job, current.step) if current else [],
    )


def _step_now(standing: Standing, *, is_current: bool) -> StepNow:
    is_over = standing.last is not None and standing.last.counts and not standing.is_open
    # What is due again only after more pieces is to come, though it has been done before.
    shown_done = is_over and not standing.step.interval
    return StepNow(
        step=standing.step,
        state=StepState.NOW if is_current else StepState.DONE if shown_done else StepState.TO_COME,
        at=standing.last.occurred_at if standing.last and shown_done else None,
        due_after=0 if standing.is_open else standing.next_after,
        failed=standing.failed,
    )


def _recent(job: JobOrder, step: DirectiveStep) -> list[Decimal]:
    if step.kind != StepKind.MEASURE:
        return []
    values = StepRecord.objects.filter(job_order=job, step=step, value__isnull=False).order_by("-pk")
    return [value for value in values.values_list("value", flat=True)[:LAST_VALUES] if value is not None][::-1]
