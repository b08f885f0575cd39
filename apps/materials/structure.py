"""What goes into what, followed to its end."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def find_cycle(uses: Mapping[K, Collection[K]], start: K) -> list[K]:
    """The way from `start` back to itself, both ends named: [1, 5, 1]; empty when there is none."""
    came_from: dict[K, K] = {}
    waiting = [start]
    while waiting:
        item = waiting.pop()
        for part in uses.get(item, ()):
            if part == start:
                return [*_way(came_from, start, item), start]
            if part not in came_from:
                came_from[part] = item
                waiting.append(part)
    return []


def _way(came_from: Mapping[K, K], start: K, end: K) -> list[K]:
    way = [end]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]
