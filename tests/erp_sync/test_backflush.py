"""An ERP that consumes the planned components when an order starts, and a floor that uses them up bit by bit."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from apps.erp_sync import backflush, delivery, payloads
from apps.erp_sync.commands import skip_posting
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import ErpLink, Posting
from apps.erp_sync.tasks import finish_overlooked_orders
from apps.materials.commands import issue
from apps.materials.commands.movements import Purposed
from apps.materials.models import Item, Location, Lot, MovementPosting, StockSnapshot
from apps.materials.queries import stock
from apps.orders.commands import reverse_confirmation, take_edge
from apps.orders.models import Confirmation, JobOrder, WorkOrder
from apps.plant.models import Purpose, ReasonCode, Role
from tests.erp_sync.outbox_world import OPEN, SYSTEM, Outbox, deliver_all, erp_item, erp_location, need
from tests.materials.stock_world import as_erp, put_stock
from tests.orders.shop import reason
from tests.world import give_role, make_person, run

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Shop:
    """An order over 4 pieces of 2 bars each; 5 bars of an old lot lie in the rack, and 10 of a new one."""

    outbox: Outbox
    job: JobOrder
    bar: Item
    rack: Location
    old: Lot
    new: Lot

    def erp_consumes(self, *parts: tuple[Lot, int]) -> None:
        rows = [[self.bar.erp_key, lot.erp_key, self.rack.erp_key, str(amount), "u"] for lot, amount in parts]
        self.outbox.erp.configure(consumes={"1": rows})

    def snapshot(self, old: int, new: int) -> None:
        """The ERP says now what lies there by its record."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (now,) = cursor.fetchone()
        with transaction.atomic(), as_erp():
            for lot, amount in ((self.old, old), (self.new, new)):
                StockSnapshot.objects.filter(lot=lot).update(quantity=amount, stock_quantity=amount, as_of=now)

    def lying(self) -> dict[str, Decimal]:
        lines = stock(self.outbox.world.site.pk, self.bar.pk)
        lots = Lot.objects.in_bulk([line.lot_id for line in lines])
        return {lots[line.lot_id].number: line.quantity for line in lines if line.quantity}

    def complete_short(self) -> None:
        inputs = {"reason": reason(Purpose.SHORT_COMPLETION)}
        run(take_edge, self.outbox.world.lena, job_order_id=self.job.pk, edge="complete_short", inputs=inputs)


@pytest.fixture
def shop(outbox: Outbox) -> Shop:
    rack = erp_location(outbox.world.site)
    bar = erp_item("BAR", outbox.item.unit, lot_tracked=True)
    with transaction.atomic(), as_erp():
        old = Lot.objects.create(item=bar, number="OLD", erp_key="stock.lot,1", expires_on="2098-01-01")
        new = Lot.objects.create(item=bar, number="NEW", erp_key="stock.lot,2", expires_on="2099-01-01")
        put_stock(bar, rack, 5, lot=old)
        put_stock(bar, rack, 10, lot=new)
    made = Shop(outbox, outbox.order(4, needs=(need(bar, 2),)), bar, rack, old, new)
    made.erp_consumes((old, 5), (new, 3))
    made.snapshot(old=5, new=10)
    return made


def told(*kinds: str) -> list[Any]:
    return [payloads.load(posting) for posting in Posting.objects.filter(kind__in=kinds).order_by("sequence")]


def moves() -> list[tuple[str, Decimal, str]]:
    return [(m.kind.value, m.quantity.value, m.lot.id if m.lot else "") for m in told("move")]


class TestTheStart:
    def test_names_the_lots_that_expire_first(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        (start,) = told("start")
        assert [(part.lot.id, part.quantity.value) for part in start.lots] == [("1", 5), ("2", 3)]

    def test_leaves_to_others_what_their_starts_will_take(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        second = shop.outbox.order(2, needs=(need(shop.bar, 2),))
        shop.outbox.start(second)
        assert [(part.lot.id, part.quantity.value) for part in told("start")[1].lots] == [("2", 4)]

    def test_leaves_the_choice_to_the_erp_where_there_is_too_little(self, shop: Shop) -> None:
        large = shop.outbox.order(9, needs=(need(shop.bar, 2),))
        shop.outbox.start(large)
        assert told("start")[0].lots == ()


class TestStock:
    def test_still_lies_there_while_the_floor_has_not_used_it(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        deliver_all()
        shop.snapshot(old=0, new=7)
        assert shop.lying() == {"OLD": 5, "NEW": 10}
        shop.outbox.book(shop.job, 3)
        assert shop.lying() == {"NEW": 9}
        shop.snapshot(old=0, new=7)
        assert shop.lying() == {"NEW": 9}

    def test_is_the_erps_again_once_the_order_is_finished(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        deliver_all()
        shop.outbox.book(shop.job, 3)
        shop.complete_short()
        assert moves()[-1] == ("return", 2, "2")
        deliver_all()
        assert shop.lying() == {"NEW": 9}  # by the record from before the start
        shop.snapshot(old=0, new=9)
        assert shop.lying() == {"NEW": 9}
        assert MovementPosting.objects.count() == 2  # the two issues of the booking

    def test_is_right_while_the_start_is_still_on_its_way(self, shop: Shop) -> None:
        shop.outbox.erp.configure(off=True)
        shop.outbox.start(shop.job)
        shop.outbox.book(shop.job, 1)
        assert shop.lying() == {"OLD": 3, "NEW": 10}
        shop.outbox.erp.configure(off=False)
        deliver_all()
        assert shop.lying() == {"OLD": 3, "NEW": 10}
        shop.snapshot(old=0, new=7)
        assert shop.lying() == {"OLD": 3, "NEW": 10}


class TestWhatIsPosted:
    def test_is_nothing_of_what_was_planned_and_used(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        shop.outbox.book(shop.job, 4)
        shop.outbox.complete(shop.job)
        deliver_all()
        assert moves() == [("receipt", 4, "")]
        assert Posting.objects.order_by("-sequence")[0].kind == "finish"

    def test_is_what_goes_beyond_at_once_and_what_was_not_used_at_the_end(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        deliver_all()
        issue_more(shop, 4)
        assert moves() == [("issue", 1, "2")]
        deliver_all()
        shop.outbox.book(shop.job, 2)  # OLD, which expires first
        shop.complete_short()
        assert moves() == [("issue", 1, "2"), ("receipt", 2, ""), ("return", 1, "1")]

    def test_counts_what_was_used_before_the_start_was_posted(self, shop: Shop) -> None:
        """The ERP took other lots than the floor did: the difference goes the other way, lot by lot."""
        shop.erp_consumes((shop.new, 8))
        shop.outbox.start(shop.job)
        shop.outbox.book(shop.job, 4)
        shop.outbox.complete(shop.job)
        assert told("finish") == []
        deliver_all()
        assert moves() == [("receipt", 4, ""), ("issue", 5, "1"), ("return", 5, "2")]
        assert [posting.kind for posting in Posting.objects.order_by("sequence")][-1] == "finish"

    def test_is_told_again_for_lots_that_the_erp_chose_and_nobody_had_read_yet(self, shop: Shop) -> None:
        shop.outbox.erp.configure(consumes={"1": [["product.product,2", "stock.lot,77", shop.rack.erp_key, "8", "u"]]})
        shop.outbox.start(shop.job)
        deliver_all(until=lambda: bool(Posting.objects.get(kind="start").attempts))
        waiting = Posting.objects.get(kind="start")
        assert (waiting.state, waiting.last_error) == ("queued", "stock.lot,77 is to be read from the ERP first")
        with transaction.atomic(), as_erp():
            Lot.objects.create(item=shop.bar, number="LATE", erp_key="stock.lot,77")
        deliver_all()
        assert len(shop.outbox.erp.effects()) == 1

    def test_of_an_undone_booking_goes_back_at_the_end(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        deliver_all()
        shop.outbox.book(shop.job, 2)
        why = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
        run(reverse_confirmation, SYSTEM, confirmation_id=Confirmation.objects.get().pk, reason_id=why.pk)
        shop.outbox.book(shop.job, 1)
        shop.complete_short()
        assert moves()[-2:] == [("return", 3, "1"), ("return", 3, "2")]

    def test_is_each_issue_where_the_erp_consumes_nothing(self, shop: Shop) -> None:
        ErpLink.objects.update(policy={"backflushed": False})
        shop.outbox.start(shop.job)
        assert told("start")[0].lots == ()
        shop.outbox.book(shop.job, 1)
        shop.outbox.book(shop.job, 2)
        kinds = [(kind, quantity) for kind, quantity, _ in moves()]
        assert kinds == [("receipt", 1), ("issue", 2), ("receipt", 2), ("issue", 3), ("issue", 1)]


def test_an_issue_and_the_confirmation_of_the_start_do_not_miss_each_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One looks whether the start is known just before the other makes it so; neither sees what the other writes."""
    shop.outbox.start(shop.job)
    asked, confirmed = threading.Event(), threading.Event()
    is_known = backflush.is_known

    def asks_and_dawdles(order: WorkOrder) -> bool:
        known = is_known(order)
        if threading.current_thread() is issuing and not asked.is_set():
            asked.set()
            confirmed.wait(1)
        return known

    def issue_beyond() -> None:
        try:
            issue_more(shop, 9)
        finally:
            connection.close()

    issuing = threading.Thread(target=issue_beyond)
    monkeypatch.setattr(backflush, "is_known", asks_and_dawdles)
    issuing.start()
    assert asked.wait(10)
    deliver_all()
    confirmed.set()
    issuing.join()
    deliver_all()
    assert moves() == [("issue", 6, "2")]


class TestAnOrderThatIsNotMade:
    def test_is_finished_in_the_erp_with_what_was_made_and_everything_else_goes_back(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        deliver_all()
        world = shop.outbox.world
        run(take_edge, world.lena, job_order_id=shop.job.pk, edge="hold", inputs={"reason": reason(Purpose.HOLD)})
        why = {"reason": reason(Purpose.CANCELLATION)}
        planner = make_person()
        give_role(planner, Role.objects.get(code="planner"), world.site)
        run(take_edge, planner, job_order_id=shop.job.pk, edge="cancel", inputs=why)
        assert moves() == [("return", 5, "1"), ("return", 3, "2")]
        assert [cycle.final for cycle in told("cycle")] == [True]
        assert Posting.objects.order_by("-sequence")[0].kind == "finish"
        finish_overlooked_orders.run()
        assert len(told("finish")) == 1


class TestAFinishThatAPersonKeepsFromTheErp:
    """The floor has made one piece of four, of two bars, and nothing more of the order is to come."""

    @pytest.fixture
    def over(self, shop: Shop) -> Shop:
        shop.outbox.start(shop.job)
        deliver_all()
        shop.snapshot(old=0, new=7)
        shop.outbox.book(shop.job, 1)
        deliver_all()
        return shop

    def skip_all(self) -> None:
        while True:
            deliver_all(until=lambda: not Posting.objects.filter(state__in=OPEN).exclude(pk__in=behind()).exists())
            parked = Posting.objects.filter(state="parked").first()
            if parked is None:
                return
            run(skip_posting, SYSTEM, posting_id=parked.pk, reason="Decided by Petra.")

    def test_of_an_order_that_it_has_cancelled_leaves_what_the_floor_has_used(self, over: Shop) -> None:
        over.outbox.erp.configure(cancelled=["1"])
        over.complete_short()
        self.skip_all()
        assert [kind for kind, _, _ in moves()] == ["receipt", "return", "return"]
        assert set(Posting.objects.filter(kind="finish").values_list("state", flat=True)) == {"skipped"}
        over.snapshot(old=5, new=10)
        assert over.lying() == {"OLD": 3, "NEW": 10}
        finish_overlooked_orders.run()
        assert len(told("finish")) == 1

    def test_because_it_was_booked_there_by_hand_leaves_the_stock_to_its_record(self, over: Shop) -> None:
        over.outbox.erp.configure(rejects=["1"])
        over.complete_short()
        self.skip_all()
        over.snapshot(old=3, new=10)
        assert over.lying() == {"OLD": 3, "NEW": 10}


def behind() -> list[int]:
    """Postings that wait for a parked one of their story."""
    parked = Posting.objects.filter(state="parked").values("thread")
    return list(Posting.objects.filter(thread__in=parked, state="queued").values_list("pk", flat=True))


class TestAnOrderThatIsCorrectedAfterItsFinish:
    def test_is_levelled_by_what_has_changed_only_and_not_finished_again(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        shop.outbox.book(shop.job, 3)
        shop.outbox.book(shop.job, 1)
        shop.outbox.complete(shop.job)
        deliver_all()
        last = Confirmation.objects.latest("pk")
        why = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
        run(reverse_confirmation, SYSTEM, confirmation_id=last.pk, reason_id=why.pk)
        run(take_edge, shop.outbox.world.olga, job_order_id=shop.job.pk, edge="resume", inputs={})
        shop.outbox.book(shop.job, 1)
        shop.outbox.complete(shop.job)
        deliver_all()
        assert [kind for kind, _, _ in moves()] == ["receipt", "receipt", "reversal", "receipt"]
        assert len(told("finish")) == 1


class TestAPostingThatAPersonKeptFromTheErp:
    def test_is_not_told_again(self, shop: Shop) -> None:
        shop.outbox.start(shop.job)
        deliver_all()
        shop.outbox.erp.configure(rejects=["1"])
        issue_more(shop, 9)
        deliver_all(until=lambda: Posting.objects.filter(state="parked").exists())
        parked = Posting.objects.get(state="parked")
        assert told("move")[-1].quantity.value == 6
        run(skip_posting, SYSTEM, posting_id=parked.pk, reason="Booked by hand, says Petra.")
        shop.outbox.erp.configure(rejects=[])
        issue_more(shop, 1)
        assert [(kind, quantity) for kind, quantity, _ in moves()] == [("issue", 6), ("issue", 1)]


class TestAConfirmationThatCanNotBeKept:
    def test_is_seen_and_tried_again_later(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*_: object) -> None:
            raise KeyError("kg")

        shop.outbox.start(shop.job)
        with monkeypatch.context() as patched:
            patched.setattr(backflush, "note_start", fails)
            delivery.deliver_next()
        waiting = Posting.objects.get(kind="start")
        assert (waiting.state, waiting.last_error) == ("queued", "KeyError: 'kg'")
        deliver_all()
        assert len(shop.outbox.erp.effects()) == 1


def test_the_finish_waits_for_the_start_and_comes_once(shop: Shop) -> None:
    shop.outbox.erp.configure(off=True)
    shop.outbox.start(shop.job)
    shop.outbox.book(shop.job, 4)
    shop.outbox.complete(shop.job)
    finish_overlooked_orders.run()
    assert told("finish") == []
    shop.outbox.erp.configure(off=False)
    deliver_all()
    finish_overlooked_orders.run()
    (finish,) = told("finish")
    assert finish.intent is erp.OrderIntent.FINISH


def issue_more(shop: Shop, quantity: int) -> None:
    run(
        issue,
        SYSTEM,
        item_id=shop.bar.pk,
        quantity=Decimal(quantity),
        from_location_id=shop.rack.pk,
        lot_id=shop.new.pk,
        purpose=Purposed(thread=shop.job.work_order.thread),
    )
