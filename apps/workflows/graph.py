"""A published version compiled into django-fsm: one step per edge code, one Transition per source.

Cached per process without an end: a published version never changes, and the key holds its checksum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

from cel import Program
from django.db import models
from django_fsm import FSMMeta, TransitionNotAllowed

from apps.workflows import guards
from apps.workflows.definition import SYSTEM_ROLE, Definition, EdgeSpec, StateSpec, word
from apps.workflows.models.life import VersionStatus
from apps.workflows.models.versions import Version
from apps.workflows.rows import to_definition

# Versions with items in flight, times kinds; a compiled one is some 10 KB.
KEPT = 512


class Judge(Protocol):
    """The running fire(): raises CommandRefused with the sentence, so that a Transition can't be taken without it."""

    def judge(self) -> None: ...


@dataclass(frozen=True)
class CompiledEdge:
    spec: EdgeSpec
    source: StateSpec
    target: StateSpec

    @cached_property
    def program(self) -> Program | None:
        return guards.compiled(self.spec.expression) if self.spec.expression else None

    @property
    def label(self) -> str:
        return word(self.spec.labels, self.spec.code)

    @property
    def is_for_system_only(self) -> bool:
        return self.spec.roles == [SYSTEM_ROLE]


class Step:
    """Stands for a transition method of the model, as django-fsm knows them: one per edge code of a version."""

    def __init__(self, code: str, version_id: int) -> None:
        self.__name__, self.__qualname__ = code, f"v{version_id}.{code}"
        self._django_fsm = FSMMeta(field="state", method=True)

    def __call__(self, item: models.Model, edge: CompiledEdge) -> None:
        """The status goes with the state; django-fsm sets the state itself, after this."""
        item.__dict__["status"] = edge.target.status


@dataclass(frozen=True)
class Graph:
    """
    steps  edge code -> what field.change_state() runs
    exits  state code -> its edges in the order of screens
    """

    version_id: int
    workflow_id: int
    states: dict[str, StateSpec]
    steps: dict[str, Step]
    exits: dict[str, tuple[CompiledEdge, ...]]
    initial: StateSpec

    def edge(self, code: str, source: str) -> CompiledEdge | None:
        return next((edge for edge in self.exits.get(source, ()) if edge.spec.code == code), None)

    def state_label(self, code: str) -> str:
        state = self.states.get(code)
        return word(state.labels, code) if state else code

    def edge_label(self, code: str) -> str:
        found = next((e for edges in self.exits.values() for e in edges if e.spec.code == code), None)
        return found.label if found else code


def graph(version: Version) -> Graph:
    """Raises TransitionNotAllowed for a version that was never published: nothing may run on a draft."""
    if version.status not in (VersionStatus.PUBLISHED, VersionStatus.RETIRED):
        raise TransitionNotAllowed(f"{version} is not published")
    return _compiled(version.pk, version.checksum)


@lru_cache(maxsize=KEPT)
def _compiled(version_id: int, checksum: str) -> Graph:  # noqa: ARG001  # part of the key
    version = Version.objects.select_related("workflow").get(pk=version_id)
    return build(version, to_definition(version))


def build(version: Version, definition: Definition) -> Graph:
    states = {state.code: state for state in definition.states}
    exits: dict[str, list[CompiledEdge]] = {code: [] for code in states}
    steps: dict[str, Step] = {}
    for spec in definition.edges:
        for source in spec.sources:
            edge = CompiledEdge(spec, states[source], states[spec.target])
            exits[source].append(edge)
            step = steps.setdefault(spec.code, Step(spec.code, version.pk))
            step._django_fsm.add_transition(step, source, spec.target, conditions=[_is_judged], custom={"edge": edge})
    initial = next(state for state in definition.states if state.kind == "initial")
    ways = {code: tuple(edges) for code, edges in exits.items()}
    return Graph(version.pk, version.workflow_id, states, steps, ways, initial)


def _is_judged(item: models.Model) -> bool:
    """django-fsm's own condition: without a running fire() to judge it, no transition is taken."""
    judge: Judge | None = item.__dict__.get("_judge")
    if judge is None:
        return False
    judge.judge()
    return True
