"""The Tryton connector against a real Tryton: what it reads, what it posts, what it refuses, what it follows."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.erp_sync.connectors.interface import (
    Absent,
    AlreadyPosted,
    BomRecord,
    ErpUnreachableError,
    FixableBy,
    ItemRecord,
    Kind,
    LaborPosting,
    Material,
    MoveKind,
    OrderIntent,
    OrderRecord,
    OrderState,
    OrderStatePosting,
    Posted,
    Quantity,
    Rejected,
    RoutingRecord,
    UnitRecord,
    Unknown,
    WorkCenterRecord,
)
from apps.erp_sync.connectors.tryton.connector import TrytonConnector, connect
from tests.tryton import seed
from tests.tryton.plant import Plant, labor_of, planned, twice

pytestmark = pytest.mark.erp
pytest_plugins = ["tests.tryton.plant"]


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
    labor = labor_of(plant, order)
    twice(plant, labor)
    assert planned(plant.erp.read_order(order.ref)) == Decimal(5)
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
    assert planned(actuals.order) == Decimal(20)
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
    assert planned(after) == Decimal(8), "the plan that was set to nothing for the finish is back"
    assert isinstance(plant.intend(order, OrderIntent.FINISH), Posted)
    assert plant.erp.reconcile(order.ref).received == {Material("ROTOR-10", "R-INSPECT", "u"): Decimal(12)}


# ---- taking back, moving stock


def test_a_posted_movement_is_taken_back_once(plant: Plant) -> None:
    order = plant.running("WO-BACK")
    lot = plant.made_lot("ROTOR-10", "R-BACK")
    received = twice(plant, plant.moved(order, MoveKind.RECEIPT, "ROTOR-10", "5", lot=lot))
    issued = twice(plant, plant.moved(order, MoveKind.ISSUE, "BOLT-M8", "6"))
    assert planned(plant.erp.read_order(order.ref)) == Decimal(15)
    for posted, item in ((received, "ROTOR-10"), (issued, "BOLT-M8")):
        twice(plant, plant.moved(order, MoveKind.REVERSAL, item, "1", reverses=posted.refs[0], reason="typed wrong"))
    actuals = plant.erp.reconcile(order.ref)
    assert not actuals.received
    assert actuals.issued[Material("BOLT-M8", "", "u")] == Decimal(40)
    assert planned(actuals.order) == Decimal(20)


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
