"""What is read from an ERP: plain values, quantities as decimals with a named unit, dates of the company's zone.

Mirrors ISA-95 / B2MML where it has a word.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

# ---- what everything is made of


@dataclass(frozen=True, slots=True)
class ErpRef:
    """One record of one ERP. `id` is the ERP's own key as text; `version` changes whenever the record does."""

    system: str
    type: str
    id: str
    version: str = ""

    def same_record(self, other: ErpRef) -> bool:
        """Whether both name the same record, whatever its version."""
        return (self.system, self.type, self.id) == (other.system, other.type, other.id)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount in a unit that the ERP knows by this symbol."""

    value: Decimal
    unit: str


# ---- records


class Kind(enum.Enum):
    """What can be read as a whole and followed by `changes`."""

    UNIT = "unit"
    ITEM = "item"
    LOCATION = "location"
    BOM = "bom"
    ROUTING = "routing"
    WORK_CENTER = "work center"
    EMPLOYEE = "employee"
    LOT = "lot"
    ORDER = "order"
    STOCK = "stock"


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A unit is `factor` of its category's base; a quantity in it may have `digits` decimals."""

    ref: ErpRef
    symbol: str
    name: str
    category: str
    factor: Decimal
    digits: int
    active: bool = True


class LocationUse(enum.Enum):
    """Out of reach: goods lie there that an order can't take. Elsewhere: no place of the plant."""

    STORAGE = "storage"
    PRODUCTION = "production"
    SCRAP = "scrap"
    OUT_OF_REACH = "out of reach"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class LocationRecord:
    """`type` is the ERP's own word."""

    ref: ErpRef
    code: str
    name: str
    type: str
    parent: ErpRef | None
    use: LocationUse
    active: bool = True


@dataclass(frozen=True, slots=True)
class EmployeeRecord:
    ref: ErpRef
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class ItemRecord:
    ref: ErpRef
    code: str
    name: str
    unit: str
    made: bool
    lot_controlled: bool
    active: bool = True


@dataclass(frozen=True, slots=True)
class BomLine:
    item: ErpRef
    item_code: str
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class BomRecord:
    """Inputs are for the quantity in `outputs`."""

    ref: ErpRef
    name: str
    outputs: tuple[BomLine, ...]
    inputs: tuple[BomLine, ...]
    active: bool = True


@dataclass(frozen=True, slots=True)
class RoutingStep:
    """Runs at any of `work_centers`. `standard_time` is None where the ERP keeps none: then it is ours."""

    sequence: int
    operation: str
    work_centers: tuple[ErpRef, ...]
    standard_time: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RoutingRecord:
    """A way to make each of `items`."""

    ref: ErpRef
    name: str
    items: tuple[ErpRef, ...]
    steps: tuple[RoutingStep, ...]
    active: bool = True


@dataclass(frozen=True, slots=True)
class WorkCenterRecord:
    ref: ErpRef
    name: str
    parent: ErpRef | None
    category: str
    active: bool = True


class OrderState(enum.Enum):
    """Where an order stands in the ERP, in one order that never goes back except to RELEASED."""

    REQUESTED = "requested"
    DRAFT = "draft"
    RELEASED = "released"
    RESERVED = "reserved"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class DocumentState(enum.Enum):
    """Of a movement, a confirmation or the like."""

    OPEN = "open"
    POSTED = "posted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class MoveRecord:
    """One goods movement. `key` is ours if we made it; `ours` says that our user made it, keyed or not."""

    ref: ErpRef
    item: ErpRef
    item_code: str
    quantity: Quantity
    lot: ErpRef | None
    lot_number: str
    from_location: ErpRef
    to_location: ErpRef
    to_waste: bool
    state: DocumentState
    erp_state: str
    posting_date: date | None
    planned_date: date | None
    key: UUID | None
    ours: bool


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """Time confirmed on an operation."""

    ref: ErpRef
    state: DocumentState
    erp_state: str
    duration: timedelta | None
    person: ErpRef | None
    key: UUID | None
    ours: bool


@dataclass(frozen=True, slots=True)
class LaborRecord:
    ref: ErpRef
    operation: ErpRef
    person: ErpRef
    day: date
    duration: timedelta
    key: UUID | None


@dataclass(frozen=True, slots=True)
class OperationRecord:
    ref: ErpRef
    sequence: int
    name: str
    work_center: ErpRef | None
    work_center_name: str
    erp_state: str
    cycles: tuple[CycleRecord, ...]
    labor: tuple[LaborRecord, ...]


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """A work order with all that hangs on it. `number` may be empty until release; `ref` is the key."""

    ref: ErpRef
    number: str
    reference: str
    item: ErpRef | None
    item_code: str
    quantity: Quantity
    state: OrderState
    erp_state: str
    planned_start: date | None
    planned_end: date | None
    started_on: date | None
    finished_on: date | None
    bom: ErpRef | None
    routing: ErpRef | None
    demand: ErpRef | None
    operations: tuple[OperationRecord, ...]
    components: tuple[MoveRecord, ...]
    receipts: tuple[MoveRecord, ...]


@dataclass(frozen=True, slots=True)
class CommitDate:
    """What was promised to whom, behind an order. `day` is None where the ERP does not say."""

    order: ErpRef
    demand: ErpRef
    number: str
    customer: str
    quantity: Quantity
    day: date | None


@dataclass(frozen=True, slots=True)
class StockRecord:
    """On hand at the end of today, for one item, location and lot."""

    item: ErpRef
    location: ErpRef
    lot: ErpRef | None
    on_hand: Quantity


@dataclass(frozen=True, slots=True)
class ItemStockRecord:
    """All places and lots of one item that hold any; `ref` is the item's."""

    ref: ErpRef
    places: tuple[StockRecord, ...]


@dataclass(frozen=True, slots=True)
class ConsumedPart:
    """A component that an order has taken from a place."""

    item: ErpRef
    lot: ErpRef | None
    location: ErpRef
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class ExpectedReceipt:
    """What a supplier still owes; `day` is None where the ERP does not say."""

    ref: ErpRef
    item: ErpRef
    quantity: Quantity
    day: date | None
    supplier: str
    document: str


@dataclass(frozen=True, slots=True)
class LotRecord:
    ref: ErpRef
    number: str
    item: ErpRef


MasterRecord = (
    UnitRecord
    | ItemRecord
    | LocationRecord
    | BomRecord
    | RoutingRecord
    | WorkCenterRecord
    | EmployeeRecord
    | LotRecord
    | OrderRecord
    | ItemStockRecord
)


@dataclass(frozen=True, slots=True)
class ChangePage:
    """What changed after a cursor, each version once. Store the cursor with the records, in one transaction."""

    upserts: tuple[MasterRecord, ...]
    cursor: str


class Material(NamedTuple):
    """What sums of movements are kept by."""

    item_code: str
    lot_number: str
    unit: str


@dataclass(frozen=True, slots=True)
class OrderActuals:
    """The ERP's side of the reconciliation equation for one order.

    Sums are of posted documents: issues net of returns; times by operation id. `keys` are our postings found there,
    `open` the drafts under our keys, `unkeyed` the posted documents that no key of ours explains: the components
    that the ERP consumed at start, and what other people posted.
    """

    order: OrderRecord
    issued: Mapping[Material, Decimal]
    received: Mapping[Material, Decimal]
    scrapped: Mapping[Material, Decimal]
    machine_time: Mapping[str, timedelta]
    labor_time: Mapping[str, timedelta]
    keys: Mapping[UUID, tuple[ErpRef, ...]]
    open: Mapping[UUID, tuple[ErpRef, ...]]
    unkeyed: tuple[ErpRef, ...]
