"""Workers die at any line while signals come; what was acknowledged is there, once, and each stop has called once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from apps.andon.models import FloorException
from apps.core import clock
from apps.equipment.models import Downtime, MachineNow
from tests.broker import Broker
from tests.equipment.machines import make_machine
from tests.equipment.sources import counted, make_source, make_usual_mappings
from tests.equipment.test_mqtt import publish
from tests.seeded import seed_plant
from tests.world import make_station, make_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
ROOT = Path(__file__).resolve().parents[2]
KILLS = 40 if os.environ.get("LONG") else 5
MACHINES, COUNTS = 4, 100


def start_worker() -> subprocess.Popen[bytes]:
    database = str(connection.settings_dict["NAME"])
    return subprocess.Popen([sys.executable, "-m", "tests.equipment.worker_process", database], cwd=ROOT)


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.1)


def test_killed_again_and_again_they_lose_nothing_and_do_nothing_twice(broker: Broker) -> None:
    seed_plant()
    world = make_world()
    source = make_source(world.site, "broker", "mqtt", address=broker.url, topics=["#"])
    units = [make_station(world.line, code=f"M{number}") for number in range(MACHINES)]
    for unit in units:
        make_machine(unit, raises_exceptions=True, micro_stop_seconds=1, silence_seconds=None)
        make_usual_mappings(source, unit, unit.code)
    start = clock.now().timestamp() - 3000
    chance = random.Random(7)
    worker = start_worker()
    try:
        wait_for(lambda: bool(type(source).objects.get().connected_at))
        for kill in range(KILLS):
            round_at = start + kill * 20
            batch = [
                (f"{unit.code}/good", {"v": 1, "t": round_at + number / COUNTS})
                for unit in units
                for number in range(COUNTS)
            ]
            for unit in units:
                batch += [
                    (f"{unit.code}/state", {"v": 2, "t": round_at + 5}),
                    (f"{unit.code}/state", {"v": 1, "t": round_at + 15}),
                ]
            batch += chance.sample(batch, k=len(batch) // 4)
            chance.shuffle(batch)
            publish(broker, *batch)
            time.sleep(chance.uniform(0, 1.0))
            worker.kill()
            worker.wait()
            worker = start_worker()
        publish(broker, *[(f"{unit.code}/state", {"v": 2, "t": start + KILLS * 20 + 5}) for unit in units])
        wait_for(lambda: all(counted(unit) == KILLS * COUNTS for unit in units))
        wait_for(lambda: Downtime.objects.open().count() == MACHINES)
        wait_for(lambda: not MachineNow.objects.filter(look_from__isnull=False).exists())
    finally:
        worker.kill()
        worker.wait()
    for unit in units:
        assert counted(unit) == KILLS * COUNTS
        stood = Downtime.objects.standing().filter(work_unit=unit).order_by("started_at")
        assert len(stood) == KILLS + 1
        lengths = [round((each.ended_at - each.started_at).total_seconds(), 3) for each in stood if each.ended_at]
        assert lengths == [10] * KILLS
        called = FloorException.objects.open().filter(work_unit=unit)
        assert [each.cause_key for each in called] == [str(stood[KILLS].pk)]
    assert not FloorException.objects.open().exclude(work_unit__in=units).exclude(type__code="storm").exists()
