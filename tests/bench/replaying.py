"""A replay of 100,000 events beside a bare loop that only reads them: how long, and by how much this process grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import TypeVar

import psutil

from tests.bench.figures import compared
from tests.bench.running import own_wire

R = TypeVar("R")
Progress = Callable[[int, int], None]

ITEMS, MOVES, RUNS = 10_000, 10, 3
BARS = {"seconds": "<= 60", "rss_growth_mb": "<= 100"}

BARE = """
SELECT id, subject_id, site_id, actor_id, agent, occurred_at, data FROM core_ledgerevent
 WHERE kind = %(kind)s AND subject_kind = 'job_order' ORDER BY id
"""


def measured(name: str, kind: str, replay: Callable[[int, Progress], R]) -> tuple[R, dict[str, float]]:
    """`replay(events, progress)`: over so many of `kind`; the figures are those of BARS.  Runs alternate.

    seconds  the median     rss_growth_mb  at its highest between two segments, after a short run
    """
    process = psutil.Process()
    replay(2_000, lambda *_: None)
    before = highest = _mb(process)

    def look(_done: int, _total: int) -> None:
        nonlocal highest
        highest = max(highest, _mb(process))

    own: list[float] = []
    bare: list[float] = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        result = replay(ITEMS * MOVES, look)
        own.append(time.perf_counter() - begun)
        bare.append(_read_only(kind))
    compared(name, "s", own, bare, "reading the events")
    return result, {"seconds": median(own), "rss_growth_mb": highest - before}


def _read_only(kind: str) -> float:
    begun = time.perf_counter()
    count = 0
    with own_wire() as wire, wire.cursor("events") as cursor:
        cursor.itersize = 2_000
        cursor.execute(BARE, {"kind": kind})
        for _row in cursor:
            count += 1
    assert count >= ITEMS * MOVES
    return time.perf_counter() - begun


def _mb(process: psutil.Process) -> float:
    return process.memory_info().rss / 1e6
