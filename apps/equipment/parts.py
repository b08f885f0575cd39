"""The parts of a downtime when its start or end moves: they make up the whole, and keep what people said. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True)
class Part:
    """[start, end) with one reason; None: not explained."""

    start: datetime
    end: datetime | None
    reason_id: int | None = None
    classified_at: datetime | None = None
    classified_by_id: int | None = None


def fitted(parts: Iterable[Part], start: datetime, end: datetime | None) -> list[Part]:
    """Parts that make up [start, end): cut to it, the first and the last drawn out to its ends; what was none of them
    in between is not explained.
    """
    whole: list[Part] = []
    for part in sorted(parts, key=lambda part: part.start):
        cut = _cut(part, whole[-1].end if whole else start, start, end)
        if cut is None:
            continue
        if whole and whole[-1].end != cut.start:
            whole.append(Part(whole[-1].end or start, cut.start))
        whole.append(cut if whole else replace(cut, start=start))
    if not whole:
        return [Part(start, end)]
    whole[-1] = replace(whole[-1], end=end)
    return whole


def _cut(part: Part, reached: datetime | None, start: datetime, end: datetime | None) -> Part | None:
    """What of it lies in the whole and is not taken by one before."""
    if reached is None:
        return None
    begins = max(part.start, reached, start)
    ends = part.end if end is None else end if part.end is None else min(part.end, end)
    return None if ends is not None and ends <= begins else replace(part, start=begins, end=ends)
