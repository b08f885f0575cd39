"""Each edit of a workflow as a function from one definition to the next; nothing is changed in place.

An edge is named by its code and one of its sources, which no other edge has both of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from django.utils.translation import gettext as _

from apps.core.errors import CommandRefused
from apps.workflows.definition import Definition, EdgeSpec, Part, StateSpec, WhereSpec

P = TypeVar("P", bound=Part)


@dataclass(frozen=True)
class EdgeKey:
    """Written as "start@ready"."""

    code: str
    source: str

    def __str__(self) -> str:
        return f"{self.code}@{self.source}"

    @classmethod
    def of(cls, edge: EdgeSpec, source: str = "") -> Self:
        return cls(edge.code, source or edge.sources[0])

    @classmethod
    def parse(cls, text: str) -> Self:
        code, __, source = text.partition("@")
        return cls(code, source)


@dataclass(frozen=True)
class Loss:
    """What goes with a state: whole edges, and edges that only lose one of their sources."""

    gone: Sequence[EdgeSpec]
    narrowed: Sequence[EdgeSpec]

    def __bool__(self) -> bool:
        return bool(self.gone or self.narrowed)


# ---- finding


def state_at(definition: Definition, code: str) -> int:
    """Raises CommandRefused: gone."""
    return _found([at for at, state in enumerate(definition.states) if state.code == code], code)


def edge_at(definition: Definition, key: EdgeKey) -> int:
    """Raises CommandRefused: gone."""
    edges = enumerate(definition.edges)
    return _found([at for at, edge in edges if edge.code == key.code and key.source in edge.sources], key.code)


def exits_of(definition: Definition, state: str) -> list[EdgeSpec]:
    return [edge for edge in definition.edges if state in edge.sources]


def _found(places: Sequence[int], code: str) -> int:
    if not places:
        raise CommandRefused("gone", _("%(code)s is not there any more.") % {"code": code})
    return places[0]


# ---- the whole


def put_whole(definition: Definition, *, name: str, applies_to: Sequence[WhereSpec]) -> Definition:
    return definition.model_copy(update={"name": name, "applies_to": list(applies_to)})


# ---- states


def add_state(definition: Definition, state: StateSpec, after: str = "") -> Definition:
    """Behind the state `after`, or last."""
    _insist_new_state(definition, state.code)
    known = [at for at, other in enumerate(definition.states) if other.code == after]
    place = known[0] + 1 if known else len(definition.states)
    return _with(definition, states=[*definition.states[:place], state, *definition.states[place:]])


def put_state(definition: Definition, code: str, state: StateSpec) -> Definition:
    """In the place of the state `code`; a new code goes into all edges."""
    place = state_at(definition, code)
    if state.code != code:
        _insist_new_state(definition, state.code)
    states = _replaced(definition.states, place, state)
    edges = [
        edge.model_copy(
            update={
                "sources": [state.code if source == code else source for source in edge.sources],
                "target": state.code if edge.target == code else edge.target,
            }
        )
        for edge in definition.edges
    ]
    return _with(definition, states=states, edges=edges)


def loss_of(definition: Definition, code: str) -> Loss:
    """Edges that go, or lose a source, when the state is removed."""
    touched = [edge for edge in definition.edges if code in {*edge.sources, edge.target}]
    gone = [edge for edge in touched if edge.target == code or edge.sources == [code]]
    return Loss(gone, [edge for edge in touched if edge not in gone])


def remove_state(definition: Definition, code: str) -> Definition:
    """With all that `loss_of` names."""
    place = state_at(definition, code)
    gone = loss_of(definition, code).gone
    edges = [
        edge.model_copy(update={"sources": [source for source in edge.sources if source != code]})
        for edge in definition.edges
        if edge not in gone
    ]
    return _without_dead_names(
        _with(definition, states=[*definition.states[:place], *definition.states[place + 1 :]], edges=edges)
    )


def move_state(definition: Definition, code: str, by: int) -> Definition:
    """Up (-1) or down (1); at the end it stays."""
    place = state_at(definition, code)
    return _with(definition, states=_moved(definition.states, place, place + by))


# ---- edges


def add_edge(definition: Definition, edge: EdgeSpec) -> Definition:
    """Last on screens."""
    _insist_whole(definition, edge, definition.edges)
    return _with(definition, edges=[*definition.edges, edge])


def put_edge(definition: Definition, key: EdgeKey, edge: EdgeSpec) -> Definition:
    """In the place of the edge `key`; a new code goes into the signatures that name the old one."""
    place = edge_at(definition, key)
    others = [other for at, other in enumerate(definition.edges) if at != place]
    _insist_whole(definition, edge, others)
    edges = _replaced(definition.edges, place, edge)
    if edge.code != key.code and all(other.code != key.code for other in others):
        edges = [_signers_renamed(one, key.code, edge.code) for one in edges]
    return _without_dead_names(_with(definition, edges=edges))


def remove_edge(definition: Definition, key: EdgeKey) -> Definition:
    place = edge_at(definition, key)
    return _without_dead_names(_with(definition, edges=[*definition.edges[:place], *definition.edges[place + 1 :]]))


def move_edge(definition: Definition, key: EdgeKey, by: int) -> Definition:
    """Past the exit above (-1) or below (1) it among those of its source; at the end it stays."""
    place = edge_at(definition, key)
    exits = [at for at, edge in enumerate(definition.edges) if key.source in edge.sources]
    to = exits.index(place) + by
    return _with(definition, edges=_moved(definition.edges, place, exits[to] if 0 <= to < len(exits) else place))


# ---- shared


def _with(definition: Definition, **parts: Sequence[Part]) -> Definition:
    """Made anew, so that sources stand in the order of the states as after reading the rows."""
    return Definition.model_validate(definition.model_dump() | {name: _plain(part) for name, part in parts.items()})


def _plain(parts: Sequence[Part]) -> list[dict[str, object]]:
    return [part.model_dump() for part in parts]


def _replaced(parts: Sequence[P], place: int, part: P) -> list[P]:
    return [*parts[:place], part, *parts[place + 1 :]]


def _moved(parts: Sequence[P], place: int, to: int) -> list[P]:
    rest = [*parts[:place], *parts[place + 1 :]]
    to = min(max(to, 0), len(rest))
    return [*rest[:to], parts[place], *rest[to:]]


def _insist_new_state(definition: Definition, code: str) -> None:
    if any(state.code == code for state in definition.states):
        raise CommandRefused("used_twice", _("There is a state %(code)s already.") % {"code": code})


def _insist_whole(definition: Definition, edge: EdgeSpec, others: Sequence[EdgeSpec]) -> None:
    """What rows can't hold is refused here, in words for the place where it was typed."""
    codes = {state.code for state in definition.states}
    missing = sorted({*edge.sources, edge.target} - codes)
    if missing:
        raise CommandRefused("gone", _("%(code)s is not there any more.") % {"code": ", ".join(missing)})
    for other in others:
        shared = [source for source in edge.sources if source in other.sources]
        if other.code == edge.code and shared:
            raise CommandRefused(
                "used_twice",
                _("%(state)s has an exit %(code)s already.") % {"state": ", ".join(shared), "code": edge.code},
            )


def _signers_renamed(edge: EdgeSpec, old: str, new: str) -> EdgeSpec:
    if edge.signature is None or old not in edge.signature.not_same_as:
        return edge
    names = [new if code == old else code for code in edge.signature.not_same_as]
    return edge.model_copy(update={"signature": edge.signature.model_copy(update={"not_same_as": names})})


def _without_dead_names(definition: Definition) -> Definition:
    """A signature names no edge that is not there any more."""
    codes = {edge.code for edge in definition.edges}
    edges = []
    for edge in definition.edges:
        signed = edge.signature
        if signed and not codes.issuperset(signed.not_same_as):
            names = [code for code in signed.not_same_as if code in codes]
            edges.append(edge.model_copy(update={"signature": signed.model_copy(update={"not_same_as": names})}))
        else:
            edges.append(edge)
    return definition.model_copy(update={"edges": edges})
