"""Rows of one delivery that are judged and written one after the other, each undone alone when it is rejected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.errors import CommandRefused
from apps.materials.commands.erp_rows import Outcome, Rejected, Report, RowReport

# What became of the row, and the id of ours.
Taken = tuple[Outcome, int | None]


def take_each(
    rows: Sequence[Any], take: Callable[[Any], Taken], *, all_or_none: bool = False, dry_run: bool = False
) -> Report:
    """`take` raises Rejected, or CommandRefused by what it calls. Each row has an `erp_key`, once in the list."""
    with transaction.atomic():
        reports: list[RowReport] = []
        seen: set[str] = set()
        for index, row in enumerate(rows):
            reports.append(_one(index, row, take, seen))
            seen.add(row.erp_key)
        failed = any(report.outcome == Outcome.REJECTED for report in reports)
        written = not dry_run and not (all_or_none and failed)
        if not written:
            transaction.set_rollback(True)
            reports = [replace(r, row_id=None) if r.outcome == Outcome.CREATED else r for r in reports]
    return Report(rows=reports, written=written)


def _one(index: int, row: Any, take: Callable[[Any], Taken], seen: set[str]) -> RowReport:
    try:
        _check_key(row.erp_key, seen)
        with transaction.atomic():
            outcome, row_id = take(row)
    except Rejected as problem:
        return RowReport(index=index, outcome=Outcome.REJECTED, field=problem.field, sentence=problem.sentence)
    except CommandRefused as refusal:
        return RowReport(index=index, outcome=Outcome.REJECTED, field=refusal.code, sentence=str(refusal))
    return RowReport(index=index, outcome=outcome, row_id=row_id)


def _check_key(key: str, seen: set[str]) -> None:
    if not key:
        raise Rejected("erp_key", _("The key in the ERP is missing."))
    if key in seen:
        raise Rejected("erp_key", _("This row is in the list twice."))
