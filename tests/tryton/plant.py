"""The seeded Tryton as tests see it: its things by name, and a network that plays tricks. A pytest plugin."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from apps.erp_sync.connectors.interface import (
    Absent,
    AlreadyPosted,
    ComponentLot,
    Connector,
    CyclePosting,
    DocumentState,
    EmployeeRecord,
    ErpRef,
    ItemRecord,
    Kind,
    LaborPosting,
    LocationRecord,
    LotPosting,
    LotRecord,
    MoveKind,
    MovePosting,
    NotePosting,
    OrderIntent,
    OrderRecord,
    OrderStatePosting,
    Posted,
    Posting,
    PostingResult,
    Quantity,
)
from apps.erp_sync.connectors.tryton.client import Answer, HttpTransport, OutcomeUnknownError, TrytonClient
from apps.erp_sync.connectors.tryton.connector import TrytonConnector
from tests.tryton import Tryton, TrytonUnavailable, seed

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
        case NotePosting():
            return erp.note(posting)


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


def labor_of(plant: Plant, order: OrderRecord, minutes: int = 55) -> LaborPosting:
    return LaborPosting(
        key=uuid4(),
        order=order.ref,
        operation=order.operations[1].ref,
        person=plant.people["Chen Li"],
        day=seed.today(),
        duration=dt.timedelta(minutes=minutes),
        description="assembly",
    )


def planned(order: OrderRecord) -> Decimal:
    rest = [m.quantity.value for m in order.receipts if m.state is DocumentState.OPEN and m.key is None]
    return sum(rest, Decimal(0))
