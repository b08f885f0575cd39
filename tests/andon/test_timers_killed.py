"""Workers are killed at any moment: each step that was due is taken once, by whoever is left, and soon."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from apps.andon.causes import Cause
from apps.andon.models import FloorException, Timer, TimerKind
from apps.andon.raising import raise_exceptions
from apps.core import clock
from apps.core.commands import Context, command
from apps.core.models import LedgerEvent
from tests.andon.floor import SYSTEM, Floor, make_floor
from tests.killing import wait_for, workers
from tests.world import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
KILLS = 200 if os.environ.get("LONG") else 40


@command("tests.raise_many")
def raise_many(context: Context, *, site_id: int, line_id: int, first: int, count: int) -> None:
    context.allow_anyone()
    raise_exceptions(
        context,
        [
            Cause(type="missing_skill", kind="test", key=str(n), site_id=site_id, work_center_id=line_id)
            for n in range(first, first + count)
        ],
    )


def spread(floor: Floor, first: int, count: int, seconds: float) -> None:
    """Of `count` new exceptions the first step is due at some instant of the next `seconds`."""
    run(raise_many, SYSTEM, site_id=floor.world.site.pk, line_id=floor.world.line.pk, first=first, count=count)
    now = clock.now()
    rows = list(
        Timer.objects.filter(kind=TimerKind.STEP, exception__cause_key__in=map(str, range(first, first + count)))
    )
    for row in rows:
        row.due_at = now + timedelta(seconds=random.uniform(0.5, seconds))
    Timer.objects.bulk_update(rows, ["due_at"])
    Timer.objects.exclude(kind=TimerKind.STEP).filter(fired_at=None).update(due_at=now + timedelta(hours=5))


def lateness() -> list[float]:
    rows = Timer.objects.filter(kind=TimerKind.STEP, step=0, fired_at__isnull=False)
    return sorted((row.fired_at - row.due_at).total_seconds() for row in rows if row.fired_at)


def p99(values: list[float]) -> float:
    return values[min(len(values) - 1, int(len(values) * 0.99))]


def due_ones() -> int:
    return Timer.objects.waiting().filter(kind=TimerKind.STEP, step=0).count()


def test_killed_again_and_again_each_step_is_taken_once_and_soon() -> None:
    floor = make_floor()
    clock.move_to(datetime.now(UTC), rate=1)
    with workers(2, "andon.timers") as crew:
        spread(floor, 0, 200, 4)
        wait_for(lambda: due_ones() == 0)
        healthy = p99(lateness())
        spread(floor, 1_000, 800, KILLS * 0.3)
        for _ in range(KILLS):
            wait_for(lambda: len(crew.alive) == 2)
            time.sleep(random.uniform(0, 0.5))
            crew.kill_one()
        wait_for(lambda: due_ones() == 0)
    taken = Counter(event.subject_id for event in LedgerEvent.objects.filter(kind="andon.escalated"))
    raised = {str(pk) for pk in FloorException.objects.values_list("pk", flat=True)}
    figures = {
        "kills": KILLS,
        "doubled": sum(count - 1 for count in taken.values()),
        "missed": len(raised - taken.keys()),
        "healthy_p99_s": round(healthy, 3),
        "after_kill_p99_s": round(p99(lateness()), 3),
    }
    print(json.dumps({"bench": "escalation_kill", "figures": figures}))
    assert (figures["doubled"], figures["missed"]) == (0, 0)
    assert figures["healthy_p99_s"] <= 5
    assert figures["after_kill_p99_s"] <= 30
