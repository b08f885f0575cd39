"""What the commands of an operation answer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.orders.models import JobOrder


@dataclass(frozen=True, kw_only=True)
class JobState:
    """Where an operation stands after a command; quantities in the unit of its work order."""

    job_order_id: int
    state: str
    status: str
    good: Decimal
    scrap: Decimal


def state_of(job: JobOrder) -> JobState:
    return JobState(
        job_order_id=job.pk, state=job.state, status=job.status, good=job.good_quantity, scrap=job.scrap_quantity
    )
