"""The right side of the editor: the form of the chosen state or edge, or of the version as a whole.

A panel knows what is chosen, shows it, and says what the definition becomes; it saves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.core.errors import CommandRefused
from apps.workflows.definition import Definition, EdgeSpec, StateSpec, word
from apps.workflows.studio import editing
from apps.workflows.studio.editing import EdgeKey, Loss
from apps.workflows.studio.forms.base import StudioForm
from apps.workflows.studio.forms.edges import EdgeForms
from apps.workflows.studio.forms.states import StateForm
from apps.workflows.studio.forms.whole import WholeForms
from apps.workflows.studio.room import Room

NEW = "new"


@dataclass(frozen=True)
class Edit:
    """What the definition becomes, what undo is called, and what is chosen afterwards (of the address)."""

    definition: Definition
    label: str
    chosen: Mapping[str, str]


class Forms(Protocol):
    def typed(self, rows: str = "", act: str = "", at: int = 0) -> Forms: ...
    def is_valid(self) -> bool: ...
    @property
    def main(self) -> StudioForm: ...


class Panel(Protocol):
    """`where` as the check names it; `chosen` of the address."""

    template: str
    title: str
    is_new: bool
    forms: Any

    @property
    def where(self) -> str: ...
    @property
    def chosen(self) -> Mapping[str, str]: ...
    def saved(self) -> Edit: ...
    def loss(self) -> Loss: ...
    def removed(self) -> Edit: ...


def panel_for(room: Room, query: QueryDict, data: QueryDict | None) -> Panel:
    """As the address says: ?state=held, ?edge=release@held, or ?edge=release for the first of that code.

    What is chosen there and is not there any more is a new one while something is typed for it; else the version as a
    whole is shown.
    """
    if "edge" in query:
        return _edge_panel(room, query, data) or WholePanel(room, data)
    if "state" in query:
        return _state_panel(room, query, data) or WholePanel(room, data)
    return WholePanel(room, data)


def _state_panel(room: Room, query: QueryDict, data: QueryDict | None) -> Panel | None:
    code = query["state"]
    state = next((state for state in room.definition.states if state.code == code), None)
    if state is None and code != NEW and data is None:
        return None
    return StatePanel(room, state, data, after=query.get("after", ""))


def _edge_panel(room: Room, query: QueryDict, data: QueryDict | None) -> Panel | None:
    key = EdgeKey.parse(query.get("edge", ""))
    here = (edge for edge in room.definition.edges if edge.code == key.code and key.source in ("", *edge.sources))
    edge = next(here, None)
    if edge is not None and not key.source:
        key = EdgeKey.of(edge)
    if edge is None and key.code != NEW and data is None:
        return None
    return EdgePanel(room, edge, data, key=key)


class _FormOfState:
    """One form, in the shape of the others."""

    def __init__(self, main: StateForm) -> None:
        self.main = main

    def typed(self, rows: str = "", act: str = "", at: int = 0) -> _FormOfState:  # noqa: ARG002  # has no rows
        return _FormOfState(StateForm(self.main.room, initial=self.main.typed()))

    def is_valid(self) -> bool:
        return self.main.is_valid()


class StatePanel:
    template = "workflows/studio/_state.html"

    def __init__(self, room: Room, state: StateSpec | None, data: QueryDict | None, *, after: str) -> None:
        self.room, self.state, self.after = room, state, after
        self.is_new = state is None
        self.title = _("New state") if state is None else word(state.labels, state.code)
        initial = state.model_dump() if state else None
        self.forms: Any = _FormOfState(StateForm(room, data, initial=initial))

    @property
    def where(self) -> str:
        return f"state {self.state.code}" if self.state else ""

    @property
    def chosen(self) -> Mapping[str, str]:
        return {"state": self.state.code} if self.state else {"state": NEW, "after": self.after}

    @property
    def exits(self) -> Sequence[EdgeSpec]:
        return editing.exits_of(self.room.definition, self.state.code) if self.state else ()

    def saved(self) -> Edit:
        spec, before = self.forms.main.spec(), self.room.definition
        if self.state is None:
            after, label = editing.add_state(before, spec, self.after), _("state %(code)s added")
        elif spec.code != self.state.code:
            after, label = editing.put_state(before, self.state.code, spec), _("state %(old)s renamed to %(code)s")
        else:
            after, label = editing.put_state(before, self.state.code, spec), _("state %(code)s changed")
        old = self.state.code if self.state else ""
        return Edit(after, label % {"code": spec.code, "old": old}, {"state": spec.code})

    def loss(self) -> Loss:
        return editing.loss_of(self.room.definition, self.state.code) if self.state else Loss((), ())

    def removed(self) -> Edit:
        code = self.state.code if self.state else ""
        return Edit(editing.remove_state(self.room.definition, code), _("state %(code)s removed") % {"code": code}, {})


class EdgePanel:
    template = "workflows/studio/_edge.html"

    def __init__(self, room: Room, edge: EdgeSpec | None, data: QueryDict | None, *, key: EdgeKey) -> None:
        self.room, self.edge, self.key = room, edge, key
        self.is_new = edge is None
        self.title = _("New edge") if edge is None else word(edge.labels, edge.code)
        self.forms: Any = EdgeForms(room, edge, source=key.source, data=data)

    @property
    def where(self) -> str:
        return f"edge {self.edge.code}" if self.edge else ""

    @property
    def chosen(self) -> Mapping[str, str]:
        return {"edge": str(self.key if self.edge else EdgeKey(NEW, self.key.source))}

    def saved(self) -> Edit:
        spec, before = self.forms.spec(), self.room.definition
        if self.edge is None:
            after, label = editing.add_edge(before, spec), _("edge %(code)s added")
        elif spec.code != self.edge.code:
            after, label = editing.put_edge(before, self.key, spec), _("edge %(old)s renamed to %(code)s")
        else:
            after, label = editing.put_edge(before, self.key, spec), _("edge %(code)s changed")
        source = self.key.source if self.key.source in spec.sources else spec.sources[0]
        old = self.edge.code if self.edge else ""
        return Edit(after, label % {"code": spec.code, "old": old}, {"edge": str(EdgeKey(spec.code, source))})

    def loss(self) -> Loss:
        return Loss((), ())

    def removed(self) -> Edit:
        after = editing.remove_edge(self.room.definition, self.key)
        return Edit(after, _("edge %(code)s removed") % {"code": self.key.code}, {"state": self.key.source})


class WholePanel:
    template = "workflows/studio/_whole.html"
    is_new = False
    where = "workflow"
    chosen: Mapping[str, str] = {}

    def __init__(self, room: Room, data: QueryDict | None) -> None:
        self.room = room
        self.title = _("The whole workflow")
        self.forms: Any = WholeForms(room, room.definition, data=data)

    def saved(self) -> Edit:
        after = editing.put_whole(
            self.room.definition,
            name=self.forms.main.cleaned_data["name"],
            applies_to=[form.spec() for form in self.forms.applies_to.forms],
        )
        return Edit(after, _("name and places changed"), {})

    def loss(self) -> Loss:
        return Loss((), ())

    def removed(self) -> Edit:
        raise CommandRefused("not_removed", _("A workflow is not removed: retire its versions."))


def moved(definition: Definition, what: str, which: str, by: int) -> tuple[Definition, str]:
    """One place up (-1) or down (1): the definition, and what undo is called."""
    if what == "state":
        return editing.move_state(definition, which, by), _("state %(code)s moved") % {"code": which}
    key = EdgeKey.parse(which)
    return editing.move_edge(definition, key, by), _("edge %(code)s moved") % {"code": key.code}


def query_of(chosen: Mapping[str, str]) -> str:
    return urlencode({name: value for name, value in chosen.items() if value})
