"""What the worker does for the ERP: several lanes side by side, each with its own connector."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

from django.db.models.functions import Now

from apps.core.actors import Actor
from apps.core.pruning import prune
from apps.core.worker import Task, task
from apps.erp_sync.causes.lateness import is_to_settle
from apps.erp_sync.commands.finishing import finish_overlooked_order
from apps.erp_sync.commands.watching import settle_lateness
from apps.erp_sync.delivery import deliver_next
from apps.erp_sync.intake.polling import read_erp
from apps.erp_sync.models import ApiCall, ErpLink, RefusedMessage
from apps.erp_sync.policy import policy_of
from apps.erp_sync.queries import COMPARE_TOPIC, TOPIC, overlooked
from apps.erp_sync.reconciling import compare_next

LANES = 3
# Longer than any client repeats a call with the same key; and as long as somebody may ask what went wrong last quarter.
CALL_DAYS, REFUSED_DAYS = 30, 180
# When each link is read next, by this process's own clock.
_next_reading: dict[int, float] = {}
WORKER = Actor.system("worker")


def deliver() -> int:
    return int(deliver_next())


DELIVER: list[Task] = [
    task("erp_sync.deliver" if lane == 1 else f"erp_sync.deliver.{lane}", every_seconds=1, topics=[TOPIC])(deliver)
    for lane in range(1, LANES + 1)
]


@task("erp_sync.prune_calls", every_seconds=600)
def prune_calls() -> int:
    return prune(ApiCall.objects.filter(recorded_at__lt=Now() - timedelta(days=CALL_DAYS)))


@task("erp_sync.prune_refused_messages", every_seconds=600)
def prune_refused_messages() -> int:
    return prune(RefusedMessage.objects.filter(received_at__lt=Now() - timedelta(days=REFUSED_DAYS)))


@task("erp_sync.read", every_seconds=1)
def read_erps() -> int:
    """Each site's ERP as often as its policy says."""
    for link in ErpLink.objects.select_related("site").filter(active=True):
        now = time.monotonic()
        if now >= _next_reading.get(link.pk, 0.0):
            read_erp(link)
            _next_reading[link.pk] = time.monotonic() + policy_of(link).read_seconds
    return 0


@task("erp_sync.finish_overlooked_orders", every_seconds=30)
def finish_overlooked_orders() -> int:
    for key in overlooked():
        finish_overlooked_order(actor=WORKER, command_id=uuid4(), work_order_id=key)
    return 0


@task("erp_sync.watch_lateness", every_seconds=30)
def watch_lateness() -> int:
    for link in ErpLink.objects.filter(active=True):
        if is_to_settle(link):
            settle_lateness(actor=WORKER, command_id=uuid4(), link_id=link.pk)
    return 0


@task("erp_sync.compare", every_seconds=15, topics=[COMPARE_TOPIC])
def compare_orders() -> int:
    return int(compare_next())
