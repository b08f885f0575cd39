"""Time: cycles on works, which carry the machine's, and time sheet lines, which carry the person's. And lots."""

from __future__ import annotations

from typing import Any

from apps.erp_sync.connectors.postings import (
    Absent,
    AlreadyPosted,
    CyclePosting,
    FixableBy,
    KeyLookup,
    LaborPosting,
    LotPosting,
    Posted,
    PostingResult,
    Staged,
)
from apps.erp_sync.connectors.records import ErpRef, Quantity
from apps.erp_sync.connectors.tryton.books import Books, RejectedError, Row, fence
from apps.erp_sync.connectors.tryton.client import OutcomeUnknownError, RefusedError
from apps.erp_sync.connectors.tryton.picture import refs
from apps.erp_sync.connectors.tryton.writing import press

WORK, CYCLE, LINE, LOT = "production.work", "production.work.cycle", "timesheet.line", "stock.lot"
CYCLE_FIELDS = ("state", "duration", "run_by", "create_uid")


class Cycles:
    """A cycle has a duration and a person but no counts and no reason: those go into the note beside our key."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: CyclePosting) -> PostingResult:
        """One attempt, from whatever an earlier one left."""
        work, cycles, own = self._look(posting)
        if own and own[0]["state"] == "done":
            return AlreadyPosted(refs(self._books, CYCLE, own))
        cycle = own[0] if own else self._stage(posting, work, cycles)
        return self._commit(int(cycle["id"]), str(cycle["state"]))

    def find(self, posting: CyclePosting) -> KeyLookup:
        _, _, own = self._look(posting)
        if not own:
            return Absent()
        found = refs(self._books, CYCLE, own)
        return AlreadyPosted(found) if own[0]["state"] == "done" else Staged(found)

    def _look(self, posting: CyclePosting) -> tuple[Row, list[Row], list[Row]]:
        """The work, our cycles on it without a mark, and those under the posting's key; none that is cancelled."""
        books = self._books
        work = books.one(WORK, books.id_of(posting.operation, WORK), ["state", "production"])
        if work["production"] != books.id_of(posting.order, "production"):
            raise RejectedError("wrong reference", "The operation is of another order.", FixableBy.INTEGRATION)
        rows = books.rows(CYCLE, [["work", "=", work["id"]], ["state", "!=", "cancelled"]], CYCLE_FIELDS)
        keys = books.keys(CYCLE, [row["id"] for row in rows])
        us = books.client.user_id
        unmarked = [row for row in rows if row["id"] not in keys and row["create_uid"] == us]
        return work, unmarked, [row for row in rows if keys.get(row["id"]) == posting.key]

    def _stage(self, posting: CyclePosting, work: Row, drafts: list[Row]) -> Row:
        books = self._books
        person = books.id_of(posting.person, "company.employee") if posting.person else None
        values: dict[str, Any] = {"duration": posting.duration, "run_by": person, "done_by": person}
        draft = _alike(drafts, values)
        for left in drafts:
            # Every earlier posting is settled, so this is a request that came too late; open, it blocks the finish.
            if left is not draft and left["state"] == "draft":
                press(books, CYCLE, left["id"], "cancel")
                work = books.one(WORK, work["id"], ["state", "production"])
        if draft is None:
            change = {"cycles": [["create", [values]]]}
            books.client.call(f"model.{WORK}.write", [work["id"]], change, context=fence(WORK, work))
            domain = [["work", "=", work["id"]], ["state", "=", "draft"], ["create_uid", "=", books.client.user_id]]
            before = {row["id"] for row in drafts}
            draft = _alike([row for row in books.rows(CYCLE, domain, CYCLE_FIELDS) if row["id"] not in before], values)
            if draft is None:
                raise OutcomeUnknownError(f"the draft cycle on work {work['id']} can't be found again")
        books.mark(CYCLE, draft["id"], posting.key, _counts(posting))
        return draft

    def _commit(self, cycle: int, state: str) -> PostingResult:
        books = self._books
        try:
            if state == "draft":
                press(books, CYCLE, cycle, "run")
            press(books, CYCLE, cycle, "do")
        except RefusedError as refusal:
            state = books.one(CYCLE, cycle, ["state"])["state"]
            if state == "running":
                # A late answer of ours pressed run first.
                press(books, CYCLE, cycle, "do")
            elif state != "done":
                press(books, CYCLE, cycle, "cancel")
                raise RejectedError("refused", str(refusal), FixableBy.PLANNER) from refusal
        row = books.one(CYCLE, cycle, ["state"])
        if row["state"] != "done":
            raise OutcomeUnknownError(f"cycle {cycle} is {row['state']} after do")
        return Posted(refs(books, CYCLE, [row]))


class Labor:
    """The one document of Tryton with a unique key of ours: the database refuses a second line."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: LaborPosting) -> PostingResult:
        books = self._books
        work = books.one(WORK, books.id_of(posting.operation, WORK), ["timesheet_work"])
        if not work["timesheet_work"]:
            text = "The operation takes no time sheet lines in Tryton."
            raise RejectedError("no time sheet", text, FixableBy.ENGINEER)
        line = {
            "company": books.client.company,
            "employee": books.id_of(posting.person, "company.employee"),
            "work": work["timesheet_work"],
            "date": posting.day,
            "duration": posting.duration,
            "description": posting.description,
            "uuid": str(posting.key),
        }
        try:
            if posting.replaces is not None:
                books.client.call(f"model.{LINE}.write", [books.id_of(posting.replaces, LINE)], line)
            else:
                books.client.call(f"model.{LINE}.create", [line])
        except RefusedError:
            found = self._lines(posting)
            if found:
                return AlreadyPosted(found)
            raise
        return Posted(self._lines(posting))

    def find(self, posting: LaborPosting) -> KeyLookup:
        found = self._lines(posting)
        return AlreadyPosted(found) if found else Absent()

    def _lines(self, posting: LaborPosting) -> tuple[ErpRef, ...]:
        return refs(self._books, LINE, self._books.rows(LINE, [["uuid", "=", str(posting.key)]], []))


class Lots:
    """A lot's number is its key. Tryton does not keep it unique: where there are two, the first counts for ever."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: LotPosting) -> PostingResult:
        found = self._lots(posting)
        if found:
            return AlreadyPosted(found)
        values = {"number": posting.number, "product": self._books.id_of(posting.item, "product.product")}
        created = self._books.client.call(f"model.{LOT}.create", [values])
        words = "\n".join(f"{name}: {value}" for name, value in posting.attributes.items())
        self._books.mark(LOT, created[0], posting.key, words)
        return Posted(self._lots(posting))

    def find(self, posting: LotPosting) -> KeyLookup:
        found = self._lots(posting)
        return AlreadyPosted(found) if found else Absent()

    def _lots(self, posting: LotPosting) -> tuple[ErpRef, ...]:
        product = self._books.id_of(posting.item, "product.product")
        domain = [["number", "=", posting.number], ["product", "=", product]]
        return refs(self._books, LOT, self._books.rows(LOT, domain, []))[:1]


def _alike(drafts: list[Row], values: dict[str, Any]) -> Row | None:
    for draft in drafts:
        if draft["duration"] == values["duration"] and draft["run_by"] == values["run_by"]:
            return draft
    return None


def _counts(posting: CyclePosting) -> str:
    def said(word: str, quantity: Quantity | None) -> str:
        return f"{word} {quantity.value} {quantity.unit}" if quantity else ""

    parts = [said("good", posting.good), said("scrap", posting.scrap), said("rework", posting.rework)]
    parts += [posting.reason, f"{posting.started_at.isoformat()} to {posting.ended_at.isoformat()}"]
    return ", ".join(part for part in parts if part)
