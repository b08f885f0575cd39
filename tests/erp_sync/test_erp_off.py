"""The ERP is switched off for a whole shift. Nobody on the floor notices, and afterwards everything is there, once."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

import pytest
from django.db import connection, transaction

from apps.core import clock
from apps.erp_sync import delivery, payloads
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import Posting, PostingState
from apps.erp_sync.queries import lag
from apps.materials.models import Lot
from apps.materials.queries import stock
from apps.orders.commands import reverse_confirmation, take_edge
from apps.orders.models import Confirmation, DispatchStatus, JobOrder
from apps.plant.models import Purpose, ReasonCode
from tests.erp_sync.outbox_world import SYSTEM, Outbox, deliver_all, erp_item, erp_location, lanes, need
from tests.materials.stock_world import as_erp, put_stock
from tests.orders.shop import reason, scrap_reason
from tests.world import run

pytestmark = pytest.mark.django_db(transaction=True)
SIX = datetime(2030, 1, 7, 6, tzinfo=UTC)
HOURS, PER_HOUR = 8, 6
QUANTITY = PER_HOUR


@contextmanager
def worker() -> Iterator[None]:
    """Tries to deliver all the time, beside the people."""
    ended = threading.Event()

    def deliver() -> None:
        try:
            while not ended.is_set():
                if not delivery.deliver_next():
                    ended.wait(0.02)
        finally:
            connection.close()

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Shift:
    """One order an hour: started, booked piece by piece with a scrapped and an undone one, completed short."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.took: list[float] = []
        self.bar = erp_item("BAR", outbox.item.unit, lot_tracked=True)
        self.rack = erp_location(outbox.world.site)
        with transaction.atomic(), as_erp():
            self.lot = Lot.objects.create(item=self.bar, number="H-1", erp_key="stock.lot,1")
            put_stock(self.bar, self.rack, 1000, lot=self.lot, as_of=datetime.now(UTC))
        part = [self.bar.erp_key, self.lot.erp_key, self.rack.erp_key, str(2 * QUANTITY), "u"]
        outbox.erp.configure(consumes={str(number): [part] for number in range(1, 2 * HOURS + 1)})

    def timed(self, act: Callable[[], object]) -> None:
        began = time.perf_counter()
        act()
        self.took.append(time.perf_counter() - began)

    def hour(self, begin: datetime) -> None:
        job = self.outbox.order(QUANTITY, needs=(need(self.bar, 2),))
        clock.move_to(begin, rate=0)
        self.timed(lambda: self.outbox.start(job))
        for piece in range(PER_HOUR - 1):
            clock.move_to(begin + timedelta(minutes=9 * (piece + 1)), rate=0)
            if piece == 2:
                self.timed(lambda: self.outbox.book(job, 0, 1, scrap_reason_id=scrap_reason().pk))
            else:
                self.timed(lambda: self.outbox.book(job))
        self.undo(job)
        clock.move_to(begin + timedelta(minutes=55), rate=0)
        short = {"reason": reason(Purpose.SHORT_COMPLETION)}
        self.timed(
            lambda: run(take_edge, self.outbox.world.lena, job_order_id=job.pk, edge="complete_short", inputs=short)
        )

    def undo(self, job: JobOrder) -> None:
        last = Confirmation.objects.filter(job_order=job).latest("pk")
        why = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
        self.timed(lambda: run(reverse_confirmation, SYSTEM, confirmation_id=last.pk, reason_id=why.pk))


def test_a_shift_without_the_erp(outbox: Outbox) -> None:
    shift = Shift(outbox)
    with worker():
        for hour in range(HOURS):
            shift.hour(SIX + timedelta(hours=hour))
        on = median(shift.took)
        deliver_all()
        shift.took.clear()
        outbox.erp.configure(off=True)
        for hour in range(HOURS):
            shift.hour(SIX + timedelta(hours=HOURS + hour))
        off = median(shift.took)
    print(f"median of a command: {on * 1000:.1f} ms with the ERP, {off * 1000:.1f} ms without it")
    assert off < 2 * on
    assert lag().waiting >= HOURS * (PER_HOUR + 1)
    assert Posting.objects.filter(state=PostingState.PARKED).count() == 0
    outbox.erp.configure(off=False)
    lanes(3)
    outbox.is_right()
    is_complete(shift)


def is_complete(shift: Shift) -> None:
    """By the stub's own list: what each order says of itself, and the stock of both."""
    told: defaultdict[str, defaultdict[erp.MoveKind, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    undone: defaultdict[str, int] = defaultdict(int)
    for posting in Posting.objects.filter(state=PostingState.POSTED, kind="move").select_related("work_order"):
        move = payloads.load(posting)
        assert isinstance(move, erp.MovePosting)
        told[posting.work_order.number][move.kind] += move.quantity.value
        undone[posting.work_order.number] += move.kind is erp.MoveKind.REVERSAL
    jobs = JobOrder.objects.select_related("work_order").order_by("pk")
    assert len(jobs) == 2 * HOURS
    for job in jobs:
        moves = told[job.work_order.number]
        assert job.status == DispatchStatus.COMPLETED
        assert moves[erp.MoveKind.RECEIPT] - moves[erp.MoveKind.REVERSAL] == job.good_quantity == 3
        assert moves[erp.MoveKind.SCRAP] == job.scrap_quantity == 1
        assert moves[erp.MoveKind.RETURN] == 2 * QUANTITY - 2 * (job.good_quantity + job.scrap_quantity)
        kinds = list(
            Posting.objects.filter(thread=job.work_order.thread).order_by("sequence").values_list("kind", flat=True)
        )
        assert (kinds[0], kinds[-1], kinds.count("start"), kinds.count("finish")) == ("start", "finish", 1, 1)
    used = sum(2 * (job.good_quantity + job.scrap_quantity) for job in jobs)
    (line,) = stock(shift.outbox.world.site.pk, shift.bar.pk)
    assert line.quantity == 1000 - used
