"""Movements without an order: transfers and scrap out of stock as internal shipments, and taking a movement back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.erp_sync.connectors.postings import (
    Absent,
    AlreadyPosted,
    FixableBy,
    KeyLookup,
    MovePosting,
    Posted,
    PostingResult,
    Staged,
)
from apps.erp_sync.connectors.records import ErpRef
from apps.erp_sync.connectors.tryton.books import MARK, Books, RejectedError, Row
from apps.erp_sync.connectors.tryton.client import OutcomeUnknownError, RefusedError, StaleRecordError
from apps.erp_sync.connectors.tryton.picture import refs, take
from apps.erp_sync.connectors.tryton.writing import press

SHIPMENT = "stock.shipment.internal"
NEXT = {"request": "draft", "draft": "wait", "waiting": "assign_try", "assigned": "do"}


class Transfers:
    """An internal shipment carries our key as its reference, in the same transaction that makes it."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: MovePosting) -> PostingResult:
        """One attempt, from whatever an earlier one left."""
        found = self._shipments(posting.key)
        if found and found[0]["state"] == "done":
            return AlreadyPosted(self._moves(found[0]))
        if not found:
            self._books.client.call(f"model.{SHIPMENT}.create", [self._values(posting)])
            found = self._shipments(posting.key)
        for twin in found[1:]:
            # A create that arrived after we had given it up. It is a draft: only the first is ever committed.
            press(self._books, SHIPMENT, twin["id"], "cancel")
        shipment = self._commit(found[0])
        return Posted(self._moves(shipment))

    def find(self, key: UUID) -> KeyLookup:
        found = self._shipments(key)
        if not found:
            return Absent()
        if found[0]["state"] == "done":
            return AlreadyPosted(self._moves(found[0]))
        return Staged(refs(self._books, SHIPMENT, found[:1]))

    def _shipments(self, key: UUID) -> list[Row]:
        """Those with our key that are not cancelled; the one that counts first."""
        domain: list[Any] = [["reference", "=", f"{MARK} {key}"], ["state", "!=", "cancelled"]]
        rows = self._books.rows(SHIPMENT, domain, ["state", "moves"])
        return sorted(rows, key=lambda row: (row["state"] != "done", row["id"]))

    def _values(self, posting: MovePosting) -> dict[str, Any]:
        books = self._books
        if posting.from_location is None or posting.to_location is None:
            raise RejectedError("location", "A transfer needs both locations.", FixableBy.ENGINEER)
        number, unit = books.amount(posting.quantity)
        day = books.day(posting.occurred_at)
        places = {
            "from_location": books.id_of(posting.from_location, "stock.location"),
            "to_location": books.id_of(posting.to_location, "stock.location"),
            "company": books.client.company,
        }
        move = places | {
            "product": books.id_of(posting.item, "product.product"),
            "quantity": number,
            "unit": unit,
            "lot": books.id_of(posting.lot, "stock.lot") if posting.lot else None,
            "planned_date": day,
        }
        dates = {"planned_date": day, "planned_start_date": day, "effective_date": day}
        return places | dates | {"reference": f"{MARK} {posting.key}", "moves": [["create", [move]]]}

    def _commit(self, shipment: Row) -> Row:
        books, record = self._books, int(shipment["id"])
        try:
            while shipment["state"] in NEXT:
                button = NEXT[shipment["state"]]
                press(books, SHIPMENT, record, button)
                before, shipment = shipment, books.one(SHIPMENT, record, ["state", "moves"])
                if shipment["state"] == before["state"]:
                    press(books, SHIPMENT, record, "cancel")
                    raise RejectedError("shortage", "Tryton has not that much to move.", FixableBy.MATERIAL)
        except RefusedError as refusal:
            now = books.one(SHIPMENT, record, ["state", "moves"])
            if now["state"] != shipment["state"]:
                raise StaleRecordError(f"internal shipment {record} moved on meanwhile") from refusal
            press(books, SHIPMENT, record, "cancel")
            raise RejectedError("refused", str(refusal), FixableBy.MATERIAL) from refusal
        if shipment["state"] != "done":
            raise OutcomeUnknownError(f"internal shipment {record} is {shipment['state']}")
        return shipment

    def _moves(self, shipment: Row) -> tuple[ErpRef, ...]:
        return refs(self._books, "stock.move", self._books.rows_of("stock.move", "id", shipment["moves"], []))


class Reversals:
    """Takes back the whole of a posted movement by Tryton's cancel button; needs the group Stock Cancellation."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: MovePosting) -> PostingResult:
        books, move = self._books, self._move(posting)
        if move["state"] != "cancelled":
            if move["state"] != "done":
                raise RejectedError("not posted", f"The movement is {move['state']}; only a posted one is taken back.")
            self._explain(move, posting)
            shipment = str(move["shipment"] or "")
            if shipment:
                model, record = shipment.split(",")
                press(books, model, int(record), "cancel")
            else:
                press(books, "stock.move", move["id"], "cancel")
        after = self._move(posting)
        if after["state"] != "cancelled":
            raise OutcomeUnknownError(f"stock move {move['id']} is {after['state']} after cancel")
        self._replan(after)
        found = refs(books, "stock.move", [after])
        return AlreadyPosted(found) if move["state"] == "cancelled" else Posted(found)

    def find(self, posting: MovePosting) -> KeyLookup:
        move = self._move(posting)
        return AlreadyPosted(refs(self._books, "stock.move", [move])) if move["state"] == "cancelled" else Absent()

    def _move(self, posting: MovePosting) -> Row:
        if posting.reverses is None:
            raise RejectedError("wrong reference", "A reversal names what it takes back.", FixableBy.INTEGRATION)
        record = self._books.id_of(posting.reverses, "stock.move")
        return self._books.one("stock.move", record, ["state", "shipment", "production_output"])

    def _explain(self, move: Row, posting: MovePosting) -> None:
        """Leaves a note for people; the state itself is what makes a second reversal impossible."""
        resource, message = f"stock.move,{move['id']}", f"{MARK}-reversal {posting.key}\n{posting.reason}".strip()
        if not self._books.rows("ir.note", [["resource", "=", resource], ["message", "=", message]], []):
            self._books.client.call("model.ir.note.create", [{"resource": resource, "message": message}])

    def _replan(self, move: Row) -> None:
        """A receipt taken back is to be made again."""
        if not move["production_output"]:
            return
        picture = take(self._books, move["production_output"])
        change = picture.replan()
        if picture.state == "running" and change:
            write = {"outputs": change}
            self._books.client.call("model.production.write", [picture.id], write, context=picture.fence)
