"""Operations stop with their machine and run on with it; one that a person has paused waits for a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.orders.events import StopNotFollowed
from apps.orders.models import DispatchStatus, JobOrder
from apps.workflows.engine import fire

MACHINE_STOP, MACHINE_RUN = "machine_stop", "machine_run"


def stop_operations(context: Context, work_unit_id: int, at: datetime) -> None:
    """Those that run at the machine stand still since `at`."""
    _take(context, work_unit_id, DispatchStatus.RUNNING, MACHINE_STOP, at)


def run_operations(context: Context, work_unit_id: int, at: datetime) -> None:
    """Those that the machine has stopped run on from `at`."""
    _take(context, work_unit_id, DispatchStatus.SUSPENDED, MACHINE_RUN, at)


def _take(context: Context, work_unit_id: int, status: DispatchStatus, edge: str, at: datetime) -> None:
    """Where the operation's own version of the workflow has that edge; else the stop is recorded, and that is all."""
    jobs = JobOrder.objects.filter(work_unit=work_unit_id, status=status).select_related("work_order")
    then = replace(context.consequence(), occurred_at=at)
    for job in jobs.select_related("workflow_version").order_by("pk"):
        if job.graph.edge(edge, job.state) is None:
            continue
        try:
            with transaction.atomic():
                fire(then, JobOrder, job.pk, edge, as_system=True)
        except CommandRefused as refusal:
            # What the machine did is a fact, whatever the operation may do.
            context.record(StopNotFollowed(subject_id=job.pk, **job.work_order.story, edge=edge, refusal=refusal.code))
            context.touch(*job.topics)
