"""Receipts, scrap and returns of an order: drafts among its outputs, then `do` on the movement.

A return is an output too: Tryton then takes its cost off the order.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from apps.erp_sync.connectors.postings import (
    AlreadyPosted,
    FixableBy,
    MoveKind,
    MovePosting,
    Pending,
    Posted,
    PostingResult,
)
from apps.erp_sync.connectors.tryton.books import Books, RejectedError, Row
from apps.erp_sync.connectors.tryton.client import OutcomeUnknownError, RefusedError
from apps.erp_sync.connectors.tryton.picture import SETTLED, Picture, refs, retake, take
from apps.erp_sync.connectors.tryton.writing import press

COMPARED = ("product", "lot", "unit", "from_location", "to_location")


class Outputs:
    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: MovePosting, order: int) -> PostingResult:
        """One attempt, from whatever an earlier one left."""
        picture = take(self._books, order)
        own = picture.keyed(posting.key)
        if own and all(move["state"] in SETTLED for move in own):
            return AlreadyPosted(refs(self._books, "stock.move", own))
        draft = own[0] if own else self._stage(picture, posting)
        return self._commit(order, draft["id"], posting)

    def _stage(self, picture: Picture, posting: MovePosting) -> Row:
        """A marked draft: the one whose mark got lost, or a new one made under the fence."""
        if picture.state != "running":
            raise RejectedError("order state", f"The order is {picture.state} in Tryton, it must be running.")
        values = self._values(picture, posting)
        draft = _find(picture, values)
        left = [move["id"] for move in picture.open_outputs() if picture.is_unmarked(move) and move is not draft]
        # Every earlier posting to this order is settled, so an unmarked draft is a request that came too late.
        sweep: list[list[Any]] = [["delete", left]] if left else []
        if draft is None:
            is_product = values["product"] == picture.order["product"]
            change = [
                ["create", [values]],
                *sweep,
                *picture.replan(posting.quantity.value if is_product else Decimal(0), left),
            ]
            self._write(picture, change)
            draft = _find(retake(self._books, picture), values)
            if draft is None:
                raise OutcomeUnknownError(f"the draft on production {picture.id} can't be found again")
        elif sweep:
            self._write(picture, sweep)
        self._books.mark("stock.move", draft["id"], posting.key, f"{posting.kind.value} {posting.reason}")
        return draft

    def _values(self, picture: Picture, posting: MovePosting) -> dict[str, Any]:
        books, order = self._books, picture.order
        number, unit = books.amount(posting.quantity)
        product = books.id_of(posting.item, "product.product")
        if product == order["product"] and unit != order["unit"]:
            text = f"The order counts in {books.symbol(order['unit'])}, not in {posting.quantity.unit}."
            raise RejectedError("unit", text, FixableBy.ENGINEER)
        values = {
            "product": product,
            "quantity": number,
            "unit": unit,
            "lot": books.id_of(posting.lot, "stock.lot") if posting.lot else None,
            "from_location": order["location"],
            "to_location": self._target(order, posting),
            "company": books.client.company,
            "effective_date": books.day(posting.occurred_at),
        }
        if posting.kind is not MoveKind.SCRAP:
            values |= {"unit_price": Decimal(0), "currency": books.currency()}
        return values

    def _target(self, order: Row, posting: MovePosting) -> int:
        if posting.to_location:
            return self._books.id_of(posting.to_location, "stock.location")
        if posting.kind is MoveKind.SCRAP:
            raise RejectedError("location", "Scrap needs the location of its reason.", FixableBy.ENGINEER)
        place = order["warehouse."]
        return int(place["production_output_location"] or place["storage_location"])

    def _commit(self, order: int, draft: int, posting: MovePosting) -> PostingResult:
        books = self._books
        try:
            press(books, "stock.move", draft, "do")
        except RefusedError as refusal:
            # Refused also means: a late answer of ours was the first.
            if books.one("stock.move", draft, ["state"])["state"] != "done":
                self._discard(order, draft)
                raise RejectedError("refused", str(refusal), FixableBy.MATERIAL) from refusal
        row = books.one("stock.move", draft, ["state", "quantity", "unit"])
        found = refs(books, "stock.move", [row])
        if row["state"] != "done":
            raise OutcomeUnknownError(f"stock move {draft} is {row['state']} after do")
        if books.quantity(row["quantity"], row["unit"]).value != posting.quantity.value:
            return Pending(found, f"Tryton posted {row['quantity']}, not {posting.quantity.value}.")
        return Posted(found)

    def _discard(self, order: int, draft: int) -> None:
        """Takes a refused draft away: left there, Tryton would post it when the order is finished."""
        picture = take(self._books, order)
        self._write(picture, [["delete", [draft]], *picture.replan(without=[draft])])

    def _write(self, picture: Picture, change: list[list[Any]]) -> None:
        self._books.client.call("model.production.write", [picture.id], {"outputs": change}, context=picture.fence)


def _find(picture: Picture, values: dict[str, Any]) -> Row | None:
    """Our movement without a mark; posted already if somebody's button on the order was quicker than ours."""
    for move in picture.moves:
        same = all(move[field] == values[field] for field in COMPARED)
        if (
            move["production_output"]
            and same
            and picture.is_unmarked(move)
            and float(move["quantity"]) == values["quantity"]
        ):
            return move
    return None
