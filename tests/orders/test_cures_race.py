"""Two people press one cure at the same moment, each on a connection of their own: one does it, the other reads why."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from apps.andon.commands import apply_cure
from apps.andon.models import AppliedCure, FloorException
from apps.core.errors import CommandRefused
from apps.materials.models import Movement
from apps.orders.models import Blocker, JobOrder
from apps.plant.models import Person
from tests.concurrency import at_once
from tests.materials.stock_world import make_location, put_stock, there
from tests.orders.test_cures import Short
from tests.orders.test_material_use import make_store
from tests.world import give_role, ledger, make_person, run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def short() -> Short:
    return Short(make_store(seals=40))


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        # Within a transaction the activity would be what it was at the first look.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE NOT l.granted AND a.datname = current_database()"
        )
        return int(cursor.fetchone()[0])


@contextmanager
def both_at_the_same_point(short: Short) -> Iterator[None]:
    """Holds the operation and its exception until two wait for them, so that neither is ahead."""
    is_held, seen = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(JobOrder.objects.select_for_update().filter(pk=short.store.job_id))
            list(FloorException.objects.select_for_update().filter(cause_kind="shortage"))
            is_held.set()
            end = time.monotonic() + 10
            while waiting_for_locks() < 2 and time.monotonic() < end:
                time.sleep(0.01)
            if waiting_for_locks() == 2:
                seen.set()
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(10)
    yield
    holder.join()
    assert seen.is_set(), "they did not meet"


def press_at_once(short: Short, cure: str) -> list[Exception | None]:
    """What the two were refused, None for who did it."""
    simon = make_person("simon", site=short.store.shop.world.site)
    give_role(simon, "shift_supervisor", short.store.shop.world.site)
    (way,) = short.ways(cure)
    given: dict[str, Any] = {
        "exception_id": short.exception.pk,
        "part_id": short.blocker.pk,
        "cure": cure,
        "inputs": dict(way.offer.inputs),
    }

    def press(who: Person) -> object:
        return run(apply_cure, who, **given)

    with both_at_the_same_point(short):
        return at_once(lambda: press(short.sven), lambda: press(simon))


def the_refusal(raised: list[Exception | None]) -> CommandRefused:
    assert raised.count(None) == 1, raised
    (refusal,) = [error for error in raised if error is not None]
    assert isinstance(refusal, CommandRefused), refusal
    return refusal


def test_material_is_taken_once_and_the_other_reads_that_it_is_over(short: Short) -> None:
    line = make_location(short.store.shop.world.site, "LINE-2", kind="production")
    put_stock(short.store.seal, line, 30)
    refusal = the_refusal(press_at_once(short, "borrow"))
    assert (refusal.code, refusal.sentence) == ("closed", "This exception is closed already.")
    assert there(short.store.seal, line) == 22
    assert Movement.objects.count() == AppliedCure.objects.count() == len(ledger("andon.cure_applied")) == 1
    assert not Blocker.objects.open().exists()


def test_a_run_in_part_is_decided_once_and_the_other_reads_that_it_is(short: Short) -> None:
    refusal = the_refusal(press_at_once(short, "run_in_part"))
    assert (refusal.code, refusal.sentence) == ("not_possible", "It is decided already.")
    assert AppliedCure.objects.count() == len(ledger("andon.cure_applied")) == 1
    assert short.blocker.runs_to == 20
