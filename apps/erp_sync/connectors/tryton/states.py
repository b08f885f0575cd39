"""Order states, by Tryton's own buttons and never by writing the field.

Every button is pressed under the fence of the state it was decided by: `wait` is allowed from running too and would
pull the order back, so it must not act on an order that has moved on.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from apps.erp_sync.connectors.postings import (
    ORDER_CANCELLED,
    Absent,
    AlreadyPosted,
    ComponentLot,
    FixableBy,
    KeyLookup,
    OrderIntent,
    OrderStatePosting,
    Posted,
    PostingResult,
)
from apps.erp_sync.connectors.tryton.books import Books, RejectedError, Row
from apps.erp_sync.connectors.tryton.client import OutcomeUnknownError, RefusedError
from apps.erp_sync.connectors.tryton.picture import Picture, refs, retake, take
from apps.erp_sync.connectors.tryton.writing import press

# Which states mean that an intent has had its effect.
REACHED = {
    OrderIntent.RELEASE: ("waiting", "assigned", "running", "done"),
    OrderIntent.RESERVE: ("assigned", "running", "done"),
    OrderIntent.START: ("running", "done"),
    OrderIntent.FINISH: ("done",),
    OrderIntent.CANCEL: ("cancelled",),
}


class States:
    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: OrderStatePosting) -> PostingResult:
        """One attempt, from whatever an earlier one left."""
        picture = self._picture(posting)
        if picture.state in REACHED[posting.intent]:
            return AlreadyPosted(refs(self._books, "production", [picture.order]))
        if posting.version and posting.version != picture.order["_timestamp"]:
            raise RejectedError("stale", "The order has changed in Tryton since it was read.")
        if picture.state == "cancelled":
            raise RejectedError(ORDER_CANCELLED, "The order is cancelled in Tryton.")
        match posting.intent:
            case OrderIntent.RELEASE:
                self._release(picture)
            case OrderIntent.RESERVE:
                self._reserve(self._release(picture))
            case OrderIntent.START:
                self._start(picture, posting.lots)
            case OrderIntent.FINISH:
                self._finish(picture)
            case OrderIntent.CANCEL:
                self._cancel(picture)
        after = self._picture(posting)
        if after.state not in REACHED[posting.intent]:
            raise OutcomeUnknownError(f"production {after.id} is {after.state} after {posting.intent.value}")
        return Posted(refs(self._books, "production", [after.order]))

    def find(self, posting: OrderStatePosting) -> KeyLookup:
        picture = self._picture(posting)
        if picture.state in REACHED[posting.intent]:
            return AlreadyPosted(refs(self._books, "production", [picture.order]))
        return Absent()

    def _picture(self, posting: OrderStatePosting) -> Picture:
        return take(self._books, self._books.id_of(posting.order, "production"))

    def _press(self, picture: Picture, button: str) -> Picture:
        press(self._books, "production", picture.id, button, picture.fence)
        return retake(self._books, picture)

    def _release(self, picture: Picture) -> Picture:
        if picture.state == "request":
            picture = self._press(picture, "draft")
        if picture.state == "draft":
            picture = self._press(picture, "wait")
        return picture

    def _reserve(self, picture: Picture) -> Picture:
        if picture.state == "waiting":
            picture = self._press(picture, "assign_try")
        if picture.state != "assigned":
            # assign_try answers null whether it reserved all, a part or nothing, and it keeps the part: given back,
            # or this order would starve the others while it can't run itself.
            short = [_words(self._books, move) for move in picture.open_inputs() if move["state"] == "draft"]
            if picture.state == "waiting":
                self._press(picture, "wait")
            raise RejectedError("shortage", f"Tryton can't reserve {', '.join(short)}.", FixableBy.MATERIAL)
        return picture

    def _start(self, picture: Picture, lots: tuple[ComponentLot, ...]) -> None:
        if any(move["id"] in picture.keys for move in picture.open_inputs()):
            raise RejectedError("open postings", "An issue to this order is not settled yet.", FixableBy.INTEGRATION)
        picture = self._release(picture)
        change = self._lot_change(picture, lots)
        if change:
            if picture.state == "assigned":
                picture = self._press(picture, "wait")
                change = self._lot_change(picture, lots)
            write = {"inputs": change}
            self._books.client.call("model.production.write", [picture.id], write, context=picture.fence)
            picture = retake(self._books, picture)
        picture = self._reserve(picture)
        try:
            self._press(picture, "run")
        except RefusedError as refusal:
            raise RejectedError("refused", str(refusal), FixableBy.MATERIAL) from refusal

    def _lot_change(self, picture: Picture, lots: tuple[ComponentLot, ...]) -> list[list[Any]]:
        """What makes the planned components those lots; [] if they are already."""
        books = self._books
        wanted: defaultdict[tuple[int, int], list[tuple[int | None, float]]] = defaultdict(list)
        for part in lots:
            number, unit = books.amount(part.quantity)
            lot = books.id_of(part.lot, "stock.lot") if part.lot else None
            wanted[books.id_of(part.item, "product.product"), unit].append((lot, number))
        change: list[list[Any]] = []
        for (product, unit), parts in wanted.items():
            planned = [m for m in picture.open_inputs() if m["product"] == product and m["unit"] == unit]
            if not planned:
                text = f"The order needs no {books.symbol(unit)} of item {product}."
                raise RejectedError("no such component", text, FixableBy.PLANNER)
            # Reserving may have split a part over places, so compare what each lot comes to.
            if _sums((m["lot"], m["quantity"]) for m in planned) != _sums(parts):
                change += _rewritten(planned, parts)
        return change

    def _finish(self, picture: Picture) -> None:
        if picture.state != "running":
            raise RejectedError("order state", f"The order is {picture.state} in Tryton, it must be running.")
        if any(move["id"] in picture.keys for move in (*picture.open_inputs(), *picture.open_outputs())):
            raise RejectedError("open postings", "A posting to this order is not settled yet.", FixableBy.INTEGRATION)
        self._sweep_cycles(picture)
        works = self._books.rows("production.work", [["production", "=", picture.id]], ["state", "operation.name"])
        left = [work["operation."]["name"] for work in works if work["state"] not in ("finished", "done")]
        if left:
            raise RejectedError("operations open", f"Not confirmed: {', '.join(left)}.")
        # `do` would post whatever is still planned as if it had been made. Tryton lets a posted movement of nothing
        # be deleted, and a refusal lets the plan be written back.
        rest = [move["id"] for move in picture.open_outputs()]
        if rest:
            self._write_outputs(picture, [["write", rest, {"quantity": 0.0}]])
            picture = retake(self._books, picture)
        try:
            self._press(picture, "do")
        except (RefusedError, RejectedError) as refusal:
            picture = take(self._books, picture.id)
            change = picture.replan()
            if change:
                self._write_outputs(picture, change)
            if isinstance(refusal, RejectedError):
                raise
            raise RejectedError("refused", str(refusal), FixableBy.PLANNER) from refusal
        if rest:
            self._write_outputs(take(self._books, picture.id), [["delete", rest]])

    def _sweep_cycles(self, picture: Picture) -> None:
        """Cancels draft cycles of ours without a mark: requests that came after we had staged anew."""
        books = self._books
        domain = [["work.production", "=", picture.id], ["state", "=", "draft"]]
        domain.append(["create_uid", "=", books.client.user_id])
        drafts = [row["id"] for row in books.rows("production.work.cycle", domain, [])]
        keys = books.keys("production.work.cycle", drafts)
        for draft in drafts:
            if draft not in keys:
                press(books, "production.work.cycle", draft, "cancel")

    def _cancel(self, picture: Picture) -> None:
        if picture.has_started:
            # The button would take back every posted movement along with the order.
            raise RejectedError("started", "The order has started in Tryton: finish it with what was made.")
        self._press(picture, "cancel")

    def _write_outputs(self, picture: Picture, change: list[list[Any]]) -> None:
        self._books.client.call("model.production.write", [picture.id], {"outputs": change}, context=picture.fence)


def _sums(parts: Any) -> dict[int | None, Decimal]:
    sums: defaultdict[int | None, Decimal] = defaultdict(Decimal)
    for lot, quantity in parts:
        sums[lot] += Decimal(str(quantity))
    return dict(sums)


def _rewritten(planned: list[Row], parts: list[tuple[int | None, float]]) -> list[list[Any]]:
    """The first planned movement takes the first lot, more lots become more movements, surplus ones go."""
    first, *surplus = planned
    change: list[list[Any]] = [["write", [first["id"]], {"lot": parts[0][0], "quantity": parts[0][1]}]]
    same = ("product", "unit", "from_location", "to_location", "planned_date")
    more = [{field: first[field] for field in same} | {"lot": lot, "quantity": number} for lot, number in parts[1:]]
    if more:
        change.append(["create", more])
    if surplus:
        change.append(["delete", [move["id"] for move in surplus]])
    return change


def _words(books: Books, move: Row) -> str:
    lot = f" of lot {move['lot.']['number']}" if move["lot"] else ""
    quantity = books.quantity(move["quantity"], move["unit"])
    return f"{quantity.value} {quantity.unit} {move['product.']['code']}{lot}"
