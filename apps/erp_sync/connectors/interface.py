"""What the product asks of any ERP. The records and postings it speaks in live beside this file and are exported here.

Why postings carry a key and drafts come before effects: docs/adr/0010-tryton-exactly-once.md.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from apps.erp_sync.connectors.postings import (
    ORDER_CANCELLED,
    Absent,
    AlreadyPosted,
    ComponentLot,
    CyclePosting,
    FixableBy,
    KeyLookup,
    LaborPosting,
    LotPosting,
    MoveKind,
    MovePosting,
    NotePosting,
    OrderIntent,
    OrderStatePosting,
    Pending,
    Posted,
    Posting,
    PostingResult,
    Rejected,
    Staged,
    Unknown,
)
from apps.erp_sync.connectors.records import (
    BomLine,
    BomRecord,
    ChangePage,
    CommitDate,
    ConsumedPart,
    CycleRecord,
    DocumentState,
    EmployeeRecord,
    ErpRef,
    ExpectedReceipt,
    ItemRecord,
    ItemStockRecord,
    Kind,
    LaborRecord,
    LocationRecord,
    LocationUse,
    LotRecord,
    MasterRecord,
    Material,
    MoveRecord,
    OperationRecord,
    OrderActuals,
    OrderRecord,
    OrderState,
    Quantity,
    RoutingRecord,
    RoutingStep,
    StockRecord,
    UnitRecord,
    WorkCenterRecord,
)

__all__ = [
    "ORDER_CANCELLED",
    "Absent",
    "AlreadyPosted",
    "Backflush",
    "BomLine",
    "BomRecord",
    "Capabilities",
    "ChangeFeed",
    "ChangePage",
    "CommitDate",
    "ComponentLot",
    "ConfirmationLevel",
    "Connector",
    "ConsumedPart",
    "CyclePosting",
    "CycleRecord",
    "Dedupe",
    "DocumentState",
    "EmployeeRecord",
    "ErpReadRefusedError",
    "ErpRef",
    "ErpUnreachableError",
    "ExpectedReceipt",
    "FixableBy",
    "ItemRecord",
    "ItemStockRecord",
    "KeyLookup",
    "Kind",
    "LaborPosting",
    "LaborRecord",
    "LocationRecord",
    "LocationUse",
    "LotPosting",
    "LotRecord",
    "MasterRecord",
    "Material",
    "MoveKind",
    "MovePosting",
    "MoveRecord",
    "NotePosting",
    "OperationRecord",
    "OrderActuals",
    "OrderIntent",
    "OrderRecord",
    "OrderState",
    "OrderStatePosting",
    "Pending",
    "Posted",
    "Posting",
    "PostingResult",
    "Quantity",
    "Rejected",
    "RoutingRecord",
    "RoutingStep",
    "Staged",
    "StockRecord",
    "UnitRecord",
    "Unknown",
    "WorkCenterRecord",
]


class ErpUnreachableError(Exception):
    """A read could not be made now; try later. Writes never raise it, they answer Unknown."""


class ErpReadRefusedError(Exception):
    """A read was refused for good: missing right, unknown record, or another version of the ERP."""


# ---- capabilities


class ConfirmationLevel(enum.Enum):
    ORDER = "order"
    OPERATION = "operation"
    BOTH = "both"


class Backflush(enum.Enum):
    """When the ERP itself consumes the planned components."""

    NEVER = "never"
    ORDER_START = "order start"
    CONFIRM = "confirm"
    ORDER_DONE = "order done"
    RECEIPT = "receipt"


class Dedupe(enum.Enum):
    """What keeps a posting from being made twice."""

    UNIQUE_KEY = "unique key"
    FENCED_DRAFT = "fenced draft"
    SEARCH = "search"
    NONE = "none"


class ChangeFeed(enum.Enum):
    DELTA = "delta"
    TIMESTAMP = "timestamp"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the projection of our ledger into postings must know about this ERP."""

    system: str
    release: str
    confirmation_level: ConfirmationLevel
    confirmation_carries_quantity: bool
    backflush: Backflush
    reverses: Collection[MoveKind]
    lots_numbered_by_us: bool
    lock: str
    change_feed: ChangeFeed
    push: bool
    dedupe: Mapping[str, Dedupe]
    multi_object_transaction: bool
    labor_inside_confirmation: bool
    keeps_time_of_day: bool
    standard_times: bool
    parallel_orders: bool = True


# ---- the connector


class Connector(Protocol):
    """One ERP. An instance belongs to one thread; calls for one order must come one after the other.

    Reads raise ErpUnreachableError or ErpReadRefusedError. Postings never raise for what an ERP or a network can do:
    they answer. Every posting may be repeated with the same key at any time and has at most one effect.
    """

    def capabilities(self) -> Capabilities: ...

    def read_master(self, kind: Kind, since: datetime | None = None) -> tuple[MasterRecord, ...]:
        """All records of a kind, inactive ones too; with `since`, those changed at or after it."""
        ...

    def changes(self, kind: Kind, cursor: str) -> ChangePage:
        """What changed after the cursor; an empty cursor begins at the beginning."""
        ...

    def read(self, kind: Kind, refs: Collection[ErpRef]) -> tuple[MasterRecord, ...]:
        """Those of the named records that exist."""
        ...

    def missing(self, kind: Kind, known: Collection[str]) -> tuple[ErpRef, ...]:
        """Which of the known ids are gone from the ERP: the sweep for deletions, which no feed tells."""
        ...

    def read_order(self, order: ErpRef) -> OrderRecord: ...

    def consumed_by(self, order: ErpRef) -> tuple[ConsumedPart, ...]:
        """The components that the ERP itself has posted to the order, and no posting of ours."""
        ...

    def read_demand(self, orders: Collection[ErpRef]) -> tuple[CommitDate, ...]: ...

    def expected_receipts(self) -> tuple[ExpectedReceipt, ...]:
        """All that is ordered from suppliers and has not come yet."""
        ...

    def stock(
        self, item: ErpRef, location: ErpRef | None = None, lot: ErpRef | None = None
    ) -> tuple[StockRecord, ...]: ...

    def set_order_state(self, posting: OrderStatePosting) -> PostingResult: ...

    def confirm(self, posting: CyclePosting) -> PostingResult: ...

    def move(self, posting: MovePosting) -> PostingResult: ...

    def ensure_lot(self, posting: LotPosting) -> PostingResult: ...

    def post_labor(self, posting: LaborPosting) -> PostingResult: ...

    def note(self, posting: NotePosting) -> PostingResult: ...

    def find_by_key(self, posting: Posting) -> KeyLookup:
        """Whether this posting has had its effect. Writes nothing."""
        ...

    def reconcile(self, order: ErpRef) -> OrderActuals: ...
