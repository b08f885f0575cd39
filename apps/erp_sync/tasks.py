"""What the worker does for the ERP: several lanes side by side, each with its own connector."""

from __future__ import annotations

from apps.core.worker import Task, task
from apps.erp_sync.delivery import deliver_next
from apps.erp_sync.queries import TOPIC

LANES = 3


def deliver() -> int:
    return int(deliver_next())


DELIVER: list[Task] = [
    task("erp_sync.deliver" if lane == 1 else f"erp_sync.deliver.{lane}", every_seconds=1, topics=[TOPIC])(deliver)
    for lane in range(1, LANES + 1)
]
