"""A worker dies between the effect in the ERP and its word to us; the next one finds out instead of doing it again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.erp_sync.models import Posting
from tests.erp_sync.outbox_world import OPEN, make_outbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
ROOT = Path(__file__).resolve().parents[2]
KILLS = 50 if os.environ.get("LONG") else 10


def start_worker(stub: Path, deduping: bool) -> subprocess.Popen[bytes]:
    database = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-m", "tests.erp_sync.worker_process", database, str(stub), str(int(deduping))]
    return subprocess.Popen(command, cwd=ROOT)


@contextmanager
def workers(count: int, stub: Path, deduping: bool) -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [start_worker(stub, deduping) for _ in range(count)]
    try:
        yield started
    finally:
        for worker in started:
            worker.kill()
            worker.wait()


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)


def all_leases_run_out() -> None:
    """Instead of waiting half a minute for each of them."""
    Posting.objects.filter(state="leased").update(lease_until=Now())


def test_killed_again_and_again_between_effect_and_answer(tmp_path: Path) -> None:
    """The stub does whatever it is told, twice if told twice: only looking up before sending again saves us."""
    stub = tmp_path / "stub.sqlite"
    outbox = make_outbox(stub, deduping=False)
    for _ in range(3 * KILLS // 10):
        outbox.work(2)
    outbox.erp.configure(hold_after_effect=60)
    held = Path(f"{stub}.held")
    killed: set[str] = set()
    for _ in range(KILLS):
        held.unlink(missing_ok=True)
        with workers(1, stub, deduping=False):
            wait_for(lambda: held.exists() and held.read_text())
            killed.add(held.read_text())
        all_leases_run_out()
    assert len(killed) == KILLS
    assert set(Posting.objects.filter(key__in=killed).values_list("state", flat=True)) <= {"posted", "leased"}
    outbox.erp.configure(hold_after_effect=0)
    with workers(2, stub, deduping=False):
        wait_for(lambda: not Posting.objects.filter(state__in=OPEN).exists())
    outbox.is_right()
    assert set(Posting.objects.values_list("state", flat=True)) == {"posted"}
    assert Posting.objects.filter(attempts__gt=1).count() >= KILLS


def test_two_workers_under_faults(tmp_path: Path) -> None:
    stub = tmp_path / "stub.sqlite"
    outbox = make_outbox(stub)
    outbox.erp.configure(chaos=3)
    with workers(2, stub, deduping=True):
        for _ in range(4):
            outbox.work(1)
        wait_for(lambda: not Posting.objects.filter(state__in=OPEN).exists())
    outbox.is_right()
    assert set(Posting.objects.values_list("state", flat=True)) == {"posted"}
