"""What follows from a move of an operation, or of stock, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max

from apps.andon.kinds import EXCEPTION
from apps.andon.models import ExceptionStatus
from apps.core.commands import Context
from apps.core.events import subscribe
from apps.core.prepared import Given, Prepared
from apps.equipment.events import StopChanged, StopClosed, StopOpened, StopWithdrawn
from apps.materials.events import (
    LotHeld,
    LotReleased,
    MaterialMoved,
    MovementReversed,
    ReceiptsExpected,
    StockTaken,
)
from apps.orders.kinds import JOB_ORDER
from apps.orders.models import Blocker, BlockerKind, DispatchStatus, JobInterval, MaterialRecheck, PartedBy
from apps.orders.models.statuses import OVER
from apps.orders.readiness import lift
from apps.orders.standstill import run_operations, stop_operations
from apps.orders.together import end_all
from apps.plant.events import PresenceEnded
from apps.workflows.events import StateChanged
from apps.workflows.models import Phases

RECHECK_TOPIC = "orders:recheck"


@subscribe(MaterialMoved, MovementReversed, LotHeld, LotReleased)
def look_again_at_who_needs_it(
    event: MaterialMoved | MovementReversed | LotHeld | LotReleased, context: Context
) -> None:
    """Stock that moves, or may not be used any more, may block operations, or free them; the worker looks."""
    _look_again(context, [event.item_id])


@subscribe(StockTaken, ReceiptsExpected)
def look_again_at_who_needs_these(event: StockTaken | ReceiptsExpected, context: Context) -> None:
    """The same where the ERP says that there is more, or less, or more to come."""
    _look_again(context, event.items)


def _look_again(context: Context, item_ids: Iterable[int]) -> None:
    MaterialRecheck.objects.bulk_create(MaterialRecheck(item_id=item_id) for item_id in item_ids)
    context.touch(RECHECK_TOPIC)


@subscribe(StateChanged)
def run_when_it_is_resolved(event: StateChanged, context: Context) -> None:
    """What a rule or a step has stopped goes on when whoever owns it says that it is done."""
    if event.item_kind != EXCEPTION.code or event.to_status not in (ExceptionStatus.RESOLVED, ExceptionStatus.CLOSED):
        return
    for blocker in _STOPPED(exception=event.subject_id):
        lift(context, blocker)


_STOPPED = Prepared(lambda: Blocker.objects.open().filter(exception=Given("exception"), kind=BlockerKind.STOPPED))


@subscribe(StopOpened, StopChanged)
def stop_with_the_machine(event: StopOpened | StopChanged, context: Context) -> None:
    """One that was over when it became known has stopped nobody."""
    if event.ended_at is None:
        stop_operations(context, event.work_unit_id, event.started_at)


@subscribe(StopClosed)
def run_with_the_machine(event: StopClosed, context: Context) -> None:
    run_operations(context, event.work_unit_id, event.ended_at)


@subscribe(StopWithdrawn)
def run_as_if_it_had_not_stopped(event: StopWithdrawn, context: Context) -> None:
    run_operations(context, event.work_unit_id, event.started_at)


@subscribe(StateChanged)
def keep_intervals(event: StateChanged, context: Context) -> None:
    """Opens an interval when running begins, closes it when running ends, splits it where the phase changes.

    The operation is locked by the move, so nobody else writes its intervals meanwhile.
    """
    if event.item_kind != JOB_ORDER.code or DispatchStatus.RUNNING not in (event.from_status, event.to_status):
        return
    assert event.site_id is not None, "an operation has a site"
    job_order_id = int(event.subject_id)
    phase = phase_of(event)
    interval = _OPEN_INTERVAL.first(job_order=job_order_id)
    if interval and interval.phase != phase:
        interval.close(context.occurred_at, JobInterval.PHASE if phase else event.to_status)
    if phase and (interval is None or interval.phase != phase):
        JobInterval.objects.create(
            site_id=event.site_id,
            job_order_id=job_order_id,
            phase=phase,
            started_at=_not_before_the_last_end(job_order_id, context.occurred_at),
        )


_OPEN_INTERVAL = Prepared(lambda: JobInterval.objects.filter(job_order=Given("job_order"), ended_at=None))


@subscribe(StateChanged)
def part_when_it_is_over(event: StateChanged, context: Context) -> None:
    if event.item_kind == JOB_ORDER.code and event.to_status in OVER:
        end_all(context, PartedBy.JOB, context.occurred_at, job_order_id=int(event.subject_id))


@subscribe(PresenceEnded)
def part_with_who_has_left(event: PresenceEnded, context: Context) -> None:
    end_all(context, PartedBy.ABSENCE, event.ended_at, person_id=event.person_id)


def phase_of(event: StateChanged) -> str:
    """The phase that an operation runs in after the move; "" for one that does not run.

    A running state of a workflow that names no phase is a run.
    """
    return (event.to_phase or Phases.RUN.value) if event.to_status == DispatchStatus.RUNNING else ""


def _not_before_the_last_end(job_order_id: int, at: datetime) -> datetime:
    """A start typed in later may lie before an end that is known already: time is not counted twice."""
    last: datetime | None = JobInterval.objects.filter(job_order=job_order_id).aggregate(at=Max("ended_at"))["at"]
    return max(at, last) if last else at
