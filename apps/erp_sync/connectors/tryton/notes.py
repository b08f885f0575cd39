"""Words on an order: an `ir.note` beside it, with our key in its first line.

A note has no draft, no state and no stamp of its order, so nothing keeps a copy out that arrives late. It says the same
under the same key, and goes with the next note on the order.
"""

from __future__ import annotations

from apps.erp_sync.connectors.postings import Absent, AlreadyPosted, KeyLookup, NotePosting, Posted, PostingResult
from apps.erp_sync.connectors.records import ErpRef
from apps.erp_sync.connectors.tryton.books import Books
from apps.erp_sync.connectors.tryton.picture import refs

ORDER, NOTE = "production", "ir.note"


class Notes:
    def __init__(self, books: Books) -> None:
        self._books = books

    def post(self, posting: NotePosting) -> PostingResult:
        order = self._order(posting)
        self._sweep(order)
        found = self._found(posting)
        if found:
            return AlreadyPosted(found)
        self._books.mark(ORDER, order, posting.key, posting.text)
        return Posted(self._found(posting))

    def find(self, posting: NotePosting) -> KeyLookup:
        found = self._found(posting)
        return AlreadyPosted(found) if found else Absent()

    def _order(self, posting: NotePosting) -> int:
        """Tryton takes a note on anything, also on what is not there."""
        order = self._books.id_of(posting.order, ORDER)
        return int(self._books.one(ORDER, order, [])["id"])

    def _found(self, posting: NotePosting) -> tuple[ErpRef, ...]:
        notes = self._books.notes(ORDER, [self._books.id_of(posting.order, ORDER)])
        return refs(self._books, NOTE, [note.row for note in notes if note.key == posting.key])[:1]

    def _sweep(self, order: int) -> None:
        seen, twins = set(), []
        for note in self._books.notes(ORDER, [order]):
            if note.key in seen:
                twins.append(note.row["id"])
            seen.add(note.key)
        if twins:
            self._books.client.call(f"model.{NOTE}.delete", twins)
