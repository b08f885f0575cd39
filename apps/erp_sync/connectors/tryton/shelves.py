"""What lies where, and what is still to come from suppliers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from apps.erp_sync.connectors.records import ErpRef, ExpectedReceipt, ItemStockRecord, Quantity, StockRecord
from apps.erp_sync.connectors.tryton.books import Books, Row, chunks, plain

OPEN_MOVES = ("draft", "assigned")


class Shelves:
    """Quantities are as of the end of the company's today. Without `locations` in the context Tryton answers 0."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def read(self, items: Collection[int]) -> list[ItemStockRecord]:
        """Where each item lies, by place without those below it; two calls per place, however many items."""
        if not items:
            return []
        books = self._books
        products = books.rows_of("product.product", "id", items, ["default_uom", "lot_required"])
        found: defaultdict[int, list[StockRecord]] = defaultdict(list)
        for place in books.rows("stock.location", [["type", "=", "storage"]], []):
            for chunk in chunks(products):
                for record in self._lying(chunk, place["id"], below=False):
                    found[int(record.item.id)].append(record)
        return [ItemStockRecord(books.version_of(row, "product.product"), tuple(found[row["id"]])) for row in products]

    def stock(self, item: int, location: int | None, lot: int | None) -> list[StockRecord]:
        """Of one item, below the location or below every warehouse's storage; lots apart, or only the one."""
        products = self._books.rows("product.product", [["id", "=", item]], ["default_uom", "lot_required"])
        places = [location] if location else self._storages()
        return [record for place in places for record in self._lying(products, place, below=True, lot=lot)]

    def expected(self) -> list[ExpectedReceipt]:
        """The movements that purchases are waiting for."""
        books = self._books
        domain: list[Any] = [["origin", "like", "purchase.line,%"], ["from_location.type", "=", "supplier"]]
        domain.append(["state", "in", list(OPEN_MOVES)])
        moves = books.rows("stock.move", domain, ["product", "quantity", "unit", "planned_date", "origin"])
        lines = {int(str(move["origin"]).split(",")[1]) for move in moves}
        fields = ["purchase.number", "purchase.reference", "purchase.party.name"]
        purchases = {row["id"]: row["purchase."] for row in books.rows_of("purchase.line", "id", lines, fields)}
        return [self._expected(move, purchases[int(str(move["origin"]).split(",")[1])]) for move in moves]

    def _expected(self, move: Row, purchase: Row) -> ExpectedReceipt:
        books = self._books
        return ExpectedReceipt(
            books.version_of(move, "stock.move"),
            books.ref("product.product", move["product"]),
            books.quantity(move["quantity"], move["unit"]),
            move["planned_date"],
            purchase["party."]["name"] or "",
            purchase["reference"] or purchase["number"] or "",
        )

    def _lying(self, products: list[Row], place: int, *, below: bool, lot: int | None = None) -> list[StockRecord]:
        """What is kept by lot, by lot; nothing is told only of what was asked for by name."""
        books = self._books
        context = {"locations": [place], "with_childs": below, "stock_date_end": books.today()}
        by_lot = {row["id"]: row for row in products if row["lot_required"] or lot}
        by_item = {row["id"]: row for row in products if row["id"] not in by_lot}
        found: list[StockRecord] = []
        if by_item:
            rows = books.client.call("model.product.product.read", list(by_item), ["quantity"], context=context)
            found += [self._record(by_item[row["id"]], place, None, row["quantity"]) for row in rows]
        if by_lot:
            domain = [["id", "=", lot]] if lot else [["product", "in", list(by_lot)]]
            fields = ["product", "quantity"]
            rows = books.client.call("model.stock.lot.search_read", domain, 0, None, None, fields, context=context)
            found += [self._record(by_lot[row["product"]], place, row["id"], row["quantity"]) for row in rows]
        return [record for record in found if record.on_hand.value or (below and (lot or record.lot is None))]

    def _record(self, product: Row, place: int, lot: int | None, value: object) -> StockRecord:
        books = self._books
        item: ErpRef = books.ref("product.product", product["id"])
        on_hand = Quantity(plain(Decimal(str(value or 0))), books.symbol(product["default_uom"]))
        return StockRecord(item, books.ref("stock.location", place), books.maybe("stock.lot", lot), on_hand)

    def _storages(self) -> list[int]:
        rows = self._books.rows("stock.location", [["type", "=", "warehouse"]], ["storage_location"])
        return [row["storage_location"] for row in rows if row["storage_location"]]
