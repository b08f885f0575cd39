"""A booking uses up its material and puts its pieces on stock; a shortage is said before it stops anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from apps.core.errors import CommandRefused
from apps.materials.commands import ExpectedRow, SnapshotRow, hold_lot, set_expected_receipts, set_stock_snapshot
from apps.materials.models import Item, Location, Lot, Movement, Unit
from apps.materials.queries import made_from
from apps.orders.commands import Need, Operation, confirm_quantity, release_work_order, reverse_confirmation, take_edge
from apps.orders.models import Blocker, Confirmation, JobOrder
from apps.orders.tasks import recheck_materials
from apps.plant.models import Purpose, ReasonCode
from tests.materials.stock_world import ERP, MORNING, as_erp, make_item, make_location, make_lot, put_stock, there
from tests.orders.shop import SYSTEM, Shop, make_shop, scrap_reason
from tests.world import run

pytestmark = pytest.mark.django_db


@dataclass
class Store:
    """Order WO-9 over 24 pumps, each of 1 casting (by lot) and 2 seals; the pumps go to RACK-B."""

    shop: Shop
    pump: Item
    casting: Item
    seal: Item
    rack: Location
    goods: Location
    old: Lot
    new: Lot
    job_id: int

    def job(self) -> JobOrder:
        return JobOrder.objects.get(pk=self.job_id)

    def start(self) -> None:
        run(take_edge, self.shop.world.olga, job_order_id=self.job_id, edge="start", inputs={})

    def book(self, good: int, scrap: int = 0) -> None:
        run(
            confirm_quantity,
            self.shop.world.olga,
            job_order_id=self.job_id,
            good=Decimal(good),
            scrap=Decimal(scrap),
            scrap_reason_id=scrap_reason().pk,
        )


def make_store(seals: int = 48) -> Store:
    shop = make_shop()
    site = shop.world.site
    pump, casting, seal = (
        make_item("PUMP", lot_tracked=True, kind="made"),
        make_item("CAST", lot_tracked=True),
        make_item("SEAL"),
    )
    rack, goods = make_location(site, "RACK-A"), make_location(site, "RACK-B")
    new = make_lot(casting, "C-NEW", expires_on=date(2031, 1, 1))
    old = make_lot(casting, "C-OLD", expires_on=date(2030, 1, 1))
    put_stock(casting, rack, 20, lot=new)
    put_stock(casting, rack, 10, lot=old)
    put_stock(seal, rack, seals)
    released = run(
        release_work_order,
        SYSTEM,
        site_id=site.pk,
        number="WO-9",
        item_code="PUMP",
        item_name="Pump",
        item_id=pump.pk,
        receipt_location_id=goods.pk,
        quantity=Decimal(24),
        unit="pcs",
        due_at=None,
        operations=[
            Operation(
                sequence=10,
                name="Assemble",
                work_center_id=shop.world.line.pk,
                work_unit_id=shop.world.station.pk,
                needs=(Need(item_id=casting.pk, per_piece=Decimal(1)), Need(item_id=seal.pk, per_piece=Decimal(2))),
            )
        ],
    )
    return Store(shop, pump, casting, seal, rack, goods, old, new, released.job_order_ids[0])


class TestABooking:
    def test_uses_what_expires_first_for_good_and_scrap_alike(self) -> None:
        store = make_store()
        store.start()
        store.book(11, 1)
        assert there(store.casting, store.rack, store.old) == 0
        assert there(store.casting, store.rack, store.new) == 18
        assert there(store.seal, store.rack) == 24

    def test_puts_the_good_pieces_on_stock_in_the_orders_lot_and_remembers_what_went_in(self) -> None:
        store = make_store()
        store.start()
        store.book(11, 1)
        lot = Lot.objects.get(item=store.pump)
        assert lot.number == "WO-9"
        assert there(store.pump, store.goods, lot) == 11
        assert {step.consumed_lot_id for step in made_from(lot)} == {store.old.pk, store.new.pk}
        assert {movement.thread for movement in Movement.objects.all()} == {store.job().work_order.thread}

    def test_without_the_material_is_refused_whole(self) -> None:
        store = make_store(seals=48)
        store.start()
        put_stock(store.seal, make_location(store.shop.world.site, "QUAR", kind="quarantine"), 99)
        store.book(20)
        with pytest.raises(CommandRefused) as refusal:
            run(
                confirm_quantity,
                store.shop.world.olga,
                job_order_id=store.job_id,
                good=Decimal(4),
                scrap=Decimal(1),
                scrap_reason_id=scrap_reason().pk,
            )
        assert refusal.value.code in {"material_short", "blocked"}
        assert store.job().good_quantity == 20
        assert Confirmation.objects.count() == 1

    def test_undone_gives_everything_back(self) -> None:
        store = make_store()
        store.start()
        store.book(11, 1)
        reason = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
        run(
            reverse_confirmation,
            store.shop.world.lena,
            confirmation_id=Confirmation.objects.get().pk,
            reason_id=reason.pk,
        )
        assert there(store.casting, store.rack, store.old) == 10
        assert there(store.casting, store.rack, store.new) == 20
        assert there(store.seal, store.rack) == 48
        assert there(store.pump, store.goods, Lot.objects.get(item=store.pump)) == 0


class TestAShortage:
    def test_is_said_with_how_far_it_goes(self) -> None:
        store = make_store(seals=40)
        blocker = Blocker.objects.open().get(job_order=store.job_id)
        assert (blocker.reach, blocker.sentence) == ("Can make 20 of 24", "8 u of SEAL are short.")
        assert store.job().status == "ready"

    def test_of_everything_lets_the_operation_wait(self) -> None:
        store = make_store(seals=1)
        assert store.job().status == "waiting"
        assert Blocker.objects.open().get().reach == "Can't run"

    def test_says_what_a_supplier_is_to_bring_and_ends_when_the_erp_says_that_it_is_there(self) -> None:
        store = make_store(seals=40)
        seal, site = store.seal, store.shop.world.site
        with transaction.atomic(), as_erp():
            Item.objects.filter(pk=seal.pk).update(erp_key="i,1")
            Unit.objects.filter(pk=seal.unit_id).update(erp_key="u,1")
            Location.objects.filter(pk=store.rack.pk).update(erp_key="l,1")
        coming = ExpectedRow(
            erp_key="m,1",
            item="i,1",
            quantity=Decimal(100),
            unit=seal.unit.code,
            due_on=date(2030, 1, 9),
            supplier="Foundry North",
            document="PU-5001",
        )
        assert run(set_expected_receipts, ERP, site_id=site.pk, rows=[coming]) == 1
        assert run(set_expected_receipts, ERP, site_id=site.pk, rows=[coming]) == 0
        recheck_materials.run()
        sentence = "8 u of SEAL are short. 100 u are to come on January 9 (PU-5001)."
        assert Blocker.objects.open().get().sentence == sentence
        row = SnapshotRow(item="i,1", location="l,1", quantity=Decimal(140), unit="u,1")
        run(set_stock_snapshot, ERP, site_id=site.pk, as_of=MORNING + timedelta(minutes=1), rows=[row])
        recheck_materials.run()
        assert not Blocker.objects.open().exists()
        assert run(set_expected_receipts, ERP, site_id=site.pk, rows=[]) == 1

    def test_comes_up_when_a_lot_is_held(self) -> None:
        store = make_store(seals=48)
        assert not Blocker.objects.open().exists()
        run(hold_lot, SYSTEM, lot_id=store.new.pk)
        recheck_materials.run()
        assert Blocker.objects.open().get().facts["item"] == "CAST"

    def test_stops_at_the_piece_it_named(self) -> None:
        store = make_store(seals=40)
        store.start()
        store.book(20)
        with pytest.raises(CommandRefused):
            store.book(1)
        assert store.job().good_quantity == 20

    def test_is_over_when_the_material_is_there(self) -> None:
        store = make_store(seals=1)
        put_stock(store.seal, make_location(store.shop.world.site, "RACK-C"), 47)
        other = make_store_of_same(store)
        run(take_edge, store.shop.world.olga, job_order_id=other, edge="start", inputs={})
        run(confirm_quantity, store.shop.world.olga, job_order_id=other, good=Decimal(1))
        assert recheck_materials.run() > 0
        assert store.job().status == "ready"


def make_store_of_same(store: Store) -> int:
    """Another order that needs one seal: its booking is what makes the worker look again."""
    released = run(
        release_work_order,
        SYSTEM,
        site_id=store.shop.world.site.pk,
        number="WO-10",
        item_code="X",
        item_name="X",
        quantity=Decimal(1),
        unit="pcs",
        due_at=None,
        operations=[
            Operation(
                sequence=10,
                name="Fit",
                work_center_id=store.shop.world.line.pk,
                needs=(Need(item_id=store.seal.pk, per_piece=Decimal(1)),),
            )
        ],
    )
    return int(released.job_order_ids[0])
