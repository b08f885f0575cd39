"""Changes by timestamp, read with an overlap: Tryton has no feed of its own.

A row's stamp is the begin of its transaction, so a slow transaction commits with a stamp that is already past. Each
poll therefore reads again from `overlap` before the newest stamp seen and drops what the cursor remembers by version.
The overlap must be longer than the ERP's longest writing transaction.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from apps.erp_sync.connectors.records import ErpRef, Kind
from apps.erp_sync.connectors.tryton.books import ACTIVE_OR_NOT, DEACTIVABLE, Books, Row, chunks

OVERLAP = dt.timedelta(minutes=5)
PAGE = 1000

# Kind: the models whose rows are part of it, and the field of each that names the record it belongs to. A change of
# a child does not touch its parent's stamp.
PARTS: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.UNIT: (("product.uom", "id"),),
    Kind.ITEM: (("product.product", "id"), ("product.template", "products")),
    Kind.LOCATION: (("stock.location", "id"),),
    Kind.BOM: (("production.bom", "id"), ("production.bom.input", "bom"), ("production.bom.output", "bom")),
    Kind.ROUTING: (("production.routing", "id"), ("production.routing.step", "routing")),
    Kind.WORK_CENTER: (("production.work.center", "id"),),
    Kind.EMPLOYEE: (("company.employee", "id"),),
    Kind.LOT: (("stock.lot", "id"),),
    Kind.ORDER: (
        ("production", "id"),
        ("production.work", "production"),
        ("production.work.cycle", "work.production"),
        ("stock.move", "production"),
        ("timesheet.line", "work.origin"),
    ),
    Kind.STOCK: (("stock.move", "product"),),
}
# What the record of a kind is a record of.
RECORD_OF = {kind: parts[0][0] for kind, parts in PARTS.items()} | {Kind.STOCK: "product.product"}


@dataclass(frozen=True, slots=True)
class Changed:
    """Ids of the records touched, and the cursor after them."""

    ids: tuple[int, ...]
    cursor: str


class Feed:
    def __init__(self, books: Books, overlap: dt.timedelta = OVERLAP) -> None:
        self._books = books
        self._overlap = overlap

    def changed(self, kind: Kind, cursor: str) -> Changed:
        """Records of a kind that changed since the cursor. Raises ValueError for a cursor of another make."""
        marks: dict[str, Any] = json.loads(cursor) if cursor else {}
        ids: dict[int, None] = {}
        after: dict[str, Any] = {}
        for model, owner in PARTS[kind]:
            mark = marks.get(model, {"newest": None, "seen": {}})
            rows = self._rows(model, owner, mark["newest"])
            fresh = [row for row in rows if mark["seen"].get(str(row["id"])) != row["_timestamp"]]
            ids |= dict.fromkeys(self._owners(fresh, owner))
            after[model] = self._mark(rows, mark)
        return Changed(tuple(ids), json.dumps(after, separators=(",", ":")))

    def missing(self, kind: Kind, known: Collection[str]) -> list[ErpRef]:
        """The known ids that are gone: a deletion leaves no other trace."""
        model = RECORD_OF[kind]
        gone: list[ErpRef] = []
        for chunk in chunks([int(one) for one in known]):
            domain: list[Any] = [["id", "in", chunk]]
            if model in DEACTIVABLE:
                domain.append(ACTIVE_OR_NOT)
            there = set(self._books.client.call(f"model.{model}.search", domain, 0, None, None))
            gone += [self._books.ref(model, one) for one in chunk if one not in there]
        return gone

    def _rows(self, model: str, owner: str, newest: str | None) -> list[Row]:
        """The rows stamped at or after the overlap, page by page by stamp: an offset would slip under changes."""
        begin = dt.datetime.fromisoformat(newest) - self._overlap if newest else None
        fields = ["last_modified_at", "_timestamp", *([owner] if owner != "id" else [])]
        found: dict[int, Row] = {}
        limit = PAGE
        while True:
            domain: list[Any] = [["last_modified_at", ">=", begin]] if begin else []
            if model in DEACTIVABLE:
                domain.append(ACTIVE_OR_NOT)
            order = [["last_modified_at", "ASC"], ["id", "ASC"]]
            page = self._books.client.call(f"model.{model}.search_read", domain, 0, limit, order, fields)
            found |= {row["id"]: row for row in page}
            if len(page) < limit:
                return list(found.values())
            # One transaction stamps all its rows alike, so a page may end where it began.
            limit = limit * 2 if page[-1]["last_modified_at"] == begin else PAGE
            begin = page[-1]["last_modified_at"]

    def _mark(self, rows: list[Row], before: dict[str, Any]) -> dict[str, Any]:
        if not rows:
            return before
        newest = max(row["last_modified_at"] for row in rows)
        if before["newest"]:
            newest = max(newest, dt.datetime.fromisoformat(before["newest"]))
        horizon = newest - self._overlap
        seen = {str(row["id"]): row["_timestamp"] for row in rows if row["last_modified_at"] >= horizon}
        return {"newest": newest.isoformat(), "seen": seen}

    def _owners(self, rows: list[Row], owner: str) -> list[int]:
        if owner == "products":
            return [product for row in rows for product in row["products"]]
        if owner == "work.origin":
            origins = [str(row["work."]["origin"] or "") for row in rows if row["work."]]
            works = {int(origin.split(",")[1]) for origin in origins if origin.startswith("production.work,")}
            return [row["production"] for row in self._books.rows_of("production.work", "id", works, ["production"])]
        if owner == "work.production":
            return [row["work."]["production"] for row in rows]
        return [int(row[owner]) for row in rows if row[owner]]
