"""Of every order that is finished the sums are laid beside the ERP's; where they differ somebody is told both."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import F

from apps.andon.commands import apply_cure
from apps.andon.models import FloorException
from apps.core.errors import CommandRefused
from apps.core.models import CommandReceipt
from apps.erp_sync import comparing, payloads
from apps.erp_sync.commands import accept_difference, note_comparison, skip_posting
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import Comparison, Figure, Posting
from apps.erp_sync.reconciling import compare_next
from apps.materials.models import Item, Lot
from apps.orders.commands import reverse_confirmation, take_edge
from apps.orders.models import Confirmation, JobOrder, WorkOrder
from apps.plant.models import Person, Purpose, ReasonCode
from tests.erp_sync.outbox_world import SYSTEM, Outbox, deliver_all, erp_item, erp_location, need
from tests.materials.stock_world import as_erp, make_unit, put_stock
from tests.orders.shop import reason, scrap_reason
from tests.world import ledger, make_holder, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


@pytest.fixture
def shop(outbox: Outbox) -> Outbox:
    """Rotors are turned of two metres of bar each, of which the ERP takes ten when an order of four starts."""
    bar = erp_item("BAR", outbox.item.unit, lot_tracked=True)
    rack = erp_location(outbox.world.site)
    with transaction.atomic(), as_erp():
        lot = Lot.objects.create(item=bar, number="H-1", erp_key="stock.lot,1")
        put_stock(bar, rack, 1000, lot=lot, as_of=datetime.now(UTC))
    taken = {str(number): [[bar.erp_key, lot.erp_key, rack.erp_key, "10", "u"]] for number in range(1, 9)}
    names = {outbox.item.erp_key: outbox.item.code, bar.erp_key: bar.code, lot.erp_key: lot.number}
    outbox.erp.configure(consumes=taken, names=names)
    return outbox


@pytest.fixture
def clerk(shop: Outbox) -> Person:
    return make_holder("erp.post", place=shop.world.site)


def made(shop: Outbox) -> JobOrder:
    """Three good ones and a scrapped one, one of them booked twice and taken back."""
    job = shop.order(4, needs=(need(Item.objects.get(code="BAR"), 2),))
    shop.start(job)
    shop.book(job, 3)
    why = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
    run(reverse_confirmation, SYSTEM, confirmation_id=Confirmation.objects.latest("pk").pk, reason_id=why.pk)
    shop.book(job, 3)
    shop.book(job, 0, 1, scrap_reason_id=scrap_reason().pk)
    shop.book(job, 1)
    shop.complete(job)
    return job


def compare_all() -> None:
    while compare_next():
        pass


def later() -> None:
    Comparison.objects.update(next_at=F("next_at") - timedelta(days=1))


def broken(shop: Outbox, **altered: str) -> FloorException:
    made(shop)
    deliver_all()
    shop.erp.configure(altered={"1": altered})
    compare_all()
    return FloorException.objects.open().get(cause_kind="reconciliation")


class TestAFinishedOrder:
    def test_that_agrees_calls_nobody_and_costs_no_command(self, shop: Outbox) -> None:
        made(shop)
        deliver_all()
        before = CommandReceipt.objects.count()
        compare_all()
        comparison = Comparison.objects.get()
        assert comparison.compared_at is not None
        assert comparison.differences == []
        assert CommandReceipt.objects.count() == before
        assert not compare_next(), "it is due tomorrow"
        assert not FloorException.objects.exists()

    def test_is_compared_only_once_all_of_it_has_reached_the_erp(self, shop: Outbox) -> None:
        made(shop)
        compare_all()
        assert not Comparison.objects.exists()
        deliver_all()
        Posting.objects.filter(kind="move").update(state="queued", posted_at=None)
        assert not compare_next()

    @pytest.mark.parametrize(
        ("altered", "said"),
        [
            ({"made": "-1"}, "made ROTOR-10: 4 u here, 3 u in the ERP"),
            ({"scrapped": "1"}, "scrapped ROTOR-10: 1 u here, 2 u in the ERP"),
            ({"consumed": "-0.5"}, "consumed BAR (lot H-1): 10 u here, 9.5 u in the ERP"),
        ],
    )
    def test_that_differs_is_an_exception_with_both_figures(
        self, shop: Outbox, altered: dict[str, str], said: str
    ) -> None:
        called = broken(shop, **altered)
        assert (called.type.code, called.headline) == ("reconciliation", "WO-1 differs from the ERP")
        assert said in called.sentence
        assert called.erp_reference == "WO-1"
        later()
        compare_all()
        assert FloorException.objects.get() == called

    def test_of_which_the_erp_took_another_lot_differs(self, shop: Outbox) -> None:
        made(shop)
        deliver_all()
        names = {shop.item.erp_key: "ROTOR-10", Item.objects.get(code="BAR").erp_key: "BAR", "stock.lot,1": "H-2"}
        shop.erp.configure(names=names)
        compare_all()
        said = FloorException.objects.get().sentence
        assert "BAR (lot H-1): 10 u here, 0 u in the ERP" in said
        assert "BAR (lot H-2): 0 u here, 10 u in the ERP" in said

    def test_ends_when_a_later_comparison_agrees(self, shop: Outbox, clerk: Person) -> None:
        called = broken(shop, made="-1")
        shop.erp.configure(altered={})
        assert not compare_next()
        run(apply_cure, clerk, exception_id=called.pk, cure="compare_again", inputs={})
        compare_all()
        called.refresh_from_db()
        assert called.status == "closed"
        later()
        shop.erp.configure(altered={"1": {"made": "2"}})
        compare_all()
        assert FloorException.objects.open().get().pk != called.pk

    def test_is_compared_again_each_day_for_a_week(self, shop: Outbox) -> None:
        made(shop)
        deliver_all()
        compare_all()
        later()
        assert compare_next()
        assert Comparison.objects.get().next_at is not None
        Comparison.objects.update(finished_at=F("finished_at") - timedelta(days=7))
        later()
        compare_all()
        assert Comparison.objects.get().next_at is None

    def test_that_is_taken_up_again_is_compared_once_it_is_over_again(self, shop: Outbox) -> None:
        """Only then its material goes back as well."""
        job = made(shop)
        deliver_all()
        compare_all()
        last = Confirmation.objects.filter(job_order=job, good=1).latest("pk")
        why = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
        run(reverse_confirmation, SYSTEM, confirmation_id=last.pk, reason_id=why.pk)
        deliver_all()
        assert not compare_next()
        short = {"reason": reason(Purpose.SHORT_COMPLETION)}
        run(take_edge, shop.world.olga, job_order_id=job.pk, edge="resume", inputs={})
        run(take_edge, shop.world.lena, job_order_id=job.pk, edge="complete_short", inputs=short)
        deliver_all()
        assert compare_next()
        assert Comparison.objects.get().differences == []
        shop.is_right()

    @pytest.mark.parametrize(("by_hand", "is_broken"), [("0", False), ("1", False), ("2", True)])
    def test_is_no_break_where_a_person_kept_a_posting_from_the_erp(
        self, shop: Outbox, clerk: Person, by_hand: str, *, is_broken: bool
    ) -> None:
        """Whether they have booked it there by hand, or nobody has."""
        made(shop)
        receipt = Posting.objects.filter(kind="move", confirmation__good=1).latest("pk")
        shop.erp.configure(rejects=[str(receipt.key)], altered={"1": {"made": by_hand}})
        deliver_all(until=lambda: Posting.objects.filter(state="parked").exists())
        run(skip_posting, clerk, posting_id=receipt.pk, reason="By hand.")
        deliver_all()
        compare_all()
        assert Comparison.objects.get().is_broken == is_broken

    def test_waits_while_the_erp_does_not_answer(self, shop: Outbox) -> None:
        made(shop)
        deliver_all()
        shop.erp.configure(off=True)
        compare_all()
        assert Comparison.objects.get().compared_at is None
        shop.erp.configure(off=False)
        later()
        compare_all()
        assert Comparison.objects.get().compared_at is not None


class TestADifference:
    def test_is_accepted_with_a_reason_by_who_may(self, shop: Outbox, clerk: Person) -> None:
        called = broken(shop, made="-1")
        with pytest.raises(CommandRefused, match="Say why"):
            run(apply_cure, clerk, exception_id=called.pk, cure="accept_difference", inputs={})
        run(
            apply_cure,
            clerk,
            exception_id=called.pk,
            cure="accept_difference",
            inputs={},
            reason="Petra counted: 3 are right.",
        )
        called.refresh_from_db()
        assert called.status == "closed"
        assert Comparison.objects.get().accepted_reason.startswith("Petra")
        (told,) = ledger("erp_sync.difference_accepted")
        assert told.data["differences"][0]["theirs"] == "3"
        assert "Petra" not in str(told.data)
        later()
        compare_all()
        assert not FloorException.objects.open().exists(), "the same difference was accepted"
        shop.erp.configure(altered={"1": {"made": "-2"}})
        later()
        compare_all()
        assert FloorException.objects.open().exists(), "another one was not"

    def test_is_accepted_by_nobody_else_and_only_where_there_is_one(self, shop: Outbox, clerk: Person) -> None:
        broken(shop, made="-1")
        comparison = Comparison.objects.get()
        with pytest.raises(CommandRefused) as refused:
            run(accept_difference, shop.world.olga, comparison_id=comparison.pk, reason="x")
        assert refused.value.code == "not_allowed"
        run(accept_difference, clerk, comparison_id=comparison.pk, reason="Counted.")
        with pytest.raises(CommandRefused) as again:
            run(accept_difference, clerk, comparison_id=comparison.pk, reason="Counted.")
        assert again.value.code == "they_agree"

    def test_that_was_found_before_somebody_booked_does_not_count(self, shop: Outbox) -> None:
        broken(shop, made="-1")
        comparison = Comparison.objects.get()
        JobOrder.objects.update(good_quantity=Decimal(3))
        assert not run(note_comparison, SYSTEM, comparison_id=comparison.pk, differences=comparison.differences)


def test_what_the_erp_keeps_in_another_unit_agrees(shop: Outbox) -> None:
    with transaction.atomic(), as_erp():
        make_unit("dozen", category=shop.item.unit.category, factor="12")
    made(shop)
    deliver_all()
    order = WorkOrder.objects.get()
    actuals = shop.erp.reconcile(payloads.ref("stub", order.erp_key))
    twelfth = Decimal(4) / 12
    in_dozens = replace(actuals, received={erp.Material(shop.item.code, "", "dozen"): twelfth})
    assert comparing.theirs(order, in_dozens)[comparing.Key(Figure.MADE, "ROTOR-10", "", "u")] == 4
    unknown = replace(actuals, received={erp.Material(shop.item.code, "", "furlong"): Decimal(9)})
    found = comparing.differences(comparing.ours(order), comparing.theirs(order, unknown), {})
    assert [(one["ours"], one["theirs"]) for one in found] == [("4", "9")]
