"""What time does to machines: silence, stops that last; and what is kept for a while only."""

from __future__ import annotations

from uuid import uuid4

from django.db.models import Q

from apps.core import clock
from apps.core.actors import Actor
from apps.core.worker import task
from apps.equipment.commands import follow_machine
from apps.equipment.models import MachineNow
from apps.equipment.words import FOLLOW_TOPIC

WORKER = Actor.system("equipment")
BATCH = 100


@task("equipment.follow", every_seconds=1, topics=[FOLLOW_TOPIC])
def follow_machines() -> int:
    """Each machine in a transaction of its own; one that another worker has is passed over."""
    return sum(follow_machine(WORKER, uuid4(), work_unit_id=pk) for pk in due())


def due() -> list[int]:
    now = clock.now()
    waiting = MachineNow.objects.filter(
        Q(look_from__isnull=False) | Q(silent_at__lte=now) | Q(stop_due_at__lte=now) | Q(call_due_at__lte=now)
    )
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:BATCH])
