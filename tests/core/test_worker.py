"""The worker wakes at once when told, sweeps when not, and survives a task that fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from apps.core import live
from apps.core.models import CommandReceipt
from apps.core.tasks import prune_receipts
from apps.core.worker import Task, Worker


@contextmanager
def working(*tasks: Task) -> Iterator[None]:
    worker = Worker(tasks)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(10)
        assert not thread.is_alive()


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
class TestTheWorker:
    def test_runs_a_task_within_a_moment_of_its_topic(self) -> None:
        ran: list[float] = []

        def run() -> int:
            ran.append(time.monotonic())
            return 0

        with working(Task("tests.woken", run, 60, frozenset({"tests:work"}))):
            until(lambda: len(ran) >= 2)  # at start, and when the listener is there
            time.sleep(0.2)
            before, told = len(ran), time.monotonic()
            with transaction.atomic():
                live.announce(["tests:work"])
            until(lambda: len(ran) > before)
            assert ran[-1] - told < 1

    def test_runs_a_task_by_its_sweep_when_nobody_tells(self) -> None:
        ran: list[int] = []
        with working(Task("tests.swept", lambda: ran.append(1) or 0, 0.05, frozenset())):
            until(lambda: len(ran) > 5)

    def test_keeps_its_connection_until_the_database_drops_it(self) -> None:
        servers: list[int] = []

        def run() -> int:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                servers.append(cursor.fetchone()[0])
            return 0

        with working(Task("tests.connected", run, 0.05, frozenset())):
            until(lambda: len(servers) > 3)
            (first,) = set(servers)
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE")
                cursor.execute("SELECT pg_terminate_backend(%s)", [first])
                cursor.execute("SET ROLE mfgos_app")
            until(lambda: servers[-1] != first)
            second = len(servers)
            until(lambda: len(servers) > second + 3)
            assert len(set(servers)) == 2

    def test_goes_on_after_a_task_has_failed(self) -> None:
        ran: list[int] = []

        def run() -> int:
            ran.append(1)
            if len(ran) == 1:
                raise RuntimeError("once")
            return 0

        with working(Task("tests.failing", run, 60, frozenset())):
            until(lambda: len(ran) >= 2)


@pytest.mark.django_db
def test_receipts_are_kept_for_ninety_days() -> None:
    new, old = uuid4(), uuid4()
    CommandReceipt.objects.create(command_id=new, name="tests", digest="x")
    CommandReceipt.objects.create(command_id=old, name="tests", digest="x", recorded_at=Now() - timedelta(days=91))
    assert prune_receipts.run() == 1
    assert list(CommandReceipt.objects.values_list("command_id", flat=True)) == [new]
