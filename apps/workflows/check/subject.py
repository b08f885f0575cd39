"""What is being checked: the definition with its graph both ways, its kind, and the words of the plant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from apps.plant.roster_ahead import RosterAhead
from apps.workflows import people
from apps.workflows.definition import SYSTEM_ROLE, Definition, EdgeSpec, InputSpec, StateSpec, active_language, word_in
from apps.workflows.effects import Choice
from apps.workflows.kinds import Kind
from apps.workflows.life.choosing import Others
from apps.workflows.studio.choices import labels


@dataclass(frozen=True, kw_only=True)
class Words:
    """The codes of the plant that a workflow may name, and who is there in the coming week.

    roles    with the actions they hold      purposes  of reasons; `filled`: those under which there is one
    sites    with the codes of their lines   roster    None: not asked, so nothing is said about shifts
    others   what other workflows of the kind are for; None: not asked
    """

    roles: Mapping[str, AbstractSet[str]]
    skills: AbstractSet[str]
    purposes: AbstractSet[str]
    filled: AbstractSet[str] | None = None
    sites: Mapping[str, AbstractSet[str]] | None = None
    roster: RosterAhead | None = None
    others: Others | None = None

    def listed(self, choice: Choice) -> Collection[str]:
        """Codes that a parameter of an effect may have; what another app lists is read once."""
        if choice not in self._listed:
            self._listed[choice] = labels(choice)
        return self._listed[choice]

    @cached_property
    def _listed(self) -> dict[Choice, Collection[str]]:
        return {Choice.ROLE: self.roles, Choice.SKILL: self.skills, Choice.REASON_PURPOSE: self.purposes}


def words_of_the_plant(*, roster: RosterAhead | None = None, others: Others | None = None) -> Words:
    """Five queries."""
    return Words(
        roles=people.known_roles(),
        skills=people.known_skills(),
        purposes=people.known_purposes(),
        filled=people.filled_purposes(),
        sites=people.known_places(),
        roster=roster,
        others=others,
    )


class Subject:
    def __init__(self, definition: Definition, kind: Kind, words: Words) -> None:
        self.definition, self.kind, self.words = definition, kind, words
        self.states = {state.code: state for state in definition.states}
        self.edges = {edge.code: edge for edge in definition.edges}
        self.forward: defaultdict[str, set[str]] = defaultdict(set)
        self.backward: defaultdict[str, set[str]] = defaultdict(set)
        self.exits: defaultdict[str, list[EdgeSpec]] = defaultdict(list)
        self._inputs: dict[int | tuple[bool, str], list[InputSpec]] = {}
        self._language = active_language()
        for edge in definition.edges:
            for source in edge.sources:
                self.forward[source].add(edge.target)
                self.backward[edge.target].add(source)
                self.exits[source].append(edge)

    def of_kind(self, kind: str) -> set[str]:
        return {state.code for state in self.definition.states if state.kind == kind}

    def inputs_of(self, edge: EdgeSpec) -> list[InputSpec]:
        """All of them, made once: a spec makes the input of its reason anew each time it is asked."""
        key = id(edge) if edge.inputs else (edge.reason_required, edge.reason_purpose)
        if key not in self._inputs:
            self._inputs[key] = edge.all_inputs
        return self._inputs[key]

    def called(self, part: StateSpec | EdgeSpec) -> str:
        """By who reads the problems."""
        return word_in(self._language, part.labels, part.code)

    @cached_property
    def item(self) -> str:
        """What an item of the kind is called."""
        return str(self.kind.label)

    @cached_property
    def positions(self) -> dict[str, int]:
        return {state.code: position for position, state in enumerate(self.definition.states)}

    @cached_property
    def final(self) -> set[str]:
        return self.of_kind("final")

    @cached_property
    def initial(self) -> set[str]:
        return self.of_kind("initial")

    @cached_property
    def permitted(self) -> frozenset[str]:
        """Roles that hold the action which every edge of the kind needs."""
        needed = self.kind.permission.code
        return frozenset(code for code, actions in self.words.roles.items() if needed in actions)

    def roles_of(self, edge: EdgeSpec) -> frozenset[str]:
        """Roles of people who can take it: those named that hold the kind's action, or all that do."""
        return self.permitted & frozenset(edge.roles) if edge.roles else self.permitted


def is_for_system_only(edge: EdgeSpec) -> bool:
    return edge.roles == [SYSTEM_ROLE]


def reach(starts: Iterable[str], ways: Mapping[str, Collection[str]], without: str = "") -> set[str]:
    """All states that can be reached from `starts`, never entering `without`."""
    seen: set[str] = set()
    todo = [start for start in starts if start != without]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += [target for target in ways.get(state, ()) if target != without]
    return seen
