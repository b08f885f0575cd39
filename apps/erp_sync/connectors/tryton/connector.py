"""The Tryton connector: the interface's operations, each handed to the part that knows how."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from apps.erp_sync.connectors.interface import (
    Absent,
    AlreadyPosted,
    Backflush,
    Capabilities,
    ChangeFeed,
    ChangePage,
    CommitDate,
    ConfirmationLevel,
    Connector,
    ConsumedPart,
    CyclePosting,
    Dedupe,
    ErpReadRefusedError,
    ErpRef,
    ErpUnreachableError,
    ExpectedReceipt,
    FixableBy,
    KeyLookup,
    Kind,
    LaborPosting,
    LotPosting,
    MasterRecord,
    MoveKind,
    MovePosting,
    NotePosting,
    OrderActuals,
    OrderRecord,
    OrderStatePosting,
    Posting,
    PostingResult,
    Staged,
    StockRecord,
    Unknown,
)
from apps.erp_sync.connectors.tryton.books import Books, RejectedError
from apps.erp_sync.connectors.tryton.client import (
    ConflictError,
    HttpTransport,
    OutcomeUnknownError,
    TrytonClient,
    TrytonError,
    UnreachableError,
)
from apps.erp_sync.connectors.tryton.feed import OVERLAP, RECORD_OF, Feed
from apps.erp_sync.connectors.tryton.inputs import Inputs
from apps.erp_sync.connectors.tryton.masters import Masters
from apps.erp_sync.connectors.tryton.notes import Notes
from apps.erp_sync.connectors.tryton.orders import OrderBook, actuals
from apps.erp_sync.connectors.tryton.outputs import Outputs
from apps.erp_sync.connectors.tryton.picture import SETTLED, refs, take
from apps.erp_sync.connectors.tryton.shelves import Shelves
from apps.erp_sync.connectors.tryton.states import States
from apps.erp_sync.connectors.tryton.times import Cycles, Labor, Lots
from apps.erp_sync.connectors.tryton.transfers import Reversals, Transfers
from apps.erp_sync.connectors.tryton.writing import answered


def connect(host: str, port: int, *, database: str, user: str, password: str, tls: bool = False) -> Connector:
    """A connector to one database. Nothing is sent before the first call."""
    return TrytonConnector(TrytonClient(HttpTransport(host, port, tls=tls), database, user, password))


class TrytonConnector:
    """A `Connector` over one Tryton database. The client's user must belong to this connector alone.

    `system` names this ERP in references. `overlap` must exceed Tryton's longest writing transaction.
    """

    def __init__(self, client: TrytonClient, *, system: str = "tryton", overlap: timedelta = OVERLAP) -> None:
        self._client = client
        self._books = Books(client, system)
        self._masters = Masters(self._books)
        self._orders = OrderBook(self._books)
        self._shelves = Shelves(self._books)
        self._feed = Feed(self._books, overlap)
        self._states = States(self._books)
        self._cycles = Cycles(self._books)
        self._labor = Labor(self._books)
        self._lots = Lots(self._books)
        self._notes = Notes(self._books)
        self._inputs = Inputs(self._books)
        self._outputs = Outputs(self._books)
        self._transfers = Transfers(self._books)
        self._reversals = Reversals(self._books)

    # ---- reads

    def capabilities(self) -> Capabilities:
        with _reading():
            release = self._client.version()
        return Capabilities(
            system=self._books.system,
            release=release,
            confirmation_level=ConfirmationLevel.OPERATION,
            confirmation_carries_quantity=False,
            backflush=Backflush.ORDER_START,
            reverses=(MoveKind.ISSUE, MoveKind.RETURN, MoveKind.RECEIPT, MoveKind.SCRAP, MoveKind.TRANSFER),
            lots_numbered_by_us=True,
            lock="_timestamp of the record written to",
            change_feed=ChangeFeed.TIMESTAMP,
            push=False,
            dedupe={
                "labor": Dedupe.UNIQUE_KEY,
                "cycle": Dedupe.FENCED_DRAFT,
                "move of an order": Dedupe.FENCED_DRAFT,
                "transfer": Dedupe.SEARCH,
                "lot": Dedupe.SEARCH,
                "note": Dedupe.SEARCH,
            },
            multi_object_transaction=False,
            labor_inside_confirmation=False,
            keeps_time_of_day=False,
            standard_times=False,
        )

    def read_master(self, kind: Kind, since: datetime | None = None) -> tuple[MasterRecord, ...]:
        with _reading():
            domain = [["last_modified_at", ">=", since]] if since else []
            return self._records(kind, [row["id"] for row in self._books.rows(RECORD_OF[kind], domain, [])])

    def changes(self, kind: Kind, cursor: str) -> ChangePage:
        with _reading():
            changed = self._feed.changed(kind, cursor)
            return ChangePage(self._records(kind, changed.ids), changed.cursor)

    def read(self, kind: Kind, refs: Collection[ErpRef]) -> tuple[MasterRecord, ...]:
        model = RECORD_OF[kind]
        with _reading():
            return self._records(kind, [self._books.id_of(ref, model) for ref in refs])

    def _records(self, kind: Kind, ids: Collection[int]) -> tuple[MasterRecord, ...]:
        if kind is Kind.ORDER:
            return tuple(self._orders.read(ids))
        if kind is Kind.STOCK:
            return tuple(self._shelves.read(ids))
        return tuple(self._masters.read(kind, ids))

    def missing(self, kind: Kind, known: Collection[str]) -> tuple[ErpRef, ...]:
        with _reading():
            return tuple(self._feed.missing(kind, known))

    def read_order(self, order: ErpRef) -> OrderRecord:
        with _reading():
            found = self._orders.read([self._books.id_of(order, "production")])
        if not found:
            raise ErpReadRefusedError(f"Tryton has no production {order.id}.")
        return found[0]

    def consumed_by(self, order: ErpRef) -> tuple[ConsumedPart, ...]:
        with _reading():
            return tuple(self._orders.consumed(self._books.id_of(order, "production")))

    def read_demand(self, orders: Collection[ErpRef]) -> tuple[CommitDate, ...]:
        with _reading():
            return tuple(self._masters.demand([self._books.id_of(order, "production") for order in orders]))

    def stock(self, item: ErpRef, location: ErpRef | None = None, lot: ErpRef | None = None) -> tuple[StockRecord, ...]:
        books = self._books
        with _reading():
            place = books.id_of(location, "stock.location") if location else None
            batch = books.id_of(lot, "stock.lot") if lot else None
            return tuple(self._shelves.stock(books.id_of(item, "product.product"), place, batch))

    def expected_receipts(self) -> tuple[ExpectedReceipt, ...]:
        with _reading():
            return tuple(self._shelves.expected())

    def reconcile(self, order: ErpRef) -> OrderActuals:
        return actuals(self.read_order(order))

    # ---- postings

    def set_order_state(self, posting: OrderStatePosting) -> PostingResult:
        return answered(lambda: self._states.post(posting))

    def confirm(self, posting: CyclePosting) -> PostingResult:
        return answered(lambda: self._cycles.post(posting))

    def move(self, posting: MovePosting) -> PostingResult:
        return answered(lambda: self._move(posting))

    def ensure_lot(self, posting: LotPosting) -> PostingResult:
        return answered(lambda: self._lots.post(posting))

    def post_labor(self, posting: LaborPosting) -> PostingResult:
        return answered(lambda: self._labor.post(posting))

    def note(self, posting: NotePosting) -> PostingResult:
        return answered(lambda: self._notes.post(posting))

    def find_by_key(self, posting: Posting) -> KeyLookup:
        try:
            return self._find(posting)
        except RejectedError:
            # What it would hang on does not exist, so it can't have happened.
            return Absent()
        except TrytonError as error:
            return Unknown(str(error))

    def _move(self, posting: MovePosting) -> PostingResult:
        if posting.kind is MoveKind.REVERSAL:
            return self._reversals.post(posting)
        if posting.order is None:
            if posting.kind not in (MoveKind.TRANSFER, MoveKind.SCRAP):
                text = f"A {posting.kind.value} needs its order."
                raise RejectedError("wrong reference", text, FixableBy.INTEGRATION)
            return self._transfers.post(posting)
        order = self._books.id_of(posting.order, "production")
        if posting.kind is MoveKind.ISSUE:
            return self._inputs.post(posting, order)
        return self._outputs.post(posting, order)

    def _find(self, posting: Posting) -> KeyLookup:
        match posting:
            case CyclePosting():
                return self._cycles.find(posting)
            case LaborPosting():
                return self._labor.find(posting)
            case LotPosting():
                return self._lots.find(posting)
            case NotePosting():
                return self._notes.find(posting)
            case OrderStatePosting():
                return self._states.find(posting)
            case MovePosting():
                return self._find_move(posting)

    def _find_move(self, posting: MovePosting) -> KeyLookup:
        if posting.kind is MoveKind.REVERSAL:
            return self._reversals.find(posting)
        if posting.order is None:
            return self._transfers.find(posting.key)
        own = take(self._books, self._books.id_of(posting.order, "production")).keyed(posting.key)
        if not own:
            return Absent()
        found = refs(self._books, "stock.move", own)
        return AlreadyPosted(found) if all(move["state"] in SETTLED for move in own) else Staged(found)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Gives a read's failures the interface's names."""
    try:
        yield
    except (UnreachableError, OutcomeUnknownError, ConflictError) as error:
        raise ErpUnreachableError(str(error)) from error
    except (TrytonError, RejectedError) as error:
        raise ErpReadRefusedError(str(error)) from error
