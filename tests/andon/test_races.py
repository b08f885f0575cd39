"""On connections of their own: who acts at the same moment neither waits for others nor does a thing twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from apps.andon.commands import ring_again
from apps.andon.firing import WORKER, fire_due
from apps.andon.models import FloorException, Timer
from apps.core import clock
from apps.core.errors import CommandRefused
from tests.andon.floor import TERMINAL, Floor, later, make_floor, raise_it, told
from tests.concurrency import at_once
from tests.world import ledger, run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def in_a_thread(act):
    def run_it():
        try:
            return act()
        finally:
            connection.close()

    return run_it


def test_fifty_reports_of_one_cause_are_one_exception_and_no_error(floor: Floor) -> None:
    at_once = threading.Barrier(10)
    site, line = floor.world.site.pk, floor.world.line.pk
    people = [floor.world.olga, floor.world.lena, floor.sven, floor.marta, floor.paul]

    def report(number: int) -> int:
        if number < 10:
            at_once.wait(10)
        who = people[number % len(people)]
        return run(raise_it, who, type_code="downtime", key="T34", site_id=site, line_id=line)

    with ThreadPoolExecutor(10) as pool:
        ids = list(pool.map(lambda n: in_a_thread(lambda: report(n))(), range(50)))
    assert len(set(ids)) == 1
    assert FloorException.objects.count() == 1
    assert len(ledger("andon.exception_raised")) == 1
    assert len(ledger("andon.exception_joined")) == 49


def held(rows) -> tuple[threading.Event, threading.Thread]:
    """Another transaction has them locked until the event is set."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(rows.select_for_update())
            locked.set()
            done.wait(20)

    thread = threading.Thread(target=in_a_thread(hold))
    thread.start()
    assert locked.wait(10)
    return done, thread


@pytest.mark.parametrize("what", ["timer", "exception"])
def test_a_worker_leaves_what_somebody_has_in_hand_and_fires_the_rest(floor: Floor, what: str) -> None:
    one, other = floor.stop("one", type_code="help"), floor.stop("other", type_code="help")
    clock.move_to(clock.now() + timedelta(minutes=4), rate=0)
    rows = Timer.objects.filter(exception=one) if what == "timer" else FloorException.objects.filter(pk=one.pk)
    done, thread = held(rows)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        while fire_due(WORKER, uuid4(), at_most=20):
            pass
        assert ("sven", "step") in told(other)
        assert ("sven", "step") not in told(one)
    finally:
        done.set()
        thread.join()
    later(seconds=0)
    assert told(one).count(("sven", "step")) == 1


def test_two_workers_at_once_take_each_step_once(floor: Floor) -> None:
    for n in range(40):
        floor.stop(f"k{n}", type_code="help")
    clock.move_to(clock.now() + timedelta(minutes=4), rate=0)
    at_once = threading.Barrier(4)

    def work() -> None:
        at_once.wait(10)
        while fire_due(WORKER, uuid4(), at_most=5):
            pass

    with ThreadPoolExecutor(4) as pool:
        for result in [pool.submit(in_a_thread(work)) for _ in range(4)]:
            result.result(60)
    subjects = [event.subject_id for event in ledger("andon.escalated")]
    assert len(subjects) == len(set(subjects)) == 40


def test_two_who_ring_again_at_once_call_everybody_once(floor: Floor) -> None:
    call = floor.help()
    clock.move_to(clock.now() + timedelta(minutes=2), rate=0)
    unit = floor.world.station.pk
    raised = at_once(*[lambda: run(ring_again, TERMINAL, work_unit_id=unit)] * 2)
    assert raised.count(None) == 1, raised
    (refusal,) = [error for error in raised if error is not None]
    assert isinstance(refusal, CommandRefused)
    assert refusal.code == "too_soon"
    assert told(call).count(("sven", "ring")) == 1
