"""An operation moves along the edges of its workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.commands import Context, command
from apps.orders.commands.answers import JobState, state_of
from apps.orders.flow import uncounted_before
from apps.orders.models import DispatchStatus, JobOrder
from apps.orders.models.statuses import OVER
from apps.orders.readiness import locked, reconsider, reconsider_next
from apps.workflows.engine import fire
from apps.workflows.kinds import Warrant

BOOKED_ALONG = "booked_along"


@command("orders.take_edge")
def take_edge(context: Context, *, job_order_id: int, edge: str, inputs: dict[str, Any]) -> JobState:
    """Moves an operation along an edge of its own workflow version: start, pause, resume, complete, ..."""
    return take(context, job_order_id, edge, inputs, None)


def take(
    context: Context, job_order_id: int, edge: str, inputs: Mapping[str, Any], warrant: Warrant | None
) -> JobState:
    """With what follows for the operations before and after it."""
    fired = fire(context, JobOrder, job_order_id, edge, inputs, warrant=warrant)
    if fired.move.to_status in OVER:
        if fired.move.to_status == DispatchStatus.COMPLETED:
            _complete_uncounted(context, fired.item)
        reconsider(context, locked(job_order_id))
        reconsider_next(context, fired.item)
    return state_of(fired.item)


def _complete_uncounted(context: Context, job: JobOrder) -> None:
    """What is no count point is done when the operation that books it is."""
    for earlier in uncounted_before(job):
        if earlier.status not in OVER:
            fire(context, JobOrder, earlier.pk, BOOKED_ALONG, as_system=True)
