"""One production with its moves and our keys on them, as read at one moment: what a posting decides by."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.erp_sync.connectors.records import ErpRef
from apps.erp_sync.connectors.tryton.books import Books, Row, fence
from apps.erp_sync.connectors.tryton.orders import MOVE_FIELDS

FIELDS = (
    "state", "product", "quantity", "unit", "location", "create_date", "effective_start_date",
    "warehouse.storage_location", "warehouse.production_picking_location", "warehouse.production_output_location",
)  # fmt: skip
SETTLED = ("done", "cancelled")


@dataclass(frozen=True, slots=True)
class Picture:
    order: Row
    moves: tuple[Row, ...]
    keys: dict[int, UUID]
    us: int

    @property
    def id(self) -> int:
        return int(self.order["id"])

    @property
    def state(self) -> str:
        return str(self.order["state"])

    @property
    def fence(self) -> dict[str, Any]:
        """Context that refuses a write to the production if it changed since this picture."""
        return fence("production", self.order)

    @property
    def has_started(self) -> bool:
        return bool(self.order["effective_start_date"])

    def keyed(self, key: UUID) -> list[Row]:
        return [move for move in self.moves if self.keys.get(move["id"]) == key]

    def open_inputs(self) -> list[Row]:
        return [move for move in self.moves if move["production_input"] and move["state"] not in SETTLED]

    def open_outputs(self) -> list[Row]:
        return [move for move in self.moves if move["production_output"] and move["state"] not in SETTLED]

    def is_unmarked(self, move: Row) -> bool:
        """Ours, but its key did not get written: made by our user, after the order and its plan."""
        return (
            move["id"] not in self.keys
            and move["state"] != "cancelled"
            and move["create_uid"] == self.us
            and move["create_date"] > self.order["create_date"]
        )

    def plan(self) -> Row | None:
        """The movement by which Tryton still expects the rest of the order's quantity."""
        for move in self.open_outputs():
            is_product = move["product"] == self.order["product"] and move["unit"] == self.order["unit"]
            if is_product and move["id"] not in self.keys and not self.is_unmarked(move):
                return move
        return None

    def replan(self, more: Decimal = Decimal(0), without: Collection[int] = ()) -> list[list[Any]]:
        """The change that makes the plan the ordered quantity less all that is received or scrapped; [] if it is so.

        `more` is about to be added, the moves `without` about to go.
        """
        plan = self.plan()
        if plan is None:
            return []
        made = [
            Decimal(str(move["quantity"]))
            for move in self.moves
            if move["production_output"]
            and move["product"] == self.order["product"]
            and move["unit"] == self.order["unit"]
            and move["state"] != "cancelled"
            and move["id"] not in (plan["id"], *without)
        ]
        rest = max(Decimal(0), Decimal(str(self.order["quantity"])) - sum(made, more))
        if rest == Decimal(str(plan["quantity"])):
            return []
        return [["write", [plan["id"]], {"quantity": float(rest)}]]


def take(books: Books, order: int) -> Picture:
    """Reads the picture: three calls. Raises RejectedError if there is no such production."""
    row = books.one("production", order, FIELDS)
    moves = _moves(books, order)
    keys = books.keys("stock.move", [move["id"] for move in moves])
    return Picture(row, moves, keys, books.client.user_id)


def retake(books: Books, picture: Picture) -> Picture:
    """The picture after a step of ours: two calls, for the keys are known (only we write them)."""
    row = books.one("production", picture.id, FIELDS)
    return replace(picture, order=row, moves=_moves(books, picture.id))


def marked(books: Books, picture: Picture, drafts: Iterable[Row], key: UUID, words: str) -> Picture:
    """Marks those drafts that bear no key yet, and gives the picture that knows it."""
    keys = dict(picture.keys)
    for draft in drafts:
        if draft["id"] not in keys:
            books.mark("stock.move", draft["id"], key, words)
            keys[draft["id"]] = key
    return replace(picture, keys=keys)


def _moves(books: Books, order: int) -> tuple[Row, ...]:
    domain: list[Any] = ["OR", ["production_input", "=", order], ["production_output", "=", order]]
    return tuple(books.rows("stock.move", domain, MOVE_FIELDS))


def refs(books: Books, model: str, rows: Iterable[Row]) -> tuple[ErpRef, ...]:
    return tuple(books.version_of(row, model) for row in rows)
