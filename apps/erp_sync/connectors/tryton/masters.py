"""Reads master data, demand and stock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal

from apps.erp_sync.connectors.records import (
    BomLine,
    BomRecord,
    CommitDate,
    EmployeeRecord,
    ItemRecord,
    Kind,
    LocationRecord,
    LocationUse,
    LotRecord,
    MasterRecord,
    RoutingRecord,
    RoutingStep,
    UnitRecord,
    WorkCenterRecord,
)
from apps.erp_sync.connectors.tryton.books import Books, Row, plain

USES = {"production": LocationUse.PRODUCTION, "lost_found": LocationUse.SCRAP}
Builder = Callable[[Books, Row], MasterRecord]


def _unit(books: Books, row: Row) -> UnitRecord:
    return UnitRecord(
        books.version_of(row, "product.uom"),
        row["symbol"],
        row["name"],
        row["category."]["name"],
        plain(Decimal(str(row["factor"]))),
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
        _use(books, row),
        bool(row["active"]),
    )


def _use(books: Books, row: Row) -> LocationUse:
    """An order reserves below its warehouse's storage only: goods at the gate or in quarantine are out of reach."""
    if row["type"] == "storage":
        return LocationUse.STORAGE if row["id"] in books.storages() else LocationUse.OUT_OF_REACH
    return USES.get(row["type"], LocationUse.ELSEWHERE)


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
            books.work_centers(step["operation."]["work_center_category"]),
        )
        for step in sorted(row["steps."], key=lambda step: (step["sequence"] or 0, step["id"]))
    )
    return RoutingRecord(
        books.version_of(row, "production.routing"), row["name"], books.made_by(row["boms"]), steps, bool(row["active"])
    )


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
    Kind.UNIT: ("product.uom", ["symbol", "name", "category.name", "factor", "digits", "active"], _unit),
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
            "steps.operation.work_center_category",
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
        self._books.forget_plant()
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
