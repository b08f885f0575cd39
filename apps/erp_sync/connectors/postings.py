"""What is written to an ERP, and the answers that must be told apart because each has another next step."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from apps.erp_sync.connectors.records import ErpRef, Quantity

# ---- answers


class FixableBy(enum.Enum):
    """Who can do something about a rejected posting."""

    PLANNER = "planner"
    MATERIAL = "material"
    QUALITY = "quality"
    ENGINEER = "engineer"
    INTEGRATION = "integration"


@dataclass(frozen=True, slots=True)
class Posted:
    """The documents exist in the ERP and were read back."""

    refs: tuple[ErpRef, ...]


@dataclass(frozen=True, slots=True)
class AlreadyPosted:
    """The same key had its effect before; success, and nothing was done now."""

    refs: tuple[ErpRef, ...]


# The code of a rejection because the ERP has cancelled the order, and put back what it had consumed for it.
ORDER_CANCELLED = "order cancelled"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A business rule of the ERP, or of its connector, refuses. Nothing of this posting is left behind in the ERP."""

    code: str
    text: str
    fixable_by: FixableBy


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted but not posted, as in an error pool: not success."""

    refs: tuple[ErpRef, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have happened. Ask `find_by_key`, or repeat the same posting with the same key: both are safe."""

    text: str


@dataclass(frozen=True, slots=True)
class Staged:
    """Found by key: a draft without effect. Repeating the posting adopts and commits it."""

    refs: tuple[ErpRef, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """Found nothing by key: the posting has had no effect."""


PostingResult = Posted | AlreadyPosted | Rejected | Pending | Unknown
KeyLookup = AlreadyPosted | Staged | Absent | Unknown


# ---- postings


class MoveKind(enum.Enum):
    ISSUE = "issue"
    RETURN = "return"
    RECEIPT = "receipt"
    SCRAP = "scrap"
    TRANSFER = "transfer"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True, kw_only=True)
class CyclePosting:
    """Time on an operation, with the counts that go along where the ERP has a place for them."""

    key: UUID
    order: ErpRef
    operation: ErpRef
    started_at: datetime
    ended_at: datetime
    duration: timedelta
    person: ErpRef | None = None
    good: Quantity | None = None
    scrap: Quantity | None = None
    rework: Quantity | None = None
    reason: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePosting:
    """A goods movement. `quantity` is positive; REVERSAL takes back the whole of `reverses` and ignores the rest.

    With an order: ISSUE and RETURN of components, RECEIPT and SCRAP of what it makes. Without: TRANSFER, and SCRAP
    out of stock, both between the two locations. A location left out is the order's own.
    """

    key: UUID
    kind: MoveKind
    item: ErpRef
    quantity: Quantity
    occurred_at: datetime
    order: ErpRef | None = None
    lot: ErpRef | None = None
    from_location: ErpRef | None = None
    to_location: ErpRef | None = None
    reverses: ErpRef | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaborPosting:
    """A person's time on an operation on one day. `replaces`: it stands in place of that earlier line, corrected."""

    key: UUID
    order: ErpRef
    operation: ErpRef
    person: ErpRef
    day: date
    duration: timedelta
    description: str = ""
    replaces: ErpRef | None = None


class OrderIntent(enum.Enum):
    RELEASE = "release"
    RESERVE = "reserve"
    START = "start"
    FINISH = "finish"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class ComponentLot:
    """How much of a component comes from which lot; together they replace the plan of that item at start."""

    item: ErpRef
    lot: ErpRef | None
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatePosting:
    """Brings the order to a state by the ERP's own verbs. `version`, if given, must still be the order's."""

    key: UUID
    order: ErpRef
    intent: OrderIntent
    lots: tuple[ComponentLot, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotPosting:
    """Makes sure of a lot. `attributes` go along as text where the ERP has no field for them."""

    key: UUID
    item: ErpRef
    number: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePosting:
    """Words on an order, for the people who look at it in the ERP; they move nothing there."""

    key: UUID
    order: ErpRef
    text: str


Posting = CyclePosting | MovePosting | LaborPosting | OrderStatePosting | LotPosting | NotePosting
