"""Reads master data, demand and stock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any

from apps.erp_sync.connectors.records import (
    BomLine,
    BomRecord,
    CommitDate,
    EmployeeRecord,
    ErpRef,
    ItemRecord,
    Kind,
    LocationRecord,
    LotRecord,
    MasterRecord,
    Quantity,
    RoutingRecord,
    RoutingStep,
    StockRecord,
    UnitRecord,
    WorkCenterRecord,
)
from apps.erp_sync.connectors.tryton.books import Books, Row, plain

Builder = Callable[[Books, Row], MasterRecord]


def _unit(books: Books, row: Row) -> UnitRecord:
    return UnitRecord(
        books.version_of(row, "product.uom"),
        row["symbol"],
        row["name"],
        row["category."]["name"],
        int(row["digits"]),
        bool(row["active"]),
    )


def _location(books: Books, row: Row) -> LocationRecord:
    return LocationRecord(
        books.version_of(row, "stock.location"),
        row["code"] or "",
        row["name"],
        row["type"],
        books.maybe("stock.location", row["parent"]),
        bool(row["active"]),
    )


def _employee(books: Books, row: Row) -> EmployeeRecord:
    ref = books.version_of(row, "company.employee")
    return EmployeeRecord(ref, row["party."]["name"] or "", bool(row["active"]))


def _item(books: Books, row: Row) -> ItemRecord:
    return ItemRecord(
        books.version_of(row, "product.product"),
        row["code"] or "",
        row["name"],
        row["default_uom."]["symbol"],
        bool(row["producible"]),
        bool(row["lot_required"]),
        bool(row["active"]),
    )


def _bom(books: Books, row: Row) -> BomRecord:
    ref = books.version_of(row, "production.bom")
    return BomRecord(
        ref, row["name"], _lines(books, row["outputs."]), _lines(books, row["inputs."]), bool(row["active"])
    )


def _lines(books: Books, rows: Sequence[Row]) -> tuple[BomLine, ...]:
    return tuple(
        BomLine(
            books.ref("product.product", row["product"]),
            row["product."]["code"] or "",
            books.quantity(row["quantity"], row["unit"]),
        )
        for row in rows
        if row["product"]  # a line may name a phantom BOM in place of a product
    )


def _routing(books: Books, row: Row) -> RoutingRecord:
    steps = tuple(
        RoutingStep(
            int(step["sequence"] or 0),
            step["operation."]["name"],
            (step["operation."].get("work_center_category.") or {}).get("name", ""),
        )
        for step in sorted(row["steps."], key=lambda step: (step["sequence"] or 0, step["id"]))
    )
    boms = tuple(books.ref("production.bom", bom) for bom in row["boms"])
    return RoutingRecord(books.version_of(row, "production.routing"), row["name"], boms, steps, bool(row["active"]))


def _work_center(books: Books, row: Row) -> WorkCenterRecord:
    return WorkCenterRecord(
        books.version_of(row, "production.work.center"),
        row["name"],
        books.maybe("production.work.center", row["parent"]),
        row["category."]["name"] if row["category"] else "",
        bool(row["active"]),
    )


def _lot(books: Books, row: Row) -> LotRecord:
    ref = books.version_of(row, "stock.lot")
    return LotRecord(ref, row["number"], books.ref("product.product", row["product"]))


def _line_fields(side: str) -> list[str]:
    return [f"{side}.{field}" for field in ("product", "product.code", "quantity", "unit")]


# Kind: Tryton's model, the fields to read, what makes the record of a row.
MASTERS: dict[Kind, tuple[str, Sequence[str], Builder]] = {
    Kind.UNIT: ("product.uom", ["symbol", "name", "category.name", "digits", "active"], _unit),
    Kind.ITEM: (
        "product.product",
        ["code", "name", "default_uom.symbol", "producible", "lot_required", "active"],
        _item,
    ),
    Kind.LOCATION: ("stock.location", ["code", "name", "type", "parent", "active"], _location),
    Kind.BOM: ("production.bom", ["name", *_line_fields("inputs"), *_line_fields("outputs"), "active"], _bom),
    Kind.ROUTING: (
        "production.routing",
        [
            "name",
            "boms",
            "steps.sequence",
            "steps.operation.name",
            "steps.operation.work_center_category.name",
            "active",
        ],
        _routing,
    ),
    Kind.WORK_CENTER: (
        "production.work.center",
        ["name", "parent", "category", "category.name", "active"],
        _work_center,
    ),
    Kind.EMPLOYEE: ("company.employee", ["party.name", "active"], _employee),
    Kind.LOT: ("stock.lot", ["number", "product"], _lot),
}


class Masters:
    """Master data as records; any kind but orders."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def read(self, kind: Kind, ids: Collection[int] | None = None) -> list[MasterRecord]:
        """All records of the kind, or those with these ids."""
        model, fields, build = MASTERS[kind]
        rows = self._books.rows(model, [], fields) if ids is None else self._books.rows_of(model, "id", ids, fields)
        return [build(self._books, row) for row in rows]

    def demand(self, orders: Collection[int]) -> list[CommitDate]:
        """The sales behind orders. The header's date is the promise; a line's own date is computed by Tryton."""
        books = self._books
        origins = {
            int(row["origin"].split(",")[1]): row
            for row in books.rows_of("production", "id", orders, ["origin"])
            if str(row["origin"] or "").startswith("sale.line,")
        }
        fields = ["quantity", "unit", "shipping_date", "sale.number", "sale.reference"]
        fields += ["sale.shipping_date", "sale.party.name"]
        return [
            CommitDate(
                books.version_of(origins[line["id"]], "production"),
                books.version_of(line, "sale.line"),
                line["sale."]["reference"] or line["sale."]["number"] or "",
                line["sale."]["party."]["name"] or "",
                books.quantity(line["quantity"], line["unit"]),
                line["sale."]["shipping_date"] or line["shipping_date"],
            )
            for line in books.rows_of("sale.line", "id", origins.keys(), fields)
        ]

    def stock(self, item: int, location: int | None, lot: int | None) -> list[StockRecord]:
        """On hand at the end of today, below the location or below every warehouse's storage; lots apart."""
        places = [location] if location else self._storages()
        return [record for place in places for record in self._stock_at(item, place, lot)]

    def _stock_at(self, item: int, place: int, lot: int | None) -> list[StockRecord]:
        books = self._books
        product = books.one("product.product", item, ["default_uom", "lot_required"])
        # Without `locations` in the context Tryton answers 0.
        context = {"locations": [place], "with_childs": True, "stock_date_end": books.today()}

        def record(found: int | None, value: object) -> StockRecord:
            on_hand = Quantity(plain(Decimal(str(value or 0))), books.symbol(product["default_uom"]))
            refs = books.ref("product.product", item), books.ref("stock.location", place)
            return StockRecord(*refs, books.maybe("stock.lot", found), on_hand)

        if not lot and not product["lot_required"]:
            read = books.client.call("model.product.product.read", [item], ["quantity"], context=context)
            return [record(None, read[0]["quantity"])]
        domain: list[Any] = [["id", "=", lot]] if lot else [["product", "=", item]]
        rows = books.client.call("model.stock.lot.search_read", domain, 0, None, None, ["quantity"], context=context)
        return [record(row["id"], row["quantity"]) for row in rows if lot or row["quantity"]]

    def _storages(self) -> list[int]:
        rows = self._books.rows("stock.location", [["type", "=", "warehouse"]], ["storage_location"])
        return [row["storage_location"] for row in rows if row["storage_location"]]

    def changed_since(self, kind: Kind, moment: dt.datetime) -> list[int]:
        """Ids of records whose own row changed at or after the instant; children are the feed's business."""
        domain = [["last_modified_at", ">=", moment]]
        return [row["id"] for row in self._books.rows(MASTERS[kind][0], domain, [])]


def as_ids(books: Books, refs: Collection[ErpRef], model: str) -> list[int]:
    return [books.id_of(ref, model) for ref in refs]
