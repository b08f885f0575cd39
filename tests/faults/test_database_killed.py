"""Promise 1: what was acknowledged is there, and nothing is there twice, whatever happens to the database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from mfgos.supervisor import cluster
from tests.environment import BASE_DIR
from tests.supervisor.product import Product

KILLS = 3 if not os.environ.get("LONG") else 20
RELEASE = """
from decimal import Decimal
from uuid import uuid4
from apps.core.actors import Actor
from apps.orders.commands import Operation, release_work_order, take_edge
from apps.plant.commands import assign_role, create_person
from apps.plant.models import Area, Site, WorkCenter
who = Actor.system("tests")
site = Site.objects.create(code="S1", name="S1")
line = WorkCenter.objects.create(area=Area.objects.create(site=site, code="A1", name="A1"), code="L1", name="L1")
made = release_work_order(actor=who, command_id=uuid4(), site_id=site.pk, number="WO-1", item_code="X", item_name="X",
    quantity=Decimal(1000000), unit="pcs", due_at=None,
    operations=[Operation(sequence=10, name="Run", work_center_id=line.pk)])
olga = create_person(actor=who, command_id=uuid4(), username="olga", name="Olga", badge="", site_id=site.pk)
assign_role(actor=who, command_id=uuid4(), person_id=olga, role="operator", place=line.place)
take_edge(actor=Actor(person_id=olga), command_id=uuid4(), job_order_id=made.job_order_ids[0], edge="start", inputs={})
print("JOB", made.job_order_ids[0])
"""


@pytest.mark.faults
def test_every_acknowledged_booking_survives_kill_9_of_the_database_under_load(
    used_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Product(used_folder) as product:
        product.running()
        monkeypatch.setenv("MFGOS_PG_DIR", str(used_folder / "pg"))
        url = cluster.url(BASE_DIR, user="mfgos_app", mode="run")
        environment = product.environment | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mfgos.settings"}
        job = released_job(environment)
        logs = [tmp_path / f"acknowledged-{n}" for n in range(2)]
        loads = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults.load", str(job), str(2 + 2 * KILLS), str(log)],
                cwd=BASE_DIR,
                env=environment,
            )
            for log in logs
        ]
        for _ in range(KILLS):
            time.sleep(2)
            os.kill(product.pid_of("postgres"), signal.SIGKILL)
        assert [load.wait(60) for load in loads] == [0, 0]
        acknowledged = [line for log in logs for line in log.read_text().split()]
        with psycopg.connect(url) as wire:
            receipts = {str(row[0]) for row in wire.execute("SELECT command_id FROM core_commandreceipt")}
            booked = [str(row[0]) for row in wire.execute("SELECT command_id FROM orders_confirmation")]
            events = wire.execute(
                "SELECT count(*) FROM core_ledgerevent WHERE kind = 'orders.quantity_confirmed'"
            ).fetchone()
            good = wire.execute("SELECT good_quantity FROM orders_joborder WHERE id = %s", [job]).fetchone()
        product.stop()
    print(f"{KILLS} kills, {len(acknowledged)} acknowledged")
    assert len(acknowledged) > 50, "too little load to show anything"
    assert set(acknowledged) - receipts == set(), "acknowledged, and lost"
    assert sorted(booked) == sorted(acknowledged), "done twice, or done and never acknowledged"
    assert events == (len(acknowledged),)
    assert good == (len(acknowledged),)


def released_job(environment: dict[str, str]) -> int:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", RELEASE],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.split("JOB")[1])
