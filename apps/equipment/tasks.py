"""What time does to machines: silence, stops that last; and what is kept for a while only."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import uuid4

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Max, Q

from apps.core import clock
from apps.core.actors import Actor
from apps.core.pruning import prune
from apps.core.worker import service, task
from apps.equipment.commands import follow_machine
from apps.equipment.intake import listening
from apps.equipment.models import CountedMinute, Downtime, HeardMinute, Machine, MachineNow, QuarantinedSignal
from apps.equipment.words import FOLLOW_TOPIC

WORKER = Actor.system("equipment")
log = logging.getLogger(__name__)
BATCH = 100


@task("equipment.follow", every_seconds=1, topics=[FOLLOW_TOPIC])
def follow_machines() -> int:
    """Each machine in a transaction of its own; one that another worker has is passed over."""
    return sum(_follow(pk) for pk in due())


def _follow(work_unit_id: int) -> bool:
    """What goes wrong with one machine holds up no other; it stays due."""
    try:
        return follow_machine(WORKER, uuid4(), work_unit_id=work_unit_id)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("the stops of machine %s can't be followed", work_unit_id)
        return False


def due() -> list[int]:
    now = clock.now()
    waiting = MachineNow.objects.filter(
        Q(look_from__isnull=False)
        | Q(silent_at__lte=now)
        | Q(stop_due_at__lte=now)
        | Q(work_unit__in=Downtime.objects.to_call(now).values("work_unit"))
    )
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:BATCH])


LISTEN = service("equipment.signals")(listening.listen)


# ---- what is kept for a while only

# A word that repeats the one before is needed where a word comes between them late: later than that, it is not.
REPEATS_FOR = timedelta(hours=2)
# Intervals may be worked out anew as far back as a signal may be old (at most 14 days) and a silence before it.
HEARD_FOR, QUARANTINED_FOR, COUNTED_FOR = timedelta(days=16), timedelta(days=30), timedelta(days=400)
BITE = 5000

_REPEATS = """
DELETE FROM equipment_stateword WHERE id IN (
    SELECT id FROM (
        SELECT id, at, state, word_of,
               lag(at) OVER machine AS before_at, lead(at) OVER machine AS after_at,
               lag(state) OVER machine AS before_state, lag(word_of) OVER machine AS before_word_of
          FROM equipment_stateword WHERE at >= %s AND at < %s
        WINDOW machine AS (PARTITION BY work_unit_id ORDER BY at, id)
    ) AS word
     WHERE state = before_state AND word_of = before_word_of AND before_at < at AND after_at > at
     LIMIT %s
)
"""


@task("equipment.prune_repeats", every_seconds=60)
def prune_repeats() -> int:
    until = clock.now() - REPEATS_FOR
    with connection.cursor() as cursor:
        cursor.execute(_REPEATS, [until - timedelta(days=1), until, BITE])
        deleted: int = cursor.rowcount
    return deleted


@task("equipment.prune_seen", every_seconds=300)
def prune_seen() -> int:
    """What is older than any signal may be can't come again."""
    oldest = Machine.objects.aggregate(hours=Max("oldest_hours"))["hours"] or Machine().oldest_hours
    until = clock.now() - timedelta(hours=max(oldest, Machine().oldest_hours) + 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM equipment_seensignal WHERE digest IN "
            "(SELECT digest FROM equipment_seensignal WHERE at < %s LIMIT %s)",
            [until, BITE],
        )
        deleted: int = cursor.rowcount
    return deleted


@task("equipment.prune_minutes", every_seconds=600)
def prune_minutes() -> int:
    now = clock.now()
    return (
        prune(HeardMinute.objects.filter(minute__lt=now - HEARD_FOR))
        + prune(CountedMinute.objects.filter(minute__lt=now - COUNTED_FOR))
        + prune(QuarantinedSignal.objects.filter(received_at__lt=now - QUARANTINED_FOR))
    )
