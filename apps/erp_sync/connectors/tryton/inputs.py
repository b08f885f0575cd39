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
from apps.erp_sync.connectors.tryton.picture import SETTLED, Picture, marked, refs, retake, take
from apps.erp_sync.connectors.tryton.writing import press


class Inputs:
    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: MovePosting, order: int) -> PostingResult:
        """One attempt, from whatever an earlier one left."""
        books = self._books
        picture = take(books, order)
        own = picture.keyed(posting.key)
        if own and all(move["state"] in SETTLED for move in own):
            return AlreadyPosted(refs(books, "stock.move", own))
        if not own:
            picture = self._stage(picture, posting)
        issued = self._commit(picture, posting)
        own = books.rows("stock.move", [["id", "in", issued]], ["state", "quantity"])
        total = sum((Decimal(str(move["quantity"])) for move in own if move["state"] == "done"), Decimal(0))
        if total != posting.quantity.value:
            raise OutcomeUnknownError(f"production {order} shows {total} of {posting.quantity.value} issued")
        return Posted(refs(books, "stock.move", own))

    def _stage(self, picture: Picture, posting: MovePosting) -> Picture:
        """The order pulled back to waiting, with the component as a marked draft."""
        if not picture.has_started or picture.state not in ("running", "waiting", "assigned"):
            text = f"The order is {picture.state} in Tryton; material is issued to a started order."
            raise RejectedError("order state", text)
        foreign = [move for move in picture.open_inputs() if not picture.is_unmarked(move)]
        if foreign:
            text = "The order has open components that are not ours; issuing would post them too."
            raise RejectedError("open components", text)
        values = self._values(picture, posting)
        if picture.state == "running":
            picture = self._pressed(picture, "wait")
        drafts = picture.open_inputs()
        if drafts and not _are(drafts, values):
            picture = self._emptied(picture)
            drafts = []
        if not drafts:
            self._write(picture, [["create", [values]]])
            picture = retake(self._books, picture)
            drafts = picture.open_inputs()
        return marked(self._books, picture, drafts, posting.key, f"issue {posting.reason}")

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

    def _commit(self, picture: Picture, posting: MovePosting) -> list[int]:
        """Reserves and runs; gives the ids of what that issued."""
        if picture.state == "running":
            picture = self._pressed(picture, "wait")
        if picture.state == "waiting":
            picture = self._pressed(picture, "assign_try")
        if picture.state != "assigned":
            self._resume(self._emptied(picture))
            text = f"Tryton has not {posting.quantity.value} {posting.quantity.unit} to reserve for the order."
            raise RejectedError("shortage", text, FixableBy.MATERIAL)
        # Reserving from several places splits a draft; the parts bear no mark yet.
        drafts = picture.open_inputs()
        picture = marked(self._books, picture, drafts, posting.key, f"issue {posting.reason}")
        try:
            press(self._books, "production", picture.id, "run", picture.fence)
        except RefusedError as refusal:
            self._resume(self._emptied(retake(self._books, picture)))
            raise RejectedError("refused", str(refusal), FixableBy.MATERIAL) from refusal
        return [draft["id"] for draft in drafts]

    def _pressed(self, picture: Picture, button: str) -> Picture:
        press(self._books, "production", picture.id, button, picture.fence)
        return retake(self._books, picture)

    def _emptied(self, picture: Picture) -> Picture:
        """The order without the open components of a failed or torn issue."""
        if any(move["state"] == "assigned" for move in picture.open_inputs()):
            picture = self._pressed(picture, "wait")
        drafts = [move["id"] for move in picture.open_inputs()]
        if drafts:
            self._write(picture, [["delete", drafts]])
        return retake(self._books, picture)

    def _resume(self, picture: Picture) -> None:
        """Lets an order that was pulled back run again."""
        if picture.state == "waiting":
            picture = self._pressed(picture, "assign_try")
        if picture.state == "assigned":
            picture = self._pressed(picture, "run")
        if picture.state != "running":
            raise OutcomeUnknownError(f"production {picture.id} is {picture.state} and can't be set running again")

    def _write(self, picture: Picture, change: list[list[Any]]) -> None:
        self._books.client.call("model.production.write", [picture.id], {"inputs": change}, context=picture.fence)


def _are(drafts: list[Row], values: dict[str, Any]) -> bool:
    """Whether the drafts are the ones that these values would make, split or not."""
    total = sum((Decimal(str(draft["quantity"])) for draft in drafts), Decimal(0))
    same = all(draft[field] == values[field] for draft in drafts for field in ("product", "lot", "unit"))
    return same and total == Decimal(str(values["quantity"]))
