"""A workflow for things, the people who move them, and short ways to act."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.plant.models import Person
from apps.workflows.definition import Definition
from apps.workflows.models import Version
from apps.workflows.seeds import install
from tests.workflows.testapp.commands import move_thing
from tests.workflows.testapp.models import Thing
from tests.world import give_role, give_skill, make_person, make_reason, make_role, make_site, run

SYSTEM = Actor.system("tests")


def _texts(english: str) -> dict[str, str]:
    return {"en": english, "de": f"{english} (de)"}


def _state(code: str, status: str, kind: str = "normal") -> dict[str, Any]:
    return {"code": code, "labels": _texts(code.title()), "status": status, "kind": kind}


def _edge(code: str, sources: list[str], target: str, *roles: str, **more: Any) -> dict[str, Any]:
    labels = _texts(code.replace("_", " ").capitalize())
    return {"code": code, "labels": labels, "sources": sources, "target": target, "roles": list(roles), **more}


MISSING = {"name": "missing", "type": "number", "labels": {"en": "Missing", "de": "Fehlend"}, "required": False}

BASE: dict[str, Any] = {
    "kind": "thing",
    "code": "thing",
    "name": "Things",
    "states": [
        _state("waiting", "waiting", "initial"),
        _state("ready", "ready"),
        _state("running", "running"),
        _state("paused", "suspended"),
        _state("held", "held", "hold"),
        _state("completed", "completed"),
        _state("closed", "closed", "final"),
        _state("cancelled", "cancelled", "final"),
    ],
    "edges": [
        _edge("make_ready", ["waiting"], "ready", "system", presentation="hidden"),
        _edge("start", ["ready"], "running", "operator", "line_lead"),
        _edge("pause", ["running"], "paused", "operator", reason_required=True, reason_purpose="pause"),
        _edge("resume", ["paused"], "running", "operator"),
        _edge("complete", ["running"], "completed", "operator"),
        _edge("complete_short", ["running"], "completed", "operator", inputs=[MISSING]),
        _edge("hold", ["ready", "running", "paused"], "held", "operator", "line_lead"),
        _edge("release", ["held"], "ready", "line_lead", reason_required=True, presentation="offered"),
        _edge("cancel", ["waiting", "ready"], "cancelled", "line_lead"),
        _edge("close", ["completed"], "closed", "system", presentation="hidden"),
    ],
}

TORQUE = {
    "name": "torque",
    "type": "number",
    "labels": {"en": "Torque", "de": "Drehmoment"},
    "unit": "Nm",
    "low": 12,
    "high": 14,
}


def typed(name: str, type_: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "labels": {"en": name.title(), "de": name}, **more}


Change = Callable[[dict[str, Any]], None]


def thing_workflow(*changes: Change, **edges: Mapping[str, Any]) -> Definition:
    """The base with changes: functions on the whole, or by keyword what an edge has otherwise."""
    content = copy.deepcopy(BASE)
    for code, otherwise in edges.items():
        next(edge for edge in content["edges"] if edge["code"] == code).update(otherwise)
    for change in changes:
        change(content)
    return Definition.model_validate(content)


def published(definition: Definition | None = None, **edges: Mapping[str, Any]) -> Version:
    version_id = run(install, SYSTEM, definition=definition or thing_workflow(**edges))
    return Version.objects.get(pk=version_id)


@dataclass(frozen=True)
class Shop:
    """Olga operates, Lena leads; Olaf is known to the plant, and no more."""

    version: Version
    olga: Person
    lena: Person
    olaf: Person
    site_id: int

    def thing(self, state: str = "ready", **fields: Any) -> Thing:
        """A new one, moved to the state along the workflow."""
        thing = Thing.objects.create(workflow_version=self.version, site_id=self.site_id, **fields)
        ways = {
            "waiting": [],
            "ready": ["make_ready"],
            "running": ["make_ready", "start"],
            "held": ["make_ready", "hold"],
            "completed": ["make_ready", "start", "complete"],
        }
        for edge in ways[state]:
            if edge == "make_ready":
                run(move_thing, SYSTEM, thing_id=thing.pk, edge=edge)
            else:
                run(move_thing, self.olga, thing_id=thing.pk, edge=edge)
        return Thing.objects.get(pk=thing.pk)


def make_shop(definition: Definition | None = None, **edges: Mapping[str, Any]) -> Shop:
    site = make_site()
    make_role("operator", "testapp.run_thing")
    make_role("line_lead", "testapp.run_thing")
    make_reason("pause", "lunch", en="Lunch", de="Mittag")
    olga, lena, olaf = (make_person(name) for name in ("olga", "lena", "olaf"))
    give_role(olga, "operator", site)
    give_role(lena, "line_lead", site)
    give_skill(olga, "welding")
    return Shop(published(definition, **edges), olga, lena, olaf, site.pk)


def refused(who: Person | Actor, thing: Thing, edge: str, inputs: Mapping[str, Any] | None = None) -> CommandRefused:
    """The refusal; that nothing has changed is checked here, for every refusal there is."""
    before = Thing.objects.filter(pk=thing.pk).values().get()
    rows = Thing.history.count()
    with pytest.raises(CommandRefused) as caught:
        run(move_thing, who, thing_id=thing.pk, edge=edge, inputs=dict(inputs or {}))
    assert Thing.objects.filter(pk=thing.pk).values().get() == before
    assert Thing.history.count() == rows
    return caught.value


def move(who: Person | Actor, thing: Thing, edge: str, **inputs: Any) -> Thing:
    run(move_thing, who, thing_id=thing.pk, edge=edge, inputs=inputs)
    return Thing.objects.get(pk=thing.pk)
