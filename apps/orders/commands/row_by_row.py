"""Rows of one delivery that are judged one after the other, each undone alone when it is rejected.

What is as it was costs no statement, what is new is written together, and only the rest is taken row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.errors import CommandRefused
from apps.materials.commands.erp_rows import Outcome, Rejected, Report, RowReport

# What became of the row, and the id of ours.
Taken = tuple[Outcome, int | None]
Draft = TypeVar("Draft")


def take_each(
    rows: Sequence[Any],
    take: Callable[[Any], Taken],
    *,
    look: Callable[[Any], Taken | Draft | None] = lambda _row: None,
    make: Callable[[Sequence[Draft]], list[int]] | None = None,
    all_or_none: bool = False,
    dry_run: bool = False,
) -> Report:
    """Each row has an `erp_key`, once in the list.  All three raise Rejected, or CommandRefused by what they call.

    look  without a statement: what became of the row, a draft of what is new, or None where it has to be taken
    make  writes drafts, and answers with their ids
    """
    with transaction.atomic():
        reports = _Taking(take, look, make).of(rows)
        failed = any(report.outcome == Outcome.REJECTED for report in reports)
        written = not dry_run and not (all_or_none and failed)
        if not written:
            transaction.set_rollback(True)
            reports = [replace(r, row_id=None) if r.outcome == Outcome.CREATED else r for r in reports]
    return Report(rows=reports, written=written)


class _Taking(Generic[Draft]):
    def __init__(
        self,
        take: Callable[[Any], Taken],
        look: Callable[[Any], Taken | Draft | None],
        make: Callable[[Sequence[Draft]], list[int]] | None,
    ) -> None:
        self.take, self.look, self.make = take, look, make
        self.reports: dict[int, RowReport] = {}
        self.drafts: list[tuple[int, Draft]] = []
        self.seen: set[str] = set()

    def of(self, rows: Sequence[Any]) -> list[RowReport]:
        for index, row in enumerate(rows):
            self._judge(index, self._row, index, row)
            self.seen.add(row.erp_key)
        self._write_drafts()
        return [self.reports[index] for index in range(len(rows))]

    def _row(self, index: int, row: Any) -> Taken | None:
        _check_key(row.erp_key, self.seen)
        found = self.look(row)
        if isinstance(found, tuple):
            return found
        if found is not None:
            self.drafts.append((index, found))
            return None
        # What came before it is there when this row is judged.
        self._write_drafts()
        with transaction.atomic():
            return self.take(row)

    def _write_drafts(self) -> None:
        drafts, self.drafts = self.drafts, []
        if not drafts:
            return
        try:
            ids = self._made([draft for _index, draft in drafts])
        except (Rejected, CommandRefused):
            # One of them is to blame: each by itself shows which.
            for index, draft in drafts:
                self._judge(index, lambda one: (Outcome.CREATED, self._made([one])[0]), draft)
            return
        for (index, _draft), row_id in zip(drafts, ids, strict=True):
            self.reports[index] = RowReport(index=index, outcome=Outcome.CREATED, row_id=row_id)

    def _made(self, drafts: Sequence[Draft]) -> list[int]:
        assert self.make, "whoever drafts makes"
        with transaction.atomic():
            return self.make(drafts)

    def _judge(self, index: int, judge: Callable[..., Taken | None], *args: Any) -> None:
        try:
            found = judge(*args)
        except Rejected as problem:
            self.reports[index] = _rejected(index, problem.field, problem.sentence)
        except CommandRefused as refusal:
            self.reports[index] = _rejected(index, refusal.code, str(refusal))
        else:
            if found is not None:
                self.reports[index] = RowReport(index=index, outcome=found[0], row_id=found[1])


def _rejected(index: int, field: str, sentence: str) -> RowReport:
    return RowReport(index=index, outcome=Outcome.REJECTED, field=field, sentence=sentence)


def _check_key(key: str, seen: set[str]) -> None:
    if not key:
        raise Rejected("erp_key", _("The key in the ERP is missing."))
    if key in seen:
        raise Rejected("erp_key", _("This row is in the list twice."))
