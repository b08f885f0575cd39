"""What the worker does for orders."""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction

from apps.core.actors import Actor
from apps.core.worker import task
from apps.orders.commands.readiness import reconsider_job
from apps.orders.models import JobOrder, MaterialRecheck
from apps.orders.models.statuses import BEGUN, OPEN
from apps.orders.subscribers import RECHECK_TOPIC

WORKER = Actor.system("worker")
BATCH = 100


@task("orders.recheck_materials", every_seconds=5, topics=[RECHECK_TOPIC])
def recheck_materials() -> int:
    """Crash-only: the rows go when their operations have been looked at; looking twice changes nothing."""
    rows = list(MaterialRecheck.objects.order_by("pk")[:BATCH])
    items = {row.item_id for row in rows}
    users = JobOrder.objects.filter(materials__item__in=items, status__in=OPEN | BEGUN).order_by("pk").distinct()
    for pk in users.values_list("pk", flat=True):
        reconsider_job(actor=WORKER, command_id=uuid4(), job_order_id=pk)
    with transaction.atomic():
        MaterialRecheck.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)
