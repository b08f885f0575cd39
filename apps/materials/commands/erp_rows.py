"""What an ERP sends, row by row, and what came of each.

From the ERP every row has its `erp_key`, and names others (`unit`, `item`, ...) by theirs.  Made here - a plant without
an ERP, an import at a desk - it has none, and names others by their codes; then `code` says which row is meant.
Absent rows are left alone: to take one out of use, send it with `active=False`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

MOST_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class Row:
    """`version` as the ERP writes it; of two, the one with the later `version_at` is the newer (None: not known)."""

    erp_key: str = ""
    version: str = ""
    version_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class UnitRow(Row):
    """One is `factor` of the category's base; `digits` decimals may be given, 0 to 6."""

    code: str
    name: str
    category: str
    factor: Decimal
    digits: int


@dataclass(frozen=True, kw_only=True)
class ItemUnitRow:
    """One `unit` is `factor` of the item's own unit."""

    unit: str
    factor: Decimal


@dataclass(frozen=True, kw_only=True)
class ItemRow(Row):
    """`kind` "made" or "bought"; `units` are all further units of the item."""

    code: str
    name: str
    unit: str
    kind: str
    lot_tracked: bool = False
    shelf_life_days: int | None = None
    active: bool = True
    units: tuple[ItemUnitRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BomLineRow:
    """`quantity` in `unit` for each `quantity` of the list; `position` once per list."""

    item: str
    quantity: Decimal
    unit: str
    position: int
    operation_sequence: int | None = None


@dataclass(frozen=True, kw_only=True)
class BomRow(Row):
    """`lines` are all there are: one that is not named any more goes."""

    item: str
    code: str
    quantity: Decimal
    active: bool = True
    lines: tuple[BomLineRow, ...]


@dataclass(frozen=True, kw_only=True)
class LocationRow(Row):
    """`kind` "storage", "production", "scrap" or "quarantine"."""

    code: str
    name: str
    kind: str
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class LotRow(Row):
    """A lot without a key in the ERP, of the same item and number, becomes the ERP's: it is the same lot."""

    item: str
    number: str
    blocked: bool = False
    expires_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class SnapshotRow:
    """So much lies there; `lot` empty: of no lot."""

    item: str
    location: str
    quantity: Decimal
    unit: str
    lot: str = ""
    version: str = ""


class Outcome(StrEnum):
    """stale: something newer of the same row was here already; nothing was done, and nothing is wrong."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True)
class RowReport:
    """`index` from 0; `field` and `sentence` say what is wrong with a rejected row; `row_id` None: there is none."""

    index: int
    outcome: Outcome
    row_id: int | None = None
    field: str = ""
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One per row, in their order.  `written` False: a dry run, or one row was rejected and all or none was asked."""

    rows: list[RowReport]
    written: bool

    def count(self, outcome: Outcome) -> int:
        return Counter(row.outcome for row in self.rows)[outcome]


class Rejected(Exception):
    """One row is not taken: which field of it, and why."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(field, sentence)
        self.field = field
        self.sentence = sentence
