"""The Tryton connector against a real Tryton: what it reads, what it posts, and that it posts it once."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.erp_sync.connectors.interface import (
    Absent,
    AlreadyPosted,
    BomRecord,
    ComponentLot,
    Connector,
    CyclePosting,
    DocumentState,
    EmployeeRecord,
    ErpRef,
    ErpUnreachableError,
    FixableBy,
    ItemRecord,
    Kind,
    LaborPosting,
    LocationRecord,
    LotPosting,
    LotRecord,
    Material,
    MoveKind,
    MovePosting,
    OrderActuals,
    OrderIntent,
    OrderRecord,
    OrderState,
    OrderStatePosting,
    Posted,
    Posting,
    PostingResult,
    Quantity,
    Rejected,
    RoutingRecord,
    Staged,
    UnitRecord,
    Unknown,
    WorkCenterRecord,
)
from apps.erp_sync.connectors.tryton.client import Answer, HttpTransport, OutcomeUnknownError, TrytonClient
from apps.erp_sync.connectors.tryton.connector import TrytonConnector, connect
from tests.e2e.tryton import Tryton, TrytonUnavailable, seed

pytestmark = pytest.mark.erp

ROTOR_LOTS = (("BAR-20", "H-88120", "48"), ("BOLT-M8", "", "40"))


# ---- the network, with its tricks


class Network(HttpTransport):
    """A transport that can lose the answer of the n-th call, or let the call arrive late, or cut the power."""

    def __init__(self, tryton: Tryton) -> None:
        super().__init__("127.0.0.1", tryton.port)
        self._tryton = tryton
        self.calls: list[str] = []
        self._at = 0
        self._how = ""
        self.held: tuple[str, bytes, dict[str, str]] | None = None

    def trap(self, at: int, how: str) -> None:
        self.calls, self._at, self._how = [], at, how

    @property
    def sprung(self) -> bool:
        return bool(self._at) and len(self.calls) >= self._at

    def exchange(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.calls.append(json.loads(body)["method"].removeprefix("model."))
        if self._at and len(self.calls) == self._at and self._how == "late":
            self.held = (path, body, dict(headers))
            raise OutcomeUnknownError("held back by the network")
        return super().exchange(path, body, headers)

    def receive(self, connection: http.client.HTTPConnection) -> Answer:
        if self._at and len(self.calls) == self._at:
            if self._how == "answer lost":
                super().receive(connection)
            if self._how == "killed":
                self._tryton.kill()
            raise OutcomeUnknownError(f"{self._how} at {self.calls[-1]}")
        return super().receive(connection)

    def deliver(self) -> None:
        """Lets the call that was held back arrive after all."""
        if self.held:
            held, self.held, self._at = self.held, None, 0
            super().exchange(*held)


# ---- the plant


class Plant:
    """The seeded Tryton with names for what is in it."""

    def __init__(self, tryton: Tryton) -> None:
        self.tryton = tryton
        self.network = Network(tryton)
        self.client = tryton.client(transport=self.network)
        self.erp = TrytonConnector(self.client)
        self.admin: TrytonClient = tryton.client("admin", tryton.admin_password)
        self.items = {r.code: r.ref for r in self.erp.read_master(Kind.ITEM) if isinstance(r, ItemRecord)}
        self.places = {r.code: r.ref for r in self.erp.read_master(Kind.LOCATION) if isinstance(r, LocationRecord)}
        self.people = {r.name: r.ref for r in self.erp.read_master(Kind.EMPLOYEE) if isinstance(r, EmployeeRecord)}
        self.now = dt.datetime.now(dt.UTC)

    def lot(self, item: str, number: str) -> ErpRef:
        found = [r for r in self.erp.read_master(Kind.LOT) if isinstance(r, LotRecord) and r.number == number]
        return next(lot.ref for lot in found if lot.item.same_record(self.items[item]))

    def order(self, reference: str) -> OrderRecord:
        orders = [o for o in self.erp.read_master(Kind.ORDER) if isinstance(o, OrderRecord)]
        return next(order for order in orders if order.reference == reference)

    def another(self, reference: str, item: str = "ROTOR-10", quantity: int = 20) -> OrderRecord:
        """A fresh order, made by the planner in Tryton."""
        made = seed.order(self.admin, reference, item, quantity)
        return self.erp.read_order(ErpRef("tryton", "production", str(made)))

    def intend(self, order: OrderRecord, intent: OrderIntent, *lots: ComponentLot, version: str = "") -> PostingResult:
        posting = OrderStatePosting(key=uuid4(), order=order.ref, intent=intent, lots=lots, version=version)
        return self.erp.set_order_state(posting)

    def parts(self, *rows: tuple[str, str, str]) -> tuple[ComponentLot, ...]:
        units = {"BAR-20": "kg", "OIL-46": "l"}
        return tuple(
            ComponentLot(self.items[i], self.lot(i, n) if n else None, Quantity(Decimal(q), units.get(i, "u")))
            for i, n, q in rows
        )

    def running(self, reference: str) -> OrderRecord:
        """A fresh rotor order of 20, started with its lots."""
        order = self.another(reference)
        assert isinstance(self.intend(order, OrderIntent.START, *self.parts(*ROTOR_LOTS)), Posted)
        return self.erp.read_order(order.ref)

    def moved(self, order: OrderRecord | None, kind: MoveKind, item: str, quantity: str, **more: Any) -> MovePosting:
        unit = {"BAR-20": "kg", "OIL-46": "l"}.get(item, "u")
        where = order.ref if order else None
        return MovePosting(
            key=more.pop("key", None) or uuid4(),
            kind=kind,
            item=self.items[item],
            quantity=Quantity(Decimal(quantity), more.pop("unit", unit)),
            occurred_at=self.now,
            order=where,
            **more,
        )

    def made_lot(self, item: str, number: str) -> ErpRef:
        result = self.erp.ensure_lot(LotPosting(key=uuid4(), item=self.items[item], number=number))
        assert isinstance(result, Posted | AlreadyPosted)
        return result.refs[0]

    def cycle(self, order: OrderRecord, operation: int, minutes: float) -> CyclePosting:
        return CyclePosting(
            key=uuid4(),
            order=order.ref,
            operation=order.operations[operation].ref,
            started_at=self.now - dt.timedelta(minutes=minutes),
            ended_at=self.now,
            duration=dt.timedelta(minutes=minutes),
            person=self.people["Ben Osei"],
            good=Quantity(Decimal(1), "u"),
        )

    def post(self, posting: Posting) -> PostingResult:
        return post(self.erp, posting)


def post(erp: Connector, posting: Posting) -> PostingResult:
    match posting:
        case MovePosting():
            return erp.move(posting)
        case CyclePosting():
            return erp.confirm(posting)
        case LaborPosting():
            return erp.post_labor(posting)
        case LotPosting():
            return erp.ensure_lot(posting)
        case OrderStatePosting():
            return erp.set_order_state(posting)


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    try:
        with Tryton(tmp_path_factory.mktemp("tryton")) as server:
            yield server
    except TrytonUnavailable as error:
        pytest.skip(error.sentence)


@pytest.fixture(scope="module")
def plant(tryton: Tryton) -> Plant:
    return Plant(tryton)


def twice(plant: Plant, posting: Posting) -> Posted:
    """Posts, asks by key, posts again: the second time nothing happens."""
    assert isinstance(plant.erp.find_by_key(posting), Absent)
    first = plant.post(posting)
    assert isinstance(first, Posted), first
    found = plant.erp.find_by_key(posting)
    second = plant.post(posting)
    for again in (found, second):
        assert isinstance(again, AlreadyPosted)
        assert [ref.id for ref in again.refs] == [ref.id for ref in first.refs]
    return first


# ---- reading


def test_reads_all_master_data(plant: Plant) -> None:
    assert plant.erp.capabilities().release.startswith("8.0")
    units = {r.symbol: r.digits for r in plant.erp.read_master(Kind.UNIT) if isinstance(r, UnitRecord)}
    assert {"u", "kg", "l"} <= units.keys()
    items = {r.code: r for r in plant.erp.read_master(Kind.ITEM) if isinstance(r, ItemRecord)}
    assert set(items) == {item.code for item in seed.ITEMS}
    assert items["PUMP-100"].made
    assert items["PUMP-100"].lot_controlled
    assert not items["BOLT-M8"].lot_controlled
    assert (items["OIL-46"].unit, items["BAR-20"].unit) == ("l", "kg")
    boms = {r.name: r for r in plant.erp.read_master(Kind.BOM) if isinstance(r, BomRecord)}
    pump = {line.item_code: line.quantity for line in boms["PUMP-100 rev A"].inputs}
    assert len(pump) == 5
    assert pump["OIL-46"] == Quantity(Decimal("0.25"), "l")
    assert len(boms["ROTOR-10 rev A"].inputs) == 2
    routings = {r.name: r for r in plant.erp.read_master(Kind.ROUTING) if isinstance(r, RoutingRecord)}
    steps = [step.operation for step in routings["PUMP-100 standard"].steps]
    assert steps == ["Mill housing", "Assemble", "Pressure test"]
    centers = {r.name: r for r in plant.erp.read_master(Kind.WORK_CENTER) if isinstance(r, WorkCenterRecord)}
    assert {"Plant 1", "CNC-1", "CNC-2", "ASM-1", "TEST-1"} <= centers.keys()
    assert set(seed.PEOPLE) <= plant.people.keys()
    assert {"RACK-A", "RACK-B", "QUAR", "SCRAP"} <= plant.places.keys()


def test_reads_orders_their_demand_and_stock(plant: Plant) -> None:
    states = {reference: plant.order(reference).state for reference, *_ in seed.ORDERS}
    assert states["WO-1001"] is OrderState.RELEASED
    assert states["WO-1003"] is OrderState.RESERVED
    assert states["WO-1004"] is OrderState.DRAFT
    assert states["WO-1006"] is OrderState.REQUESTED
    order = plant.order("WO-1001")
    assert [operation.name for operation in order.operations] == ["Mill housing", "Assemble", "Pressure test"]
    assert {move.item_code: move.quantity for move in order.components}["OIL-46"] == Quantity(Decimal("2.5"), "l")
    assert order.receipts[0].quantity == Quantity(Decimal(10), "u")
    orders = [o for o in plant.erp.read_master(Kind.ORDER) if isinstance(o, OrderRecord)]
    (promise,) = plant.erp.read_demand([o.ref for o in orders])
    assert (promise.number, promise.customer) == (seed.SALE, "Acme Hydraulics")
    assert promise.day == seed.today() + dt.timedelta(days=seed.SALE_DAYS)
    castings = plant.erp.stock(plant.items["CAST-01"])
    assert {r.on_hand.value for r in castings} == {Decimal(400), Decimal(250)}
    (oil,) = plant.erp.stock(plant.items["OIL-46"], plant.places["RACK-B"])
    assert oil.on_hand == Quantity(Decimal(400), "l")


def test_a_lost_session_is_renewed(plant: Plant) -> None:
    plant.client._authorization = "Session bm9ib2R5OjE6eA=="
    assert plant.order("WO-1001").reference == "WO-1001"


# ---- one order, begin to end


def test_one_order_from_release_to_finish(plant: Plant) -> None:
    order = plant.order("WO-1001")
    _start_with_two_seal_lots(plant, order)
    order = plant.erp.read_order(order.ref)
    assert order.state is OrderState.RUNNING
    made = plant.made_lot("PUMP-100", "P-2611-01")
    for number, minutes in enumerate((95, 60, 20)):
        twice(plant, plant.cycle(order, number, minutes))
    twice(plant, plant.moved(order, MoveKind.RECEIPT, "PUMP-100", "4", lot=made))
    twice(plant, plant.moved(order, MoveKind.ISSUE, "SEAL-07", "2", lot=plant.lot("SEAL-07", "S-4472")))
    twice(plant, plant.moved(order, MoveKind.ISSUE, "OIL-46", "0.35", from_location=plant.places["RACK-B"]))
    back = {"lot": plant.lot("CAST-01", "C-2611-01"), "to_location": plant.places["RACK-A"]}
    twice(plant, plant.moved(order, MoveKind.RETURN, "CAST-01", "1", **back))
    waste = plant.places["SCRAP"]
    twice(plant, plant.moved(order, MoveKind.SCRAP, "PUMP-100", "1", lot=made, to_location=waste, reason="porous"))
    labor = _labor(plant, order)
    twice(plant, labor)
    assert _planned(plant.erp.read_order(order.ref)) == Decimal(5)
    twice(plant, plant.moved(order, MoveKind.RECEIPT, "PUMP-100", "3", lot=made))
    twice(plant, OrderStatePosting(key=uuid4(), order=order.ref, intent=OrderIntent.FINISH))
    _read_back(plant, order, labor)


def _start_with_two_seal_lots(plant: Plant, order: OrderRecord) -> None:
    twice_reserved = plant.intend(order, OrderIntent.RESERVE), plant.intend(order, OrderIntent.RESERVE)
    assert isinstance(twice_reserved[0], Posted)
    assert isinstance(twice_reserved[1], AlreadyPosted)
    refused = plant.intend(order, OrderIntent.START)
    assert isinstance(refused, Rejected), "a component without its lot can't be started"
    lots = plant.parts(
        ("ROTOR-10", "R-2610-07", "10"),
        ("CAST-01", "C-2611-01", "10"),
        ("SEAL-07", "S-4471", "7"),
        ("SEAL-07", "S-4472", "3"),
    )
    assert isinstance(plant.intend(order, OrderIntent.START, *lots), Posted)
    assert isinstance(plant.intend(order, OrderIntent.START, *lots), AlreadyPosted)


def _labor(plant: Plant, order: OrderRecord, minutes: int = 55) -> LaborPosting:
    return LaborPosting(
        key=uuid4(),
        order=order.ref,
        operation=order.operations[1].ref,
        person=plant.people["Chen Li"],
        day=seed.today(),
        duration=dt.timedelta(minutes=minutes),
        description="assembly",
    )


def _planned(order: OrderRecord) -> Decimal:
    rest = [m.quantity.value for m in order.receipts if m.state is DocumentState.OPEN and m.key is None]
    return sum(rest, Decimal(0))


def _read_back(plant: Plant, order: OrderRecord, labor: LaborPosting) -> None:
    actuals = plant.erp.reconcile(order.ref)
    assert actuals.order.state is OrderState.DONE
    assert actuals.received == {Material("PUMP-100", "P-2611-01", "u"): Decimal(7)}
    assert actuals.scrapped == {Material("PUMP-100", "P-2611-01", "u"): Decimal(1)}
    assert actuals.issued == {
        Material("ROTOR-10", "R-2610-07", "u"): Decimal(10),
        Material("CAST-01", "C-2611-01", "u"): Decimal(9),
        Material("SEAL-07", "S-4471", "u"): Decimal(7),
        Material("SEAL-07", "S-4472", "u"): Decimal(5),
        Material("BOLT-M8", "", "u"): Decimal(80),
        Material("OIL-46", "", "l"): Decimal("2.85"),
    }
    minutes = [actuals.machine_time[op.ref.id].total_seconds() / 60 for op in order.operations]
    assert minutes == [95, 60, 20]
    assert actuals.labor_time[order.operations[1].ref.id] == dt.timedelta(minutes=55)
    assert labor.key in actuals.keys
    assert len(actuals.keys) == 10
    assert not actuals.open
    assert all(move.quantity.value for move in actuals.order.receipts), "nothing planned is left behind"
    (hand,) = plant.erp.stock(plant.items["PUMP-100"], lot=plant.lot("PUMP-100", "P-2611-01"))
    assert hand.on_hand == Quantity(Decimal(7), "u")


def test_an_order_that_gave_a_component_back_is_finished(plant: Plant) -> None:
    """Tryton then asks about list prices, which a rotor has none of; nobody sits there to answer."""
    order = plant.running("WO-GAVE-BACK")
    for number in range(2):
        assert isinstance(plant.post(plant.cycle(order, number, 5)), Posted)
    lot = plant.made_lot("ROTOR-10", "R-GAVE")
    twice(plant, plant.moved(order, MoveKind.RECEIPT, "ROTOR-10", "20", lot=lot))
    back = {"lot": plant.lot("BAR-20", "H-88120"), "to_location": plant.places["RACK-A"]}
    twice(plant, plant.moved(order, MoveKind.RETURN, "BAR-20", "0.8", **back))
    assert isinstance(plant.intend(order, OrderIntent.FINISH), Posted)
    actuals = plant.erp.reconcile(order.ref)
    assert actuals.issued[Material("BAR-20", "H-88120", "kg")] == Decimal("47.2")
    assert actuals.received == {Material("ROTOR-10", "R-GAVE", "u"): Decimal(20)}


# ---- once, whatever the network does


@dataclass(frozen=True)
class Torn:
    """A posting of `n` times `each`, and the sum that must come out exactly.

    No two are alike in amount, so that a draft which one left behind can't be passed off as the next one's.
    """

    make: Callable[[Plant, OrderRecord, int], Posting]
    total: Callable[[Plant, OrderActuals], Decimal]
    each: Decimal


def _minutes(times: Mapping[str, dt.timedelta]) -> Decimal:
    return Decimal(sum(int(time.total_seconds()) for time in times.values())) / 60


def _receipt(plant: Plant, order: OrderRecord, n: int) -> Posting:
    return plant.moved(order, MoveKind.RECEIPT, "ROTOR-10", str(n), lot=plant.made_lot("ROTOR-10", "R-TORN"))


def _scrap(plant: Plant, order: OrderRecord, n: int) -> Posting:
    where = {"lot": plant.made_lot("ROTOR-10", "R-BAD"), "to_location": plant.places["SCRAP"]}
    return plant.moved(order, MoveKind.SCRAP, "ROTOR-10", str(n), **where)


def _issue(plant: Plant, order: OrderRecord, n: int) -> Posting:
    lot = plant.lot("BAR-20", "H-88120")
    return plant.moved(order, MoveKind.ISSUE, "BAR-20", str(n * Decimal("0.3")), lot=lot)


def _transfer(plant: Plant, order: OrderRecord, n: int) -> Posting:
    where = {"from_location": plant.places["RACK-B"], "to_location": plant.places["QUAR"]}
    return plant.moved(None, MoveKind.TRANSFER, "BOLT-M8", str(n), **where)


TORN = {
    "receipt": Torn(
        _receipt,
        lambda plant, actuals: actuals.received.get(Material("ROTOR-10", "R-TORN", "u"), Decimal(0)),
        Decimal(1),
    ),
    "scrap": Torn(
        _scrap,
        lambda plant, actuals: actuals.scrapped.get(Material("ROTOR-10", "R-BAD", "u"), Decimal(0)),
        Decimal(1),
    ),
    "issue": Torn(
        _issue,
        lambda plant, actuals: actuals.issued[Material("BAR-20", "H-88120", "kg")],
        Decimal("0.3"),
    ),
    "cycle": Torn(
        lambda plant, order, n: plant.cycle(order, 0, n),
        lambda plant, actuals: _minutes(actuals.machine_time),
        Decimal(1),
    ),
    "labor": Torn(_labor, lambda plant, actuals: _minutes(actuals.labor_time), Decimal(1)),
    "transfer": Torn(
        _transfer,
        lambda plant, actuals: plant.erp.stock(plant.items["BOLT-M8"], plant.places["QUAR"])[0].on_hand.value,
        Decimal(1),
    ),
}


@pytest.mark.parametrize("how", ["answer lost", "cut before reading", "late"])
@pytest.mark.parametrize("what", TORN)
def test_a_torn_posting_has_one_effect(plant: Plant, what: str, how: str) -> None:
    torn = TORN[what]
    order = plant.running(f"WO-TORN-{what}-{how}")
    before = torn.total(plant, plant.erp.reconcile(order.ref))
    keys: list[UUID] = []
    at = 0
    while True:
        at += 1
        posting = torn.make(plant, order, at)
        keys.append(posting.key)
        plant.network.trap(at, how)
        result = plant.post(posting)
        sprung, where = plant.network.sprung, plant.network.calls[-1]
        plant.network.trap(0, "")
        if not sprung:
            assert isinstance(result, Posted)
            break
        assert isinstance(result, Unknown), (at, where, result)
        found = plant.erp.find_by_key(posting)
        assert isinstance(found, Absent | Staged | AlreadyPosted), (at, where, found)
        again = plant.post(posting)
        assert isinstance(again, Posted | AlreadyPosted), (at, where, again)
        if plant.network.held:
            try:
                plant.network.deliver()
            except OutcomeUnknownError:
                plant.network.held = None
        assert isinstance(plant.erp.find_by_key(posting), AlreadyPosted), (at, where)
    actuals = plant.erp.reconcile(order.ref)
    assert torn.total(plant, actuals) - before == torn.each * sum(range(at + 1))
    assert not actuals.open
    assert actuals.order.state is OrderState.RUNNING
    if what != "transfer":
        assert set(keys) == set(actuals.keys)
    cycles = [cycle for operation in actuals.order.operations for cycle in operation.cycles]
    documents = [*actuals.order.components, *actuals.order.receipts, *cycles]
    strays = [document for document in documents if document.state is DocumentState.OPEN and document.ours]
    assert not strays, "no draft of ours may wait to be posted by the order's own buttons"
    print(f"{what}, {how}: torn at each of {at - 1} calls, {at} effects for {at} postings")


@pytest.mark.faults
@pytest.mark.parametrize("what", ["receipt", "issue", "cycle"])
def test_a_killed_tryton_loses_and_doubles_nothing(plant: Plant, what: str) -> None:
    torn = TORN[what]
    order = plant.running(f"WO-KILL-{what}")
    before = torn.total(plant, plant.erp.reconcile(order.ref))
    posting = torn.make(plant, order, 1)
    plant.network.trap(0, "")
    assert isinstance(plant.post(posting), Posted)
    commit = len(plant.network.calls) - 2
    for n, at in enumerate((commit - 2, commit, commit + 1), 2):
        posting = torn.make(plant, order, n)
        plant.network.trap(at, "killed")
        assert isinstance(plant.post(posting), Unknown)
        plant.network.trap(0, "")
        assert isinstance(plant.post(posting), Unknown), "nobody answers yet"
        with pytest.raises(ErpUnreachableError):
            plant.erp.read_order(order.ref)
        plant.tryton.restart()
        assert not isinstance(plant.erp.find_by_key(posting), Unknown)
        assert isinstance(plant.post(posting), Posted | AlreadyPosted)
        assert torn.total(plant, plant.erp.reconcile(order.ref)) - before == torn.each * sum(range(n + 1))


def test_a_persons_button_on_our_draft_is_one_effect(plant: Plant) -> None:
    """Somebody in Tryton posts the draft before its mark is written."""
    order = plant.running("WO-QUICKER")
    receipt = plant.moved(order, MoveKind.RECEIPT, "ROTOR-10", "4", lot=plant.made_lot("ROTOR-10", "R-QUICK"))
    cycle = plant.cycle(order, 0, 12)
    for posting, model, buttons in (
        (receipt, "stock.move", ["do"]),
        (cycle, "production.work.cycle", ["run", "do"]),
    ):
        _lose_the_answer_to_the_stage(plant, posting)
        newest = plant.admin.call(f"model.{model}.search", [], 0, 1, [["id", "DESC"]])
        for button in buttons:
            plant.admin.call(f"model.{model}.{button}", newest)
        assert isinstance(plant.post(posting), Posted | AlreadyPosted)
    actuals = plant.erp.reconcile(order.ref)
    assert actuals.received == {Material("ROTOR-10", "R-QUICK", "u"): Decimal(4)}
    assert actuals.machine_time[order.operations[0].ref.id] == dt.timedelta(minutes=12)
    assert set(actuals.keys) == {receipt.key, cycle.key}


def _lose_the_answer_to_the_stage(plant: Plant, posting: Posting) -> None:
    for at in range(1, 8):
        plant.network.trap(at, "answer lost")
        assert isinstance(plant.post(posting), Unknown)
        if plant.network.calls[-1].endswith(".write"):
            plant.network.trap(0, "")
            return
    pytest.fail("the posting was never staged")


# ---- what is refused


def test_a_rejected_posting_leaves_nothing(plant: Plant) -> None:
    order = plant.running("WO-REJECT")
    lot = plant.lot("BAR-20", "H-88120")
    made = plant.made_lot("ROTOR-10", "R-REJECT")
    cases = {
        "shortage": plant.moved(order, MoveKind.ISSUE, "BAR-20", "999999", lot=lot),
        "refused": plant.moved(order, MoveKind.RECEIPT, "ROTOR-10", "2"),
        "precision": plant.moved(order, MoveKind.ISSUE, "BAR-20", "0.123456789", lot=lot),
        "unit": plant.moved(order, MoveKind.RECEIPT, "ROTOR-10", "2", unit="furlong"),
        "location": plant.moved(order, MoveKind.SCRAP, "ROTOR-10", "1", lot=made),
        "quantity": plant.moved(order, MoveKind.RECEIPT, "ROTOR-10", "0", lot=made),
    }
    for code, posting in cases.items():
        result = plant.post(posting)
        assert isinstance(result, Rejected), (code, result)
        assert result.code == code, result
        assert isinstance(plant.erp.find_by_key(posting), Absent)
    actuals = plant.erp.reconcile(order.ref)
    assert actuals.order.state is OrderState.RUNNING
    assert actuals.issued[Material("BAR-20", "H-88120", "kg")] == Decimal(48)
    assert _planned(actuals.order) == Decimal(20)
    assert not actuals.keys
    assert not actuals.open
    stuck = plant.intend(order, OrderIntent.FINISH)
    assert isinstance(stuck, Rejected)
    assert stuck.code == "operations open"
    assert isinstance(plant.intend(order, OrderIntent.CANCEL), Rejected)


def test_a_stale_version_is_refused(plant: Plant) -> None:
    order = plant.another("WO-STALE")
    plant.admin.call("model.production.write", [int(order.ref.id)], {"planned_date": seed.today()})
    result = plant.intend(order, OrderIntent.RELEASE, version=order.ref.version)
    assert isinstance(result, Rejected)
    assert result.code == "stale"
    fresh = plant.erp.read_order(order.ref)
    assert isinstance(plant.intend(fresh, OrderIntent.RELEASE, version=fresh.ref.version), Posted)


def test_a_shortage_at_reserving_is_told(plant: Plant) -> None:
    order = plant.another("WO-SHORT", quantity=100000)
    result = plant.intend(order, OrderIntent.RESERVE)
    assert isinstance(result, Rejected)
    assert (result.code, result.fixable_by) == ("shortage", FixableBy.MATERIAL)
    assert "BAR-20" in result.text


def test_an_inspection_in_place_of_the_finish_is_no_success(plant: Plant) -> None:
    order = plant.running("WO-INSPECT")
    lot = plant.made_lot("ROTOR-10", "R-INSPECT")
    for number in range(2):
        assert isinstance(plant.post(plant.cycle(order, number, 5)), Posted)
    assert isinstance(plant.post(plant.moved(order, MoveKind.RECEIPT, "ROTOR-10", "12", lot=lot)), Posted)
    point = {"string": "Runout", "name": "runout", "type_": "boolean"}
    control = {
        "name": "Rotor final",
        "operations": ["production:do"],
        "product": int(plant.items["ROTOR-10"].id),
        "company": plant.admin.company,
        "points": [["create", [point]]],
    }
    made = plant.admin.call("model.quality.control.create", [control])
    result = plant.intend(order, OrderIntent.FINISH)
    plant.admin.call("model.quality.control.write", made, {"active": False})
    assert isinstance(result, Rejected)
    assert (result.code, result.fixable_by) == ("dialog", FixableBy.QUALITY)
    after = plant.erp.read_order(order.ref)
    assert after.state is OrderState.RUNNING
    assert _planned(after) == Decimal(8), "the plan that was set to nothing for the finish is back"
    assert isinstance(plant.intend(order, OrderIntent.FINISH), Posted)
    assert plant.erp.reconcile(order.ref).received == {Material("ROTOR-10", "R-INSPECT", "u"): Decimal(12)}


# ---- taking back, moving stock


def test_a_posted_movement_is_taken_back_once(plant: Plant) -> None:
    order = plant.running("WO-BACK")
    lot = plant.made_lot("ROTOR-10", "R-BACK")
    received = twice(plant, plant.moved(order, MoveKind.RECEIPT, "ROTOR-10", "5", lot=lot))
    issued = twice(plant, plant.moved(order, MoveKind.ISSUE, "BOLT-M8", "6"))
    assert _planned(plant.erp.read_order(order.ref)) == Decimal(15)
    for posted, item in ((received, "ROTOR-10"), (issued, "BOLT-M8")):
        twice(plant, plant.moved(order, MoveKind.REVERSAL, item, "1", reverses=posted.refs[0], reason="typed wrong"))
    actuals = plant.erp.reconcile(order.ref)
    assert not actuals.received
    assert actuals.issued[Material("BOLT-M8", "", "u")] == Decimal(40)
    assert _planned(actuals.order) == Decimal(20)


def test_stock_is_moved_and_scrapped_without_an_order(plant: Plant) -> None:
    rack, quarantine, waste = (plant.places[code] for code in ("RACK-B", "QUAR", "SCRAP"))
    lot = plant.lot("SEAL-07", "S-4471")
    (before,) = plant.erp.stock(plant.items["SEAL-07"], rack, lot)
    out = {"lot": lot, "from_location": rack}
    twice(plant, plant.moved(None, MoveKind.TRANSFER, "SEAL-07", "5", to_location=quarantine, **out))
    scrapped = twice(plant, plant.moved(None, MoveKind.SCRAP, "SEAL-07", "3", to_location=waste, **out))
    (after,) = plant.erp.stock(plant.items["SEAL-07"], rack, lot)
    assert before.on_hand.value - after.on_hand.value == Decimal(8)
    twice(plant, plant.moved(None, MoveKind.REVERSAL, "SEAL-07", "3", reverses=scrapped.refs[0]))
    (back,) = plant.erp.stock(plant.items["SEAL-07"], rack, lot)
    assert back.on_hand.value - after.on_hand.value == Decimal(3)
    short = plant.post(plant.moved(None, MoveKind.TRANSFER, "SEAL-07", "99999", to_location=quarantine, **out))
    assert isinstance(short, Rejected)
    assert short.code == "shortage"


# ---- following changes


def test_changes_tell_each_version_once(plant: Plant) -> None:
    first = plant.erp.changes(Kind.ORDER, "")
    assert {o.reference for o in first.upserts if isinstance(o, OrderRecord)} >= {row[0] for row in seed.ORDERS}
    assert not plant.erp.changes(Kind.ORDER, first.cursor).upserts
    order = plant.order("WO-1004")
    plant.admin.call("model.production.write", [int(order.ref.id)], {"planned_date": seed.today()})
    move = int(plant.order("WO-1005").components[0].ref.id)
    plant.admin.call("model.stock.move.write", [move], {"planned_date": seed.today()})
    page = plant.erp.changes(Kind.ORDER, first.cursor)
    told = sorted(o.reference for o in page.upserts if isinstance(o, OrderRecord))
    assert told == ["WO-1004", "WO-1005"], "a component's change is its order's"
    assert not plant.erp.changes(Kind.ORDER, page.cursor).upserts
    items = plant.erp.changes(Kind.ITEM, "")
    assert len(items.upserts) == len(seed.ITEMS)
    template = plant.admin.call("model.product.template.search", [["code", "=", "BOLT-M8"]], 0, 1, None)
    plant.admin.call("model.product.template.write", template, {"name": "Bolt M8x25 zinc"})
    (bolt,) = plant.erp.changes(Kind.ITEM, items.cursor).upserts
    assert isinstance(bolt, ItemRecord)
    assert bolt.name == "Bolt M8x25 zinc"


def test_a_slow_transaction_is_not_missed(plant: Plant) -> None:
    """Its rows bear the stamp of its begin: older, when they appear, than what was already read."""
    cursor = plant.erp.changes(Kind.LOT, "").cursor
    slow = plant.made_lot("SEAL-07", "S-SLOW")
    mark = json.loads(cursor)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    mark["stock.lot"]["newest"] = later.isoformat()
    overlapping = plant.erp.changes(Kind.LOT, json.dumps(mark)).upserts
    assert [record.ref.id for record in overlapping] == [slow.id]
    naive = TrytonConnector(plant.client, overlap=dt.timedelta())
    assert not naive.changes(Kind.LOT, json.dumps(mark)).upserts, "without the overlap the row is lost: the test bites"


def test_a_deletion_is_found_by_the_sweep(plant: Plant) -> None:
    order = plant.another("WO-GONE")
    known = [o.ref.id for o in plant.erp.read_master(Kind.ORDER)]
    assert not plant.erp.missing(Kind.ORDER, known)
    plant.admin.call("model.production.cancel", [int(order.ref.id)])
    plant.admin.call("model.production.delete", [int(order.ref.id)])
    assert [gone.id for gone in plant.erp.missing(Kind.ORDER, known)] == [order.ref.id]


def test_nobody_answers(plant: Plant) -> None:
    nowhere = connect("127.0.0.1", 9, database="plant", user="mos", password="x")
    with pytest.raises(ErpUnreachableError):
        nowhere.read_master(Kind.ITEM)
    order = plant.order("WO-1006")
    posting = OrderStatePosting(key=uuid4(), order=order.ref, intent=OrderIntent.RELEASE)
    assert isinstance(nowhere.set_order_state(posting), Unknown)
    assert isinstance(nowhere.find_by_key(posting), Unknown)
    wrong = connect("127.0.0.1", plant.tryton.port, database="plant", user="mos", password="wrong")
    refused = wrong.set_order_state(posting)
    assert isinstance(refused, Rejected)
    assert refused.fixable_by is FixableBy.INTEGRATION
