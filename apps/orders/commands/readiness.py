"""The system looks again whether an operation can run."""

from __future__ import annotations

from apps.core.commands import Context, command
from apps.orders.actions import RUN_JOB
from apps.orders.readiness import locked, reconsider


@command("orders.reconsider_job")
def reconsider_job(context: Context, *, job_order_id: int) -> None:
    job = locked(job_order_id)
    context.allow(RUN_JOB, at=job.scope)
    reconsider(context, job)
