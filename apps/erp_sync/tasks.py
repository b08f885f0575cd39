"""What the worker does for the ERP: several lanes side by side, each with its own connector."""

from __future__ import annotations

from uuid import uuid4

from apps.core.actors import Actor
from apps.core.worker import Task, task
from apps.erp_sync.commands.finishing import finish_overlooked_order
from apps.erp_sync.delivery import deliver_next
from apps.erp_sync.queries import TOPIC, overlooked

LANES = 3
WORKER = Actor.system("worker")


def deliver() -> int:
    return int(deliver_next())


DELIVER: list[Task] = [
    task("erp_sync.deliver" if lane == 1 else f"erp_sync.deliver.{lane}", every_seconds=1, topics=[TOPIC])(deliver)
    for lane in range(1, LANES + 1)
]


@task("erp_sync.finish_overlooked_orders", every_seconds=30)
def finish_overlooked_orders() -> int:
    for key in overlooked():
        finish_overlooked_order(actor=WORKER, command_id=uuid4(), work_order_id=key)
    return 0
