"""Intervals cut at the boundaries of shifts: for reporting only, the intervals themselves go on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.plant.calendar_times import Shift

Part = tuple[Shift | None, datetime, datetime]


def cut(start: datetime, end: datetime, shifts: Sequence[Shift]) -> list[Part]:
    """[start, end) in parts, each within one shift or (None) between two; in order, without gap or overlap.

    `shifts` in order, none overlapping another, as apps.plant.shifts_calendar gives them.
    """
    parts: list[Part] = []
    reached = start
    for shift in shifts:
        begins, ends = max(shift.start, reached), min(shift.end, end)
        if begins >= ends:
            continue
        if reached < begins:
            parts.append((None, reached, begins))
        parts.append((shift, begins, ends))
        reached = ends
    if reached < end:
        parts.append((None, reached, end))
    return parts
