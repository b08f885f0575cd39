"""What every part of this connector needs of Tryton: paged reads, references, units, our mark on documents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from apps.erp_sync.connectors.postings import FixableBy, Rejected
from apps.erp_sync.connectors.records import ErpRef, Quantity
from apps.erp_sync.connectors.tryton.client import TrytonClient

Row = dict[str, Any]
MARK = "mfgos"
# Keeps one request and one `in` list at a size that trytond and SQLite take.
CHUNK = 500
# Searches hide inactive records of these models unless asked.
DEACTIVABLE = {
    "product.uom",
    "product.product",
    "product.template",
    "stock.location",
    "stock.lot",
    "production.bom",
    "production.routing",
    "production.work.center",
    "company.employee",
}
ACTIVE_OR_NOT = ["active", "in", [True, False]]


class RejectedError(Exception):
    """Carries a rejection out of the depth of a posting."""

    def __init__(self, code: str, text: str, fixable_by: FixableBy = FixableBy.PLANNER) -> None:
        super().__init__(text)
        self.answer = Rejected(code, text, fixable_by)


@dataclass(frozen=True, slots=True)
class Unit:
    id: int
    symbol: str
    digits: int


@dataclass(frozen=True, slots=True)
class Note:
    """Ours, on a document; `row` has its id, resource and message."""

    record: int
    key: UUID
    row: Row


class Books:
    """One Tryton database through one client. Units and the company's zone are read once and kept."""

    def __init__(self, client: TrytonClient, system: str) -> None:
        self.client = client
        self.system = system
        self._units: dict[str, Unit] = {}
        self._symbols: dict[int, str] = {}
        self._company: Row = {}
        self._storages: set[int] | None = None
        self._work_centers: dict[int, tuple[ErpRef, ...]] = {}

    # ---- reading

    def rows(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], order: Sequence[Sequence[str]] = ()
    ) -> list[Row]:
        """All records of a model that match, inactive ones too; each with `id` and `_timestamp`."""
        clauses = [*domain, ACTIVE_OR_NOT] if model in DEACTIVABLE else list(domain)
        sort = [list(part) for part in order] or [["id", "ASC"]]
        wanted = [*fields, "_timestamp"]
        found: list[Row] = self.client.call(f"model.{model}.search_read", clauses, 0, None, sort, wanted)
        return found

    def rows_of(self, model: str, field: str, values: Collection[Any], fields: Sequence[str]) -> list[Row]:
        """The records whose `field` is among the values, in chunks."""
        found: list[Row] = []
        for chunk in chunks(values):
            found += self.rows(model, [[field, "in", chunk]], fields)
        return found

    def one(self, model: str, record: int, fields: Sequence[str]) -> Row:
        """One record by id. Raises RejectedError if it is not there."""
        found = self.rows(model, [["id", "=", record]], fields)
        if not found:
            raise RejectedError("not found", f"Tryton has no {model} {record}.", FixableBy.INTEGRATION)
        return found[0]

    # ---- references

    def ref(self, model: str, record: Any, version: str = "") -> ErpRef:
        return ErpRef(self.system, model, str(record), version)

    def maybe(self, model: str, record: Any) -> ErpRef | None:
        return self.ref(model, record) if record else None

    def version_of(self, row: Row, model: str) -> ErpRef:
        """A reference to a row just read, with its version."""
        return self.ref(model, row["id"], str(row["_timestamp"]))

    def id_of(self, ref: ErpRef, model: str) -> int:
        """The Tryton id behind a reference. Raises RejectedError if it names something else."""
        if ref.system != self.system or ref.type != model or not ref.id.isdigit():
            text = f"{ref.system} {ref.type} {ref.id} is not a {model} of {self.system}."
            raise RejectedError("wrong reference", text, FixableBy.INTEGRATION)
        return int(ref.id)

    # ---- units, days

    def quantity(self, value: object, unit: int) -> Quantity:
        """A quantity as Tryton holds it, without an exponent or trailing zeros."""
        return Quantity(plain(Decimal(str(value or 0))), self.symbol(unit))

    def symbol(self, unit: int) -> str:
        if unit not in self._symbols:
            self._read_units()
        return self._symbols[unit]

    def amount(self, quantity: Quantity) -> tuple[float, int]:
        """A quantity as Tryton's float and unit id. Raises RejectedError for what would not be kept exactly."""
        if quantity.unit not in self._units:
            self._read_units()
        unit = self._units.get(quantity.unit)
        if unit is None:
            raise RejectedError("unit", f"Tryton has no unit {quantity.unit}.", FixableBy.ENGINEER)
        number = float(quantity.value)
        if quantity.value <= 0:
            raise RejectedError("quantity", "The quantity must be above zero.", FixableBy.INTEGRATION)
        if Decimal(repr(number)) != quantity.value or round(quantity.value, unit.digits) != quantity.value:
            text = f"{quantity.value} {unit.symbol} has more than the {unit.digits} decimals that Tryton keeps."
            raise RejectedError("precision", text, FixableBy.ENGINEER)
        return number, unit.id

    def day(self, moment: dt.datetime) -> dt.date:
        """The company's calendar day of an instant: what Tryton calls the effective date."""
        return moment.astimezone(ZoneInfo(self._company_row()["timezone"] or "UTC")).date()

    def today(self) -> dt.date:
        return self.day(dt.datetime.now(dt.UTC))

    def currency(self) -> int:
        return int(self._company_row()["currency"])

    def _company_row(self) -> Row:
        if not self._company:
            company = self.client.company
            self._company = self.one("company.company", company, ["timezone", "currency"])
        return self._company

    def _read_units(self) -> None:
        for row in self.rows("product.uom", [], ["symbol", "digits"]):
            unit = Unit(int(row["id"]), str(row["symbol"]), int(row["digits"]))
            self._units.setdefault(unit.symbol, unit)
            self._symbols[unit.id] = unit.symbol

    # ---- the plant, kept while one kind of record is read

    def forget_plant(self) -> None:
        self._storages = None
        self._work_centers.clear()

    def storages(self) -> set[int]:
        """The storage of every warehouse, and all below it."""
        if self._storages is None:
            self._storages = self._read_storages()
        return self._storages

    def _read_storages(self) -> set[int]:
        warehouses = self.rows("stock.location", [["type", "=", "warehouse"]], ["storage_location"])
        tops = [row["storage_location"] for row in warehouses if row["storage_location"]]
        return {int(row["id"]) for row in self.rows("stock.location", [["parent", "child_of", tops]], [])}

    def work_centers(self, category: int | None) -> tuple[ErpRef, ...]:
        if category and category not in self._work_centers:
            rows = self.rows("production.work.center", [["category", "=", category]], ["active"])
            found = tuple(self.ref("production.work.center", row["id"]) for row in rows if row["active"])
            self._work_centers[category] = found
        return self._work_centers[category] if category else ()

    def made_by(self, boms: Collection[int]) -> tuple[ErpRef, ...]:
        """The items that these parts lists make."""
        outputs = self.rows_of("production.bom.output", "bom", boms, ["product"])
        return tuple(self.ref("product.product", item) for item in dict.fromkeys(row["product"] for row in outputs))

    # ---- our mark

    def mark(self, model: str, record: int, key: UUID, words: str) -> None:
        """Writes our key beside a document, where people and `keys` can read it."""
        note = {"resource": f"{model},{record}", "message": f"{MARK} {key}\n{words}".strip()}
        self.client.call("model.ir.note.create", [note])

    def keys(self, model: str, records: Collection[int]) -> dict[int, UUID]:
        """Our keys of those documents that carry one."""
        found: dict[int, UUID] = {}
        for note in self.notes(model, records):
            found.setdefault(note.record, note.key)
        return found

    def notes(self, model: str, records: Collection[int]) -> Iterator[Note]:
        """Ours on those documents, the oldest of each first."""
        for chunk in chunks([f"{model},{record}" for record in records]):
            domain = [["resource", "in", chunk], ["message", "like", f"{MARK} %"]]
            for row in self.rows("ir.note", domain, ["resource", "message"]):
                key = parse_key(row["message"])
                if key:
                    yield Note(int(row["resource"].split(",")[1]), key, row)


def parse_key(message: str) -> UUID | None:
    """The key in a note or reference of ours."""
    words = message.split(maxsplit=2)
    if len(words) < 2 or words[0] != MARK:
        return None
    try:
        return UUID(words[1])
    except ValueError:
        return None


def fence(model: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The context that makes a write fail if the record changed after `row` was read."""
    return {"_timestamp": {f"{model},{row['id']}": row["_timestamp"]}}


def plain(value: Decimal) -> Decimal:
    """The same number in its shortest written form: 3, not 3.0 or 3E+0."""
    short = value.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def chunks(values: Collection[Any]) -> Iterator[list[Any]]:
    """The values in lists short enough for one request."""
    everything = list(values)
    for start in range(0, len(everything), CHUNK):
        yield everything[start : start + CHUNK]
