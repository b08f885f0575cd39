"""Tables for spreadsheets, in which no cell is a formula: what people typed must not run on a colleague's machine."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse

# What a spreadsheet takes for the start of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(value: Any) -> str:
    """As text; a number stays one, a formula becomes a text that shows it."""
    text = "" if value is None else str(value)
    if isinstance(value, int | float) or not text.startswith(_FORMULA):
        return text
    return f"'{text}"


def csv_file(name: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """UTF-8 with the mark that spreadsheets look for; `name` without its ending."""
    written = io.StringIO()
    writer = csv.writer(written)
    for row in [headings, *rows]:
        writer.writerow([harmless(value) for value in row])
    answer = HttpResponse("\ufeff" + written.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
