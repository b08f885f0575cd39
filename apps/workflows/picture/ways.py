"""The ways between states that a picture draws: each edge from each of its sources, with what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apps.workflows.comparing import Change, Comparison, Mark, keyed
from apps.workflows.definition import Definition, EdgeSpec, StateSpec

# A way that stays is not changed by the edge having other ways besides.
_OF_WAYS = frozenset({"sources", "target"})


@dataclass(frozen=True)
class Way:
    """`changed` names the fields of the edge that differ, in words."""

    source: str
    target: str
    key: str
    edge: EdgeSpec
    mark: Mark
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class MarkedState:
    state: StateSpec
    mark: Mark
    changed: tuple[str, ...] = ()


def states_of(new: Definition, old: Definition | None, comparison: Comparison | None) -> Iterator[MarkedState]:
    """Those of the new version in its order, then those that are gone."""
    changes = {change.key: change for change in comparison.states} if comparison else {}
    for key, state in keyed(new.states).items():
        mark, changed = _marked(changes.get(key))
        yield MarkedState(state, mark, changed)
    for key, state in keyed(old.states, comparison.renamed_states).items() if old and comparison else ():
        if key in changes and changes[key].mark is Mark.REMOVED:
            yield MarkedState(state, Mark.REMOVED)


def ways_of(new: Definition, old: Definition | None, comparison: Comparison | None) -> Iterator[Way]:
    """States by their codes in the new version, in the order of its edges, then the ways that are gone."""
    changes: Mapping[str, Change] = {change.key: change for change in comparison.edges} if comparison else {}
    after = keyed(new.edges)
    before = keyed(old.edges, comparison.renamed_edges) if old and comparison else {}
    renamed = comparison.renamed_states if comparison else {}
    earlier = {
        (key, renamed.get(source, source), renamed.get(edge.target, edge.target)): edge
        for key, edge in before.items()
        for source in edge.sources
    }
    now: set[tuple[str, str, str]] = set()
    for key, edge in after.items():
        mark, changed = _marked(changes.get(key))
        for source in edge.sources:
            way = (key, source, edge.target)
            now.add(way)
            if comparison and way not in earlier:
                yield Way(source, edge.target, key, edge, Mark.ADDED)
            else:
                yield Way(source, edge.target, key, edge, mark, changed)
    for (key, source, target), edge in earlier.items():
        if (key, source, target) not in now:
            yield Way(source, target, key, edge, Mark.REMOVED)


def _marked(change: Change | None) -> tuple[Mark, tuple[str, ...]]:
    if change is None or change.mark is not Mark.CHANGED:
        return (change.mark if change else Mark.SAME), ()
    changed = tuple(field.what for field in change.fields if field.name not in _OF_WAYS)
    return (Mark.CHANGED if changed else Mark.SAME), changed
