"""A version to try, draft or not: its edges by state, and what became of an edge of the past in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from apps.workflows.definition import Definition, EdgeSpec, word
from apps.workflows.graph import CompiledEdge


class Fate(StrEnum):
    """What became of a step of the past in the version that is tried."""

    SAME = "same"
    RENAMED = "renamed"
    GONE = "gone"
    NOT_FROM_HERE = "not_from_here"
    STATE_GONE = "state_gone"


@dataclass(frozen=True)
class Match:
    """`before` is the edge as it was taken; None where its version is not there any more."""

    fate: Fate
    edge: CompiledEdge | None
    before: EdgeSpec | None
    state: str
    step: str

    @property
    def leads_elsewhere(self) -> bool:
        return self.edge is not None and self.before is not None and self.edge.spec.target != self.before.target


class Plan:
    """`befores`: the versions under which the past happened, by their ids."""

    def __init__(self, definition: Definition, befores: dict[int, Definition]) -> None:
        self.definition = definition
        self.states = {state.code: state for state in definition.states}
        self.codes = {edge.code for edge in definition.edges}
        self.exits: defaultdict[str, list[CompiledEdge]] = defaultdict(list)
        for spec in definition.edges:
            for source in spec.sources:
                self.exits[source].append(CompiledEdge(spec, self.states[source], self.states[spec.target]))
        self._befores = {
            (version_id, edge.code, source): edge
            for version_id, before in befores.items()
            for edge in before.edges
            for source in edge.sources
        }
        self._matches: dict[tuple[int, str, str], Match] = {}

    def match(self, version_id: int, code: str, source: str) -> Match:
        """The edge is found by code and source state, else as the only other one between the same two states."""
        key = (version_id, code, source)
        if key not in self._matches:
            self._matches[key] = self._found(self._befores.get(key), code, source)
        return self._matches[key]

    def _found(self, before: EdgeSpec | None, code: str, source: str) -> Match:
        known = self.states.get(source)
        state = word(known.labels, source) if known else source
        step = word(before.labels, code) if before else code
        if known is None:
            return Match(Fate.STATE_GONE, None, before, state, step)
        exits = self.exits[source]
        same = next((edge for edge in exits if edge.spec.code == code), None)
        if same is not None:
            return Match(Fate.SAME, same, before, state, step)
        if code in self.codes:
            return Match(Fate.NOT_FROM_HERE, None, before, state, step)
        others = [edge for edge in exits if before and edge.spec.target == before.target and self._is_new(edge, source)]
        if len(others) == 1:
            return Match(Fate.RENAMED, others[0], before, state, step)
        return Match(Fate.GONE, None, before, state, step)

    def _is_new(self, edge: CompiledEdge, source: str) -> bool:
        return not any(code == edge.spec.code and at == source for _version, code, at in self._befores)

    @property
    def watched(self) -> frozenset[str]:
        """Codes of edges whose earlier takings decide: those with a limit, and those whose people may not sign."""
        limited = {edge.code for edge in self.definition.edges if edge.at_most is not None}
        barring = {code for edge in self.definition.edges if edge.signature for code in edge.signature.not_same_as}
        return frozenset(limited | barring)
