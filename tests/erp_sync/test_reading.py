"""An ERP is read page by page: what can be taken is, the rest is kept with the reason until it can."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from apps.core.actors import Actor, Origin
from apps.erp_sync import delivery, registry
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.connectors.interface import Kind
from apps.erp_sync.intake.polling import read_erp
from apps.erp_sync.intake.taking import take_page
from apps.erp_sync.models import ErpLink, Posting, Reading, Unread
from apps.materials.models import ExpectedReceipt, Item, Lot, StockSnapshot
from apps.orders.models import WorkOrder
from apps.plant.models import WorkCenter, WorkUnit
from tests.erp_sync.outbox_world import Outbox
from tests.world import ledger

pytestmark = pytest.mark.django_db(transaction=True)
ERP = Actor.system("erp:shelf", Origin.ERP)


def ref(kind: str, number: int, version: str = "1") -> erp.ErpRef:
    return erp.ErpRef("shelf", kind, str(number), version)


PIECE = erp.UnitRecord(ref("unit", 1), "pc", "piece", "count", Decimal(1), 0)
ROTOR = erp.ItemRecord(ref("item", 1), "ROTOR", "Rotor", "pc", made=True, lot_controlled=False)
RACK = erp.LocationRecord(ref("place", 1), "RACK", "Rack", "storage", None, erp.LocationUse.STORAGE)
SHELF = erp.ItemStockRecord(
    ref("item", 1), (erp.StockRecord(ref("item", 1), ref("place", 1), None, erp.Quantity(Decimal(7), "pc")),)
)
EMPTY = erp.ItemStockRecord(ref("item", 1, "2"), ())


@dataclass
class Shelf:
    """An ERP that is what it is told to be; a page is told once."""

    pages: dict[Kind, list[Any]] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    receipts: list[erp.ExpectedReceipt] = field(default_factory=list)
    error: Exception | None = None

    def tell(self, kind: Kind, *records: Any) -> None:
        self.pages[kind] = list(records)
        self.records |= {record.ref.id + kind.value: record for record in records}

    def changes(self, kind: Kind, cursor: str) -> erp.ChangePage:
        if self.error:
            raise self.error
        page = self.pages.pop(kind, [])
        return erp.ChangePage(tuple(page), f"{cursor}." if page else cursor)

    def read(self, kind: Kind, refs: Collection[erp.ErpRef]) -> tuple[Any, ...]:
        return tuple(self.records[one.id + kind.value] for one in refs)

    def read_master(self, kind: Kind) -> tuple[Any, ...]:
        return tuple(record for key, record in self.records.items() if key.endswith(kind.value))

    def read_demand(self, orders: Collection[erp.ErpRef]) -> tuple[erp.CommitDate, ...]:
        return ()

    def expected_receipts(self) -> tuple[erp.ExpectedReceipt, ...]:
        return tuple(self.receipts)


@pytest.fixture
def shelf(outbox: Outbox) -> Shelf:
    made = Shelf()
    registry.CONNECTORS["shelf"] = lambda link, password: made  # type: ignore[assignment, return-value]
    ErpLink.objects.update(system="shelf", database=str(uuid4()))
    return made


@pytest.fixture
def link(shelf: Shelf) -> ErpLink:  # the link is to it
    return ErpLink.objects.select_related("site").get()


def told(link: ErpLink) -> dict[str, tuple[int, int, int]]:
    found = {kind: (c.created, c.updated, c.rejected) for kind, c in read_erp(link).items()}
    assert list(Reading.objects.exclude(problem="").values_list("kind", "problem")) == []
    return found


class TestARecord:
    def test_is_taken_once(self, shelf: Shelf, link: ErpLink) -> None:
        shelf.tell(Kind.UNIT, PIECE)
        shelf.tell(Kind.ITEM, ROTOR)
        assert told(link) == {"unit": (1, 0, 0), "item": (1, 0, 0)}
        shelf.tell(Kind.ITEM, ROTOR)
        assert told(link) == {"item": (0, 0, 0)}
        assert told(link) == {}
        assert [event.data["record"] for event in ledger("erp_sync.erp_read")] == ["unit", "item"]

    def test_that_names_what_is_not_here_waits_with_the_reason_until_it_is(self, shelf: Shelf, link: ErpLink) -> None:
        shelf.tell(Kind.ITEM, ROTOR)
        told(link)
        unread = Unread.objects.get()
        assert (unread.kind, unread.erp_key, unread.sentence) == ("item", "item,1", "There is no unit pc here.")
        assert told(link) == {}  # not tried again at once
        wait_for_the_next_try()
        assert told(link) == {"item": (0, 0, 0)}
        assert Unread.objects.count() == 1
        assert len(ledger("erp_sync.erp_read")) == 1  # said once, however often it is tried
        wait_for_the_next_try()
        shelf.tell(Kind.UNIT, PIECE)
        assert told(link)["item"] == (1, 0, 0)
        assert not Unread.objects.exists()

    def test_of_a_name_that_is_ours_is_ours_until_the_policy_gives_it_away(self, shelf: Shelf, link: ErpLink) -> None:
        own = Item.objects.create(code="ROTOR", name="Our rotor", unit=Item.objects.get().unit)
        shelf.tell(Kind.UNIT, PIECE)
        shelf.tell(Kind.ITEM, ROTOR)
        told(link)
        assert "is to take it over" in Unread.objects.get().sentence
        own.unit = Item.objects.get(code="ROTOR-10").unit
        ErpLink.objects.update(policy={"adopt": True})
        link.refresh_from_db()
        wait_for_the_next_try()
        told(link)
        own.refresh_from_db()
        assert (own.erp_key, own.name) == ("item,1", "Rotor")

    def test_read_by_two_at_once_is_taken_by_one(self, link: ErpLink) -> None:
        given = {
            "link_id": link.pk,
            "kind": Kind.UNIT,
            "looked_at": [],
            "rows": [],
            "failures": [],
            "again": [],
            "as_of": now(),
        }
        assert take_page(ERP, uuid4(), cursor_before="", cursor="1", **given) is not None
        assert take_page(ERP, uuid4(), cursor_before="", cursor="1", **given) is None
        assert Reading.objects.get().cursor == "1"


class TestAnErpThatFails:
    @pytest.mark.parametrize(
        "error", [erp.ErpUnreachableError("no connection"), erp.ErpReadRefusedError("no right"), ValueError("odd")]
    )
    def test_is_said_and_read_on_afterwards(self, shelf: Shelf, link: ErpLink, error: Exception) -> None:
        shelf.error = error
        assert read_erp(link) == {}
        assert str(error) in Reading.objects.get(kind="unit").problem
        shelf.error = None
        shelf.tell(Kind.UNIT, PIECE)
        assert told(link) == {"unit": (1, 0, 0)}


class TestPlaces:
    def test_with_places_below_are_lines_and_these_their_stations(self, shelf: Shelf, link: ErpLink) -> None:
        plant = erp.WorkCenterRecord(ref("wc", 1), "Plant 1", None, "")
        shelf.tell(
            Kind.WORK_CENTER,
            plant,
            erp.WorkCenterRecord(ref("wc", 2), "CNC-1", plant.ref, "Machining"),
            erp.WorkCenterRecord(ref("wc", 3), "CNC-2", plant.ref, "Machining"),
            erp.WorkCenterRecord(ref("wc", 4), "Paint shop", None, "Paint"),
            erp.WorkCenterRecord(ref("wc", 5), "Old saw", plant.ref, "Machining", active=False),
        )
        told(link)
        lines = {line.code: line for line in WorkCenter.objects.exclude(erp_key="")}
        assert set(lines) == {"Plant-1", "Paint-shop"}
        units = WorkUnit.objects.exclude(erp_key="").values_list("code", "work_center__code")
        assert sorted(units) == [("CNC-1", "Plant-1"), ("CNC-2", "Plant-1"), ("Paint-shop", "Paint-shop")]


class TestStock:
    @pytest.fixture(autouse=True)
    def master(self, shelf: Shelf, link: ErpLink) -> None:
        shelf.tell(Kind.UNIT, PIECE)
        shelf.tell(Kind.LOCATION, RACK)
        shelf.tell(Kind.ITEM, ROTOR)
        told(link)

    def test_is_what_the_erp_says_and_nothing_where_it_names_no_place(self, shelf: Shelf, link: ErpLink) -> None:
        shelf.tell(Kind.STOCK, SHELF)
        told(link)
        assert StockSnapshot.objects.get().stock_quantity == 7
        shelf.tell(Kind.STOCK, EMPTY)
        told(link)
        assert StockSnapshot.objects.get().stock_quantity == 0

    def test_of_an_item_that_is_being_posted_is_read_again(self, shelf: Shelf, link: ErpLink, outbox: Outbox) -> None:
        """Whether the figure has the posting in it, nobody can say."""
        rotor = Item.objects.get(code="ROTOR")
        job = outbox.order(1, item_id=rotor.pk)
        outbox.start(job)
        outbox.book(job)
        for _ in range(2):
            delivery.claim()
        Posting.objects.filter(kind="move").update(attempts=1)
        shelf.tell(Kind.STOCK, SHELF)
        told(link)
        assert not StockSnapshot.objects.exists()
        assert Reading.objects.get(kind="stock").again == ["item,1"]
        Posting.objects.all().delete()
        told(link)
        assert StockSnapshot.objects.get().stock_quantity == 7
        assert Reading.objects.get(kind="stock").again == []

    def test_to_come_is_what_the_erp_names_now(self, shelf: Shelf, link: ErpLink) -> None:
        quantity = erp.Quantity(Decimal(5), "pc")
        shelf.receipts = [erp.ExpectedReceipt(ref("m", 1), ref("item", 1), quantity, date(2030, 1, 9), "North", "PU-1")]
        Reading.objects.filter(kind="expected receipts").delete()
        told(link)
        assert ExpectedReceipt.objects.get().document == "PU-1"
        shelf.receipts = []
        Reading.objects.filter(kind="expected receipts").delete()
        told(link)
        assert not ExpectedReceipt.objects.exists()


def test_orders_that_are_only_planned_are_none_of_ours(shelf: Shelf, link: ErpLink) -> None:
    planned = erp.OrderRecord(
        ref=ref("production", 1),
        number="",
        reference="WO-9",
        item=ref("item", 1),
        item_code="ROTOR",
        quantity=erp.Quantity(Decimal(3), "pc"),
        state=erp.OrderState.DRAFT,
        erp_state="draft",
        planned_start=None,
        planned_end=None,
        started_on=None,
        finished_on=None,
        bom=None,
        routing=None,
        demand=None,
        operations=(),
        components=(),
        receipts=(),
    )
    shelf.tell(Kind.ORDER, planned)
    assert told(link) == {"order": (0, 0, 0)}
    assert not WorkOrder.objects.exists()
    assert not Lot.objects.exists()


def wait_for_the_next_try() -> None:
    Unread.objects.update(tried_at=now() - timedelta(minutes=1))


def now() -> datetime:
    return datetime.now(UTC)
