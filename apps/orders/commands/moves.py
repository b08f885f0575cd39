"""An operation moves along the edges of its workflow."""

from __future__ import annotations

from typing import Any

from apps.core.commands import Context, command
from apps.orders.commands.answers import JobState, state_of
from apps.orders.models import JobOrder
from apps.workflows.engine import fire


@command("orders.take_edge")
def take_edge(context: Context, *, job_order_id: int, edge: str, inputs: dict[str, Any]) -> JobState:
    """Moves an operation along an edge of its own workflow version: start, pause, resume, complete, ..."""
    job = fire(context, JobOrder, job_order_id, edge, inputs).item
    return state_of(job)
