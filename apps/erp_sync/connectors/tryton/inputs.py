"""Issues to a running order.

Tryton posts components only by its own button: the order goes back to waiting, takes the extra component, reserves
it and runs again. Each step is decided by what is there, so a torn attempt is taken up where it stopped.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from apps.erp_sync.connectors.postings import AlreadyPosted, FixableBy, MovePosting, Posted, PostingResult
from apps.erp_sync.connectors.tryton.books import Books, RejectedError, Row
from apps.erp_sync.connectors.tryton.client import OutcomeUnknownError, RefusedError
from apps.erp_sync.connectors.tryton.picture import SETTLED, Picture, refs, take
from apps.erp_sync.connectors.tryton.writing import press


class Inputs:
    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: MovePosting, order: int) -> PostingResult:
        """One attempt, from whatever an earlier one left."""
        picture = take(self._books, order)
        own = picture.keyed(posting.key)
        if own and all(move["state"] in SETTLED for move in own):
            return AlreadyPosted(refs(self._books, "stock.move", own))
        if not own:
            self._stage(picture, posting)
        self._commit(order, posting)
        own = take(self._books, order).keyed(posting.key)
        total = sum((Decimal(str(move["quantity"])) for move in own if move["state"] == "done"), Decimal(0))
        if total != posting.quantity.value:
            raise OutcomeUnknownError(f"production {order} shows {total} of {posting.quantity.value} issued")
        return Posted(refs(self._books, "stock.move", own))

    def _stage(self, picture: Picture, posting: MovePosting) -> None:
        if not picture.has_started or picture.state not in ("running", "waiting", "assigned"):
            text = f"The order is {picture.state} in Tryton; material is issued to a started order."
            raise RejectedError("order state", text)
        foreign = [move for move in picture.open_inputs() if not picture.is_unmarked_draft(move)]
        if foreign:
            text = "The order has open components that are not ours; issuing would post them too."
            raise RejectedError("open components", text)
        values = self._values(picture, posting)
        if picture.state == "running":
            press(self._books, "production", picture.id, "wait", picture.fence)
            picture = take(self._books, picture.id)
        drafts = picture.open_inputs()
        if drafts and not _are(drafts, values):
            picture = self._emptied(picture)
            drafts = []
        if not drafts:
            self._write(picture, [["create", [values]]])
            drafts = take(self._books, picture.id).open_inputs()
        for draft in drafts:
            self._books.mark("stock.move", draft["id"], posting.key, f"issue {posting.reason}")

    def _values(self, picture: Picture, posting: MovePosting) -> dict[str, Any]:
        books, place = self._books, picture.order["warehouse."]
        number, unit = books.amount(posting.quantity)
        source = posting.from_location
        return {
            "product": books.id_of(posting.item, "product.product"),
            "quantity": number,
            "unit": unit,
            "lot": books.id_of(posting.lot, "stock.lot") if posting.lot else None,
            "from_location": books.id_of(source, "stock.location")
            if source
            else place["production_picking_location"] or place["storage_location"],
            "to_location": picture.order["location"],
            "company": books.client.company,
            "effective_date": books.day(posting.occurred_at),
        }

    def _commit(self, order: int, posting: MovePosting) -> None:
        books = self._books
        picture = take(books, order)
        if picture.state == "running":
            press(books, "production", order, "wait", picture.fence)
            picture = take(books, order)
        if picture.state == "waiting":
            press(books, "production", order, "assign_try", picture.fence)
            picture = take(books, order)
        if picture.state != "assigned":
            self._resume(self._emptied(picture))
            text = f"Tryton has not {posting.quantity.value} {posting.quantity.unit} to reserve for the order."
            raise RejectedError("shortage", text, FixableBy.MATERIAL)
        for draft in picture.open_inputs():
            # Reserving from several places splits a draft; the parts bear no mark yet.
            if draft["id"] not in picture.keys:
                books.mark("stock.move", draft["id"], posting.key, f"issue {posting.reason}")
        try:
            press(books, "production", order, "run", picture.fence)
        except RefusedError as refusal:
            self._resume(self._emptied(take(books, order)))
            raise RejectedError("refused", str(refusal), FixableBy.MATERIAL) from refusal

    def _emptied(self, picture: Picture) -> Picture:
        """The order without the open components of a failed or torn issue."""
        if any(move["state"] == "assigned" for move in picture.open_inputs()):
            press(self._books, "production", picture.id, "wait", picture.fence)
            picture = take(self._books, picture.id)
        drafts = [move["id"] for move in picture.open_inputs()]
        if drafts:
            self._write(picture, [["delete", drafts]])
        return take(self._books, picture.id)

    def _resume(self, picture: Picture) -> None:
        """Lets an order that was pulled back run again."""
        if picture.state == "waiting":
            press(self._books, "production", picture.id, "assign_try", picture.fence)
            picture = take(self._books, picture.id)
        if picture.state == "assigned":
            press(self._books, "production", picture.id, "run", picture.fence)
            picture = take(self._books, picture.id)
        if picture.state != "running":
            raise OutcomeUnknownError(f"production {picture.id} is {picture.state} and can't be set running again")

    def _write(self, picture: Picture, change: list[list[Any]]) -> None:
        self._books.client.call("model.production.write", [picture.id], {"inputs": change}, context=picture.fence)


def _are(drafts: list[Row], values: dict[str, Any]) -> bool:
    """Whether the drafts are the ones that these values would make, split or not."""
    total = sum((Decimal(str(draft["quantity"])) for draft in drafts), Decimal(0))
    same = all(draft[field] == values[field] for draft in drafts for field in ("product", "lot", "unit"))
    return same and total == Decimal(str(values["quantity"]))
