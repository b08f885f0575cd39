"""Reads whole work orders: production, works, cycles, time sheet lines, moves, and our keys on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.erp_sync.connectors.records import (
    ConsumedPart,
    CycleRecord,
    DocumentState,
    ErpRef,
    LaborRecord,
    Material,
    MoveRecord,
    OperationRecord,
    OrderActuals,
    OrderRecord,
    OrderState,
)
from apps.erp_sync.connectors.tryton.books import Books, Row, chunks

STATES = {
    "request": OrderState.REQUESTED,
    "draft": OrderState.DRAFT,
    "waiting": OrderState.RELEASED,
    "assigned": OrderState.RESERVED,
    "running": OrderState.RUNNING,
    "done": OrderState.DONE,
    "cancelled": OrderState.CANCELLED,
}
ORDER_FIELDS = (
    "number", "reference", "product", "product.code", "quantity", "unit", "state", "bom", "routing", "origin",
    "planned_start_date", "planned_date", "effective_start_date", "effective_date",
)  # fmt: skip
MOVE_FIELDS = (
    "product", "product.code", "quantity", "unit", "lot", "lot.number", "from_location", "to_location",
    "to_location.type", "state", "effective_date", "planned_date", "production_input", "production_output",
    "create_uid", "create_date",
)  # fmt: skip
WORK_FIELDS = ("production", "sequence", "operation.name", "work_center", "work_center.name", "state", "timesheet_work")


class OrderBook:
    """Orders as records, any number of them in about seven calls."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def read(self, orders: Collection[int]) -> list[OrderRecord]:
        """The orders that exist among the ids."""
        if not orders:
            return []
        books = self._books
        operations = self._operations(orders)
        moves = self.moves(orders)
        keys = books.keys("stock.move", [int(row["id"]) for row in moves])
        components, receipts = defaultdict(list), defaultdict(list)
        for row in moves:
            record = self.move_record(row, keys)
            if row["production_input"]:
                components[row["production_input"]].append(record)
            else:
                receipts[row["production_output"]].append(record)
        return [
            self._record(row, operations[row["id"]], components[row["id"]], receipts[row["id"]])
            for row in books.rows_of("production", "id", orders, ORDER_FIELDS)
        ]

    def consumed(self, order: int) -> list[ConsumedPart]:
        """What the order's start has posted: its components that bear no key of ours."""
        moves = [self.move_record(row, {}) for row in self.moves([order]) if row["production_input"]]
        keys = self._books.keys("stock.move", [int(move.ref.id) for move in moves])
        return [
            ConsumedPart(move.item, move.lot, move.from_location, move.quantity)
            for move in moves
            if move.state is DocumentState.POSTED and int(move.ref.id) not in keys
        ]

    def moves(self, orders: Collection[int]) -> list[Row]:
        """The goods movements of orders, oldest first."""
        found: list[Row] = []
        for chunk in chunks(orders):
            domain: list[Any] = ["OR", ["production_input", "in", chunk], ["production_output", "in", chunk]]
            found += self._books.rows("stock.move", domain, MOVE_FIELDS)
        return found

    def move_record(self, row: Row, keys: dict[int, UUID]) -> MoveRecord:
        books = self._books
        return MoveRecord(
            ref=books.version_of(row, "stock.move"),
            item=books.ref("product.product", row["product"]),
            item_code=row["product."]["code"] or "",
            quantity=books.quantity(row["quantity"], row["unit"]),
            lot=books.maybe("stock.lot", row["lot"]),
            lot_number=row["lot."]["number"] if row["lot"] else "",
            from_location=books.ref("stock.location", row["from_location"]),
            to_location=books.ref("stock.location", row["to_location"]),
            to_waste=row["to_location."]["type"] == "lost_found",
            state=document_state(row["state"]),
            erp_state=row["state"],
            posting_date=row["effective_date"],
            planned_date=row["planned_date"],
            key=keys.get(row["id"]),
            ours=row["create_uid"] == books.client.user_id,
        )

    def _operations(self, orders: Collection[int]) -> defaultdict[int, list[OperationRecord]]:
        books = self._books
        works = books.rows_of("production.work", "production", orders, WORK_FIELDS)
        cycles = self._cycles([work["id"] for work in works])
        labor = self._labor({work["timesheet_work"]: work["id"] for work in works if work["timesheet_work"]})
        found: defaultdict[int, list[OperationRecord]] = defaultdict(list)
        for work in sorted(works, key=lambda row: (row["sequence"] or 0, row["id"])):
            record = OperationRecord(
                ref=books.version_of(work, "production.work"),
                sequence=int(work["sequence"] or 0),
                name=work["operation."]["name"],
                work_center=books.maybe("production.work.center", work["work_center"]),
                work_center_name=work["work_center."]["name"] if work["work_center"] else "",
                erp_state=work["state"],
                cycles=tuple(cycles[work["id"]]),
                labor=tuple(labor[work["id"]]),
            )
            found[work["production"]].append(record)
        return found

    def _cycles(self, works: Collection[int]) -> defaultdict[int, list[CycleRecord]]:
        books = self._books
        fields = ["work", "state", "duration", "run_by", "done_by", "create_uid"]
        rows = books.rows_of("production.work.cycle", "work", works, fields)
        keys = books.keys("production.work.cycle", [row["id"] for row in rows])
        found: defaultdict[int, list[CycleRecord]] = defaultdict(list)
        for row in rows:
            record = CycleRecord(
                ref=books.version_of(row, "production.work.cycle"),
                state=document_state(row["state"]),
                erp_state=row["state"],
                duration=row["duration"],
                person=books.maybe("company.employee", row["done_by"] or row["run_by"]),
                key=keys.get(row["id"]),
                ours=row["create_uid"] == books.client.user_id,
            )
            found[row["work"]].append(record)
        return found

    def _labor(self, works: dict[int, int]) -> defaultdict[int, list[LaborRecord]]:
        books = self._books
        found: defaultdict[int, list[LaborRecord]] = defaultdict(list)
        for row in books.rows_of("timesheet.line", "work", works, ["work", "employee", "date", "duration", "uuid"]):
            operation = works[row["work"]]
            record = LaborRecord(
                ref=books.version_of(row, "timesheet.line"),
                operation=books.ref("production.work", operation),
                person=books.ref("company.employee", row["employee"]),
                day=row["date"],
                duration=row["duration"],
                key=_uuid(row["uuid"]),
            )
            found[operation].append(record)
        return found

    def _record(
        self, row: Row, operations: list[OperationRecord], components: list[MoveRecord], receipts: list[MoveRecord]
    ) -> OrderRecord:
        books = self._books
        origin = str(row["origin"] or "").split(",")
        return OrderRecord(
            ref=books.version_of(row, "production"),
            number=row["number"] or "",
            reference=row["reference"] or "",
            item=books.maybe("product.product", row["product"]),
            item_code=row["product."]["code"] or "" if row["product"] else "",
            quantity=books.quantity(row["quantity"], row["unit"]),
            state=STATES[row["state"]],
            erp_state=row["state"],
            planned_start=row["planned_start_date"],
            planned_end=row["planned_date"],
            started_on=row["effective_start_date"],
            finished_on=row["effective_date"],
            bom=books.maybe("production.bom", row["bom"]),
            routing=books.maybe("production.routing", row["routing"]),
            demand=books.ref(origin[0], origin[1]) if len(origin) == 2 else None,
            operations=tuple(operations),
            components=tuple(components),
            receipts=tuple(receipts),
        )


def document_state(state: str) -> DocumentState:
    if state == "done":
        return DocumentState.POSTED
    return DocumentState.CANCELLED if state == "cancelled" else DocumentState.OPEN


def actuals(order: OrderRecord) -> OrderActuals:
    """Sums what Tryton has posted for an order, and sorts its documents by our keys."""
    posted = [move for move in (*order.components, *order.receipts) if move.state is DocumentState.POSTED]
    consumed = {move.item_code for move in order.components}
    keyed, opened, unkeyed = _by_key(order)
    return OrderActuals(
        order=order,
        issued=_net(order.components, [m for m in order.receipts if m.item_code in consumed and not m.to_waste]),
        received=_net([m for m in posted if m in order.receipts and m.item_code not in consumed and not m.to_waste]),
        scrapped=_net([m for m in posted if m in order.receipts and m.to_waste]),
        machine_time={
            op.ref.id: _time(c.duration for c in op.cycles if c.state is DocumentState.POSTED)
            for op in order.operations
        },
        labor_time={op.ref.id: _time(line.duration for line in op.labor) for op in order.operations},
        keys=keyed,
        open=opened,
        unkeyed=unkeyed,
    )


def _by_key(
    order: OrderRecord,
) -> tuple[dict[UUID, tuple[ErpRef, ...]], dict[UUID, tuple[ErpRef, ...]], tuple[ErpRef, ...]]:
    keyed: defaultdict[UUID, list[ErpRef]] = defaultdict(list)
    opened: defaultdict[UUID, list[ErpRef]] = defaultdict(list)
    unkeyed: list[ErpRef] = []
    cycles = [cycle for operation in order.operations for cycle in operation.cycles]
    documents: list[MoveRecord | CycleRecord] = [*order.components, *order.receipts, *cycles]
    for document in documents:
        if document.key and document.state is DocumentState.POSTED:
            keyed[document.key].append(document.ref)
        elif document.key and document.state is DocumentState.OPEN:
            opened[document.key].append(document.ref)
        elif document.state is DocumentState.POSTED:
            unkeyed.append(document.ref)
    for line in (line for operation in order.operations for line in operation.labor):
        if line.key:
            keyed[line.key].append(line.ref)
        else:
            unkeyed.append(line.ref)
    return _frozen(keyed), _frozen(opened), tuple(unkeyed)


def _frozen(refs: dict[UUID, list[ErpRef]]) -> dict[UUID, tuple[ErpRef, ...]]:
    return {key: tuple(found) for key, found in refs.items()}


def _net(moves: Iterable[MoveRecord], back: Iterable[MoveRecord] = ()) -> dict[Material, Decimal]:
    """Posted quantities; movements back are taken off."""
    sums: defaultdict[Material, Decimal] = defaultdict(Decimal)
    for sign, rows in ((1, moves), (-1, back)):
        for move in rows:
            if move.state is DocumentState.POSTED:
                sums[Material(move.item_code, move.lot_number, move.quantity.unit)] += sign * move.quantity.value
    return dict(sums)


def _time(durations: Iterable[timedelta | None]) -> timedelta:
    return sum((duration for duration in durations if duration), timedelta())


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
