"""What the floor has booked, on its way to an ERP that answers in 5 ms: throughput, lag, and order.

per_second: the worker of `make up` finds a backlog of bookings on many orders; from its awakening until the last one is
in the ERP.  The baseline takes the same postings with as many threads: claim, 5 ms, mark as posted, and nothing else
(no answer kept on the movement, no history, no ledger, no word to screens).  Runs alternate.
lag_p95_s: from recorded to posted, while 20 postings a second come in.
out_of_order: effects in the ERP, over all runs, that came after a later one of the same order.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import psutil

from tests.bench.figures import compared, load, percentile, told
from tests.bench.running import folder, own_wire, product
from tests.bench.stub_erp import ANSWER_SECONDS, APP, PASSWORD_ENV, SYSTEM, effects
from tests.supervisor.product import Product, until

RUNS, ORDERS, BACKLOG = 5, 100, 1000
RATE, SECONDS = 20, 15
# Of each booking: the time of the operation, and the pieces.
POSTINGS_OF_A_BOOKING = 2
BARS = {"per_second": ">= 100", "lag_p95_s": "<= 2", "out_of_order": "<= 0"}

CLAIM = """
UPDATE erp_sync_posting SET state = 'leased', lease_token = %s, lease_until = clock_timestamp() + interval '30 s'
 WHERE id = (SELECT p.id FROM erp_sync_posting p
              WHERE p.state = 'queued'
                AND NOT EXISTS (SELECT FROM erp_sync_posting e
                                 WHERE e.thread = p.thread AND e.sequence < p.sequence
                                   AND e.state IN ('queued', 'leased', 'parked'))
              ORDER BY p.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
POSTED = """
UPDATE erp_sync_posting SET state = 'posted', posted_at = clock_timestamp(), lease_token = NULL, lease_until = NULL
 WHERE id = %s
"""
QUEUE_AGAIN = "UPDATE erp_sync_posting SET state = 'queued', posted_at = NULL, next_at = now() WHERE id > %s"
WAITING = "SELECT count(*) FROM erp_sync_posting WHERE state IN ('queued', 'leased', 'parked')"


def main() -> None:
    with folder() as scratch, product(MFGOS_TEST_APPS=APP, **{PASSWORD_ENV: "x"}) as running:
        floor = Floor(prepare(running, scratch / "erp"))
        worker = psutil.Process(running.pid_of("worker"))
        until(lambda: not waiting(), 60)
        own: list[float] = []
        bare: list[float] = []
        for _ in range(RUNS):
            own.append(delivered(floor, worker))
            bare.append(by_hand(worker))
            print(f"mfgos {own[-1]:7.1f}/s, bare SQL {bare[-1]:7.1f}/s, {load()}", flush=True)
        lags = lag(floor)
        wrong = out_of_order(scratch / "erp")
    print(f"lag p50 {percentile(lags, 50):.3f} s, p95 {percentile(lags, 95):.3f} s, max {max(lags):.3f} s")
    compared("postings per second", "", own, bare, "bare SQL")
    figures = {"per_second": median(own), "lag_p95_s": percentile(lags, 95), "out_of_order": float(wrong)}
    told("outbox", figures, BARS)


@dataclass
class Floor:
    """Dana books a piece on one order after the other."""

    jobs: list[int]
    person_id: int = 0
    _turn: Any = field(init=False)

    def __post_init__(self) -> None:
        from apps.plant.models import Person

        self.person_id = Person.objects.get(username="dana").pk
        self._turn = itertools.cycle(self.jobs)

    def book(self) -> None:
        from apps.core.actors import Actor
        from apps.orders.commands import confirm_quantity

        confirm_quantity(Actor(person_id=self.person_id), uuid4(), job_order_id=next(self._turn), good=Decimal(1))


def prepare(running: Product, file: Path) -> list[int]:
    """The stub as the site's ERP, and orders of it that run: their operations."""
    from apps.core.actors import Actor, Origin
    from apps.erp_sync.commands import connect_erp
    from apps.materials.commands import ItemRow, UnitRow, upsert_items, upsert_units
    from apps.materials.models import Item
    from apps.orders.commands import Operation, release_work_order, take_edge
    from apps.plant.models import Person, WorkCenter

    line, erp = WorkCenter.objects.get(code="L3"), Actor.system(f"erp:{SYSTEM}", Origin.ERP)
    connect_erp(
        Actor.system("bench"),
        uuid4(),
        site_id=line.site_id,
        system=SYSTEM,
        host="127.0.0.1",
        port=running.port,
        database=str(file),
        user="bench",
        password_env=PASSWORD_ENV,
        policy={},
    )
    unit = UnitRow(erp_key="unit,1", code="bench", name="piece", category="bench", factor=Decimal(1), digits=0)
    upsert_units(erp, uuid4(), rows=[unit])
    item = ItemRow(erp_key="product,1", code="BENCH", name="Pump", unit="unit,1", kind="made")
    upsert_items(erp, uuid4(), rows=[item])
    item_id, dana = Item.objects.get(code="BENCH").pk, Actor(person_id=Person.objects.get(username="dana").pk)
    jobs = []
    for number in range(1, ORDERS + 1):
        released = release_work_order(
            erp,
            uuid4(),
            site_id=line.site_id,
            number=f"WO-BENCH-{number}",
            item_code="BENCH",
            item_name="Pump",
            item_id=item_id,
            quantity=Decimal(1_000_000),
            unit="bench",
            due_at=None,
            operations=[
                Operation(sequence=10, name="Pack", work_center_id=line.pk, erp_key=f"production.work,{number}")
            ],
            erp_key=f"production,{number}",
        )
        jobs += released.job_order_ids
    for job in jobs:
        take_edge(dana, uuid4(), job_order_id=job, edge="start", inputs={})
    return jobs


def waiting() -> int:
    with own_wire() as wire:
        return int((wire.execute(WAITING).fetchone() or (0,))[0])


# ---- throughput


def delivered(floor: Floor, worker: psutil.Process) -> float:
    """Postings per second that the worker delivers of a backlog."""
    first = _last()
    worker.suspend()
    try:
        for _ in range(BACKLOG // POSTINGS_OF_A_BOOKING):
            floor.book()
        assert waiting() == BACKLOG
        begun = time.time()
    finally:
        worker.resume()
    until(lambda: not waiting() or time.sleep(0.2), 120)
    with own_wire() as wire:
        posted, ended = wire.execute(
            "SELECT count(*), extract(epoch FROM max(posted_at)) FROM erp_sync_posting WHERE id > %s", [first]
        ).fetchone() or (0, 0)
    assert posted == BACKLOG
    return float(BACKLOG / (float(ended) - begun))


def by_hand(worker: psutil.Process) -> float:
    """The same postings once more, by bare SQL."""
    from apps.erp_sync.tasks import LANES

    worker.suspend()
    try:
        with own_wire() as wire:
            wire.execute(QUEUE_AGAIN, [_last() - BACKLOG])
            wire.commit()
        lanes = [threading.Thread(target=_lane) for _ in range(LANES)]
        begun = time.perf_counter()
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        taken = time.perf_counter() - begun
    finally:
        worker.resume()
    assert not waiting()
    return BACKLOG / taken


def _lane() -> None:
    with own_wire() as wire:
        while True:
            row = wire.execute(CLAIM, [uuid4()]).fetchone()
            wire.commit()
            if row is None:
                return
            time.sleep(ANSWER_SECONDS)
            wire.execute(POSTED, [row[0]])
            wire.commit()


def _last() -> int:
    with own_wire() as wire:
        return int((wire.execute("SELECT coalesce(max(id), 0) FROM erp_sync_posting").fetchone() or (0,))[0])


# ---- lag and order


def lag(floor: Floor) -> list[float]:
    """Seconds of each posting, while bookings come in at RATE."""
    first, bookings = _last(), RATE * SECONDS // POSTINGS_OF_A_BOOKING
    start = time.monotonic()
    for number in range(bookings):
        time.sleep(max(0.0, start + number * POSTINGS_OF_A_BOOKING / RATE - time.monotonic()))
        floor.book()
    print(f"{bookings} bookings in {time.monotonic() - start:.1f} s, {load()}")
    until(lambda: not waiting() or time.sleep(0.2), 60)
    with own_wire() as wire:
        rows = wire.execute(
            "SELECT extract(epoch FROM posted_at - recorded_at) FROM erp_sync_posting WHERE id > %s", [first]
        ).fetchall()
    assert len(rows) == bookings * POSTINGS_OF_A_BOOKING
    return [float(seconds) for (seconds,) in rows]


def out_of_order(file: Path) -> int:
    """Each posting had its effect once; how many of them after a later one of their thread."""
    with own_wire() as wire:
        rows = wire.execute("SELECT key, thread, sequence FROM erp_sync_posting").fetchall()
    places: dict[UUID, tuple[str, int]] = {key: (thread, sequence) for key, thread, sequence in rows}
    told_of = [UUID(key) for key in effects(file)]
    assert len(told_of) == len(set(told_of)) == len(places), "not each posting had one effect"
    reached: defaultdict[str, int] = defaultdict(int)
    wrong = 0
    for key in told_of:
        thread, sequence = places[key]
        wrong += sequence < reached[thread]
        reached[thread] = max(reached[thread], sequence)
    return wrong
