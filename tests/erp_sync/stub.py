"""An ERP in one file, shared by processes, that fails as networks and ERPs do and counts what had an effect.

erp = StubErp(path)                          # deduping=False: only looking up before a resend keeps effects single
erp.configure(chaos=7)                       # faults drawn from this seed
erp.effects()                                # [(key, order), ...] in the order of their effect
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.erp_sync.connectors import interface as erp
from tests.erp_sync import stub_books

SCHEMA = """
CREATE TABLE IF NOT EXISTS effects (n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, owner TEXT);
CREATE TABLE IF NOT EXISTS arrivals (n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, fault TEXT, at REAL);
CREATE TABLE IF NOT EXISTS held (key TEXT, owner TEXT);
CREATE TABLE IF NOT EXISTS moves (key TEXT PRIMARY KEY, owner TEXT, kind TEXT, item TEXT, lot TEXT, quantity TEXT,
                                  unit TEXT, reverses TEXT);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
"""
FAULTS = ("before", "lost", "late", "busy", "pending", "", "", "")


class StubErp:
    def __init__(self, path: Path | str, *, deduping: bool = True) -> None:
        self.path, self.deduping = str(path), deduping
        with self._open() as db:
            db.executescript(SCHEMA)

    # ---- what tests say and see

    def configure(self, **values: Any) -> None:
        """off: bool; chaos: seed; rejects: [order id or key]; cancelled: [order id]; hold_after_effect: seconds;
        fault: always this; consumes: order id -> parts; names: key -> code of an item or number of a lot;
        altered: order id -> {"made", "scrapped", "consumed": how much somebody has added}.
        """
        with self._open() as db:
            for name, value in values.items():
                db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def effects(self) -> list[tuple[str, str]]:
        with self._open() as db:
            return list(db.execute("SELECT key, owner FROM effects ORDER BY n"))

    def arrivals(self) -> list[tuple[str, str]]:
        with self._open() as db:
            return list(db.execute("SELECT key, fault FROM arrivals ORDER BY n"))

    def doubled(self) -> dict[str, int]:
        """Keys that had more than one effect."""
        return {key: n for key, n in Counter(key for key, _ in self.effects()).items() if n > 1}

    # ---- the connector

    def set_order_state(self, posting: erp.OrderStatePosting) -> erp.PostingResult:
        return self._post(posting, posting.order.id)

    def confirm(self, posting: erp.CyclePosting) -> erp.PostingResult:
        return self._post(posting, posting.order.id)

    def move(self, posting: erp.MovePosting) -> erp.PostingResult:
        return self._post(posting, posting.order.id if posting.order else "")

    def ensure_lot(self, posting: erp.LotPosting) -> erp.PostingResult:
        return self._post(posting, f"lot {posting.number}")

    def post_labor(self, posting: erp.LaborPosting) -> erp.PostingResult:
        return self._post(posting, posting.order.id)

    def note(self, posting: erp.NotePosting) -> erp.PostingResult:
        return self._post(posting, posting.order.id)

    def changes(self, kind: erp.Kind, cursor: str) -> erp.ChangePage:
        """It has no master data."""
        with self._open() as db:
            if self._setting(db, "off"):
                raise erp.ErpUnreachableError("no route to the ERP")
        return erp.ChangePage((), cursor)

    def expected_receipts(self) -> tuple[erp.ExpectedReceipt, ...]:
        return ()

    def consumed_by(self, order: erp.ErpRef) -> tuple[erp.ConsumedPart, ...]:
        """What `configure(consumes={order id: [[item, lot, location, quantity, unit], ...]})` says, by keys."""
        with self._open() as db:
            if self._setting(db, "off"):
                raise erp.ErpUnreachableError("off")
            rows = (self._setting(db, "consumes") or {}).get(order.id, [])
        return tuple(
            erp.ConsumedPart(_key(item), _key(lot) if lot else None, _key(place), erp.Quantity(Decimal(quantity), unit))
            for item, lot, place, quantity, unit in rows
        )

    def find_by_key(self, posting: erp.Posting) -> erp.KeyLookup:
        with self._open() as db:
            if self._setting(db, "off"):
                return erp.Unknown("off")
            self._let_the_late_arrive(db)
            done = db.execute("SELECT n FROM effects WHERE key = ?", (str(posting.key),)).fetchone()
        return erp.AlreadyPosted((_ref(done[0]),)) if done else erp.Absent()

    def reconcile(self, order: erp.ErpRef) -> erp.OrderActuals:
        with self._open() as db:
            if self._setting(db, "off"):
                raise erp.ErpUnreachableError("off")
            names, altered = (self._setting(db, "names") or {}), (self._setting(db, "altered") or {})
            rows = stub_books.posted(db, order.id)
        rows += [stub_books.Row("issue", *part) for part in self._consumed(order)]
        return stub_books.actuals(order, rows, names, altered.get(order.id, {}))

    def _consumed(self, order: erp.ErpRef) -> list[tuple[str, str, Decimal, str]]:
        return [
            (stub_books.key(part.item), stub_books.key(part.lot), part.quantity.value, part.quantity.unit)
            for part in self.consumed_by(order)
        ]

    # ---- how it fails

    def _post(self, posting: erp.Posting, owner: str) -> erp.PostingResult:
        key = str(posting.key)
        with self._open() as db:
            if self._setting(db, "off"):
                return erp.Unknown("off")
            self._let_the_late_arrive(db)
            fault = self._fault(db)
            arrival = (key, fault, time.monotonic())
            db.execute("INSERT INTO arrivals (key, fault, at) VALUES (?, ?, ?)", arrival)
            if isinstance(posting, erp.MovePosting):
                stub_books.write(db, posting, owner)
            if {owner, key} & set(self._setting(db, "rejects") or []):
                return erp.Rejected("order state", "The order is closed.", erp.FixableBy.PLANNER)
            if owner in (self._setting(db, "cancelled") or []):
                return erp.Rejected(erp.ORDER_CANCELLED, "The order is cancelled.", erp.FixableBy.PLANNER)
            if fault == "late":
                db.execute("INSERT INTO held VALUES (?, ?)", (key, owner))
                return erp.Unknown("no answer yet")
            result = erp.Unknown("no connection") if fault in ("before", "busy") else self._effect(db, key, owner)
            hold = self._setting(db, "hold_after_effect")
        if hold:
            Path(f"{self.path}.held").write_text(key)
            time.sleep(hold)
        if fault == "busy":
            raise ConnectionResetError("busy")
        if fault == "pending" and isinstance(result, erp.Posted):
            return erp.Pending(result.refs, "in the pool")
        return erp.Unknown("answer lost") if fault == "lost" else result

    def _effect(self, db: sqlite3.Connection, key: str, owner: str) -> erp.PostingResult:
        done = db.execute("SELECT n FROM effects WHERE key = ?", (key,)).fetchone()
        if done and self.deduping:
            return erp.AlreadyPosted((_ref(done[0]),))
        return erp.Posted((_ref(db.execute("INSERT INTO effects (key, owner) VALUES (?, ?)", (key, owner)).lastrowid),))

    def _let_the_late_arrive(self, db: sqlite3.Connection) -> None:
        for key, owner in db.execute("SELECT key, owner FROM held").fetchall():
            db.execute("DELETE FROM held WHERE key = ?", (key,))
            self._effect(db, key, owner)

    def _fault(self, db: sqlite3.Connection) -> str:
        always, seed = self._setting(db, "fault"), self._setting(db, "chaos")
        if always or seed is None:
            return always or ""
        (n,) = db.execute("SELECT count(*) FROM arrivals").fetchone()
        return random.Random(f"{seed}:{n}").choice(FAULTS)

    @staticmethod
    def _setting(db: sqlite3.Connection, name: str) -> Any:
        row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody else is in: an ERP does one thing to one order at a time."""
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = OFF")
            db.execute("BEGIN IMMEDIATE")
            yield db
            if db.in_transaction:
                db.execute("COMMIT")
        finally:
            db.close()


def _key(key: str) -> erp.ErpRef:
    kind, _, number = key.partition(",")
    return erp.ErpRef("stub", kind, number)


def _ref(number: object) -> erp.ErpRef:
    return erp.ErpRef("stub", "document", str(number))
