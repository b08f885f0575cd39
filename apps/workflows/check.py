"""May this workflow be published? Everything found at once, in words, before anything runs on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from django.conf import settings
from django.utils.translation import gettext as _

from apps.workflows import guards, people
from apps.workflows.definition import (
    REASON,
    SYSTEM_ROLE,
    Definition,
    EdgeSpec,
    InputSpec,
    SignatureSpec,
    StateSpec,
    Texts,
)
from apps.workflows.effects import EffectFailed, parameters_of
from apps.workflows.guards import INPUTS
from apps.workflows.inputs import VALUE_TYPES
from apps.workflows.kinds import KINDS, Kind, ValueType
from apps.workflows.models import Phases

# What is asked for when a hold is left: one of these names, as a choice or a text.
DISPOSITIONS = frozenset({REASON, "disposition"})

_ORDERED = frozenset({ValueType.NUMBER, ValueType.TIME, ValueType.TEXT})


@dataclass(frozen=True)
class Problem:
    """`where` is "workflow", "state held" or "edge release"; an error keeps a version from being published."""

    severity: Literal["error", "warning"]
    where: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


@dataclass(frozen=True, kw_only=True)
class Words:
    """The codes of the plant that an edge may name; roles with the actions they hold."""

    roles: Mapping[str, AbstractSet[str]]
    skills: AbstractSet[str]
    purposes: AbstractSet[str]


def words_of_the_plant() -> Words:
    """Two queries."""
    return Words(roles=people.known_roles(), skills=people.known_skills(), purposes=people.known_purposes())


def check(definition: Definition, kind: Kind | None, words: Words | None = None) -> list[Problem]:
    """[] or only warnings: it may be published.

    kind   None when no installed app declares it
    words  read from the plant when left out
    """
    if kind is None:
        known = ", ".join(sorted(KINDS)) or _("none")
        return [Problem("error", "workflow", _("%(kind)s is no known kind of item; known: %(known)s.")
                        % {"kind": definition.kind, "known": known})]  # fmt: skip
    return list(_Check(definition, kind, words or words_of_the_plant()).run())


def errors_in(problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == "error"]


def _error(where: str, sentence: str) -> Problem:
    return Problem("error", where, sentence)


def _reach(starts: Iterable[str], ways: Mapping[str, Collection[str]], without: str = "") -> set[str]:
    """All states that can be reached from `starts`, never entering `without`."""
    seen: set[str] = set()
    todo = [start for start in starts if start != without]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += [target for target in ways.get(state, ()) if target != without]
    return seen


class _Check:
    def __init__(self, definition: Definition, kind: Kind, words: Words) -> None:
        self.definition, self.kind, self.words = definition, kind, words
        self.states = {state.code: state for state in definition.states}
        self.forward: defaultdict[str, set[str]] = defaultdict(set)
        self.backward: defaultdict[str, set[str]] = defaultdict(set)
        for edge in definition.edges:
            for source in edge.sources:
                self.forward[source].add(edge.target)
                self.backward[edge.target].add(source)

    def run(self) -> Iterator[Problem]:
        yield from self._names()
        yield from self._ends()
        yield from self._ways()
        yield from self._gates()
        for state in self.definition.states:
            yield from self._state(state)
        for edge in self.definition.edges:
            yield from self._edge(edge)
            yield from self._texts(edge)

    def _of_kind(self, kind: str) -> set[str]:
        return {state.code for state in self.definition.states if state.kind == kind}

    @cached_property
    def _final(self) -> set[str]:
        return self._of_kind("final")

    # -- the graph

    def _names(self) -> Iterator[Problem]:
        seen: set[str] = set()
        for state in self.definition.states:
            if state.code in seen:
                yield _error(f"state {state.code}", _("the code is used twice."))
            seen.add(state.code)
        ways: set[tuple[str, str]] = set()
        for edge in self.definition.edges:
            for code in sorted({*edge.sources, edge.target} - self.states.keys()):
                yield _error(f"edge {edge.code}", _("state %(code)s is not there.") % {"code": code})
            for source in edge.sources:
                if (edge.code, source) in ways:
                    yield _error(
                        f"edge {edge.code}", _("it leaves %(state)s twice: which one is meant?") % {"state": source}
                    )
                ways.add((edge.code, source))

    def _ends(self) -> Iterator[Problem]:
        initial = self._of_kind("initial")
        if len(initial) != 1:
            yield _error("workflow", _("exactly one initial state is needed; found: %(n)s.") % {"n": len(initial)})
        if not self._final:
            yield _error("workflow", _("there is no final state."))
        for code in sorted(self._final):
            if self.forward[code]:
                yield _error(f"state {code}", _("a final state has no exits."))

    def _ways(self) -> Iterator[Problem]:
        reached = _reach(self._of_kind("initial"), self.forward)
        leading = _reach(self._final, self.backward)
        for code in self.states:
            if code not in reached:
                yield _error(f"state {code}", _("nothing leads here."))
            if code not in leading:
                yield _error(f"state {code}", _("a dead end: no way leads from here to a final state."))

    def _gates(self) -> Iterator[Problem]:
        """A gate lies on every way to an end with the work done: take it out, and look whether one is left."""
        done = {code for code in self._final if self.states[code].status not in self.kind.abandoned}
        initial = self._of_kind("initial")
        for gate in sorted(self._of_kind("gate")):
            passed_by = sorted(_reach(initial, self.forward, gate) & done)
            if passed_by:
                yield _error(
                    f"state {gate}",
                    _("the gate can be bypassed on the way to %(ends)s.") % {"ends": ", ".join(passed_by)},
                )

    # -- one state

    def _state(self, state: StateSpec) -> Iterator[Problem]:
        where, kind = f"state {state.code}", self.kind
        if state.status not in kind.statuses.values:
            known = ", ".join(kind.statuses.values)
            yield _error(
                where, _("%(status)s is no status; known: %(known)s.") % {"status": state.status, "known": known}
            )
            return
        pairs = [("initial", kind.initial_statuses), ("final", kind.final_statuses), ("hold", kind.held_statuses)]
        for name, allowed in pairs:
            if state.kind == name and state.status not in allowed:
                yield _error(
                    where,
                    _("a state of kind %(kind)s has one of the statuses: %(allowed)s.")
                    % {"kind": name, "allowed": ", ".join(sorted(allowed))},
                )
        for name, bound in pairs[1:]:
            if state.status in bound and state.kind != name:
                yield _error(
                    where,
                    _("status %(status)s makes it a state of kind %(kind)s.") % {"status": state.status, "kind": name},
                )
        if state.phase == Phases.STOP.value and state.status not in kind.stop_statuses:
            yield _error(where, _("no stop of the machine leads to status %(status)s.") % {"status": state.status})
        elif state.phase not in ("", Phases.STOP.value) and state.status not in kind.running_statuses:
            yield _error(where, _("only a running state has a phase; %(status)s is none.") % {"status": state.status})
        yield from self._translated(where, state.labels)

    # -- one edge

    def _edge(self, edge: EdgeSpec) -> Iterator[Problem]:
        where = f"edge {edge.code}"
        yield from self._moves(where, edge)
        yield from self._named(where, edge)
        yield from self._holds(where, edge)
        for given in edge.inputs:
            yield from self._input(where, edge, given)
        yield from self._guards(where, edge)

    def _moves(self, where: str, edge: EdgeSpec) -> Iterator[Problem]:
        target = self.states.get(edge.target)
        for code in edge.sources:
            source = self.states.get(code)
            if source and target and not self.kind.allows(source.status, target.status):
                yield _error(
                    where,
                    _("no %(item)s goes from %(old)s to %(new)s.")
                    % {"item": self.kind.label, "old": source.status, "new": target.status},
                )

    def _named(self, where: str, edge: EdgeSpec) -> Iterator[Problem]:
        for code in sorted(set(edge.roles) - self.words.roles.keys()):
            yield _error(where, _("there is no role %(code)s.") % {"code": code})
        needed = self.kind.permission.code
        holders = [code for code in edge.roles if code == SYSTEM_ROLE or needed in self.words.roles.get(code, ())]
        if edge.roles and not holders:
            yield Problem(
                "warning",
                where,
                _("nobody can take it: none of its roles may %(act)s.") % {"act": self.kind.permission.label},
            )
        for code in sorted(set(edge.skills) - self.words.skills):
            yield _error(where, _("there is no skill %(code)s.") % {"code": code})
        if edge.reason_purpose and edge.reason_purpose not in self.words.purposes:
            yield _error(where, _("there are no reasons for %(code)s.") % {"code": edge.reason_purpose})
        for effect in edge.effects:
            try:
                parameters_of(effect.code, effect.parameters)
            except EffectFailed as error:
                yield _error(where, f"{error}.")
        if edge.signature is not None:
            yield from self._signature(where, edge, edge.signature)

    def _signature(self, where: str, edge: EdgeSpec, signature: SignatureSpec) -> Iterator[Problem]:
        if self.kind.take is None:
            yield _error(where, _("no %(item)s is signed.") % {"item": self.kind.label})
        if edge.roles == [SYSTEM_ROLE]:
            yield _error(where, _("the system itself takes it, and signs nothing."))
        if not any(signature.meaning.values()):
            yield _error(where, _("a signature says what it means."))
        yield from self._translated(where, signature.meaning)
        codes = {other.code for other in self.definition.edges}
        for code in sorted(set(signature.not_same_as) - codes):
            yield _error(where, _("there is no edge %(code)s whose people may not sign.") % {"code": code})

    def _holds(self, where: str, edge: EdgeSpec) -> Iterator[Problem]:
        if not any(code in self.states and self.states[code].kind == "hold" for code in edge.sources):
            return
        if not edge.roles:
            yield _error(where, _("it leaves a hold, so it names who may release it."))
        asked = [i for i in edge.all_inputs if i.required and i.name in DISPOSITIONS and i.type in {"choice", "text"}]
        if not asked:
            yield _error(where, _("it leaves a hold, so it asks for a reason or a disposition."))

    def _input(self, where: str, edge: EdgeSpec, given: InputSpec) -> Iterator[Problem]:
        if sum(other.name == given.name for other in edge.all_inputs) > 1:
            yield _error(where, _("input %(name)s is there twice.") % {"name": given.name})
        if given.name in self.kind.own_inputs:
            yield _error(where, _("input %(name)s is the system's own.") % {"name": given.name})
        if given.type == "choice" and given.reason_purpose not in self.words.purposes:
            yield _error(
                where,
                _("input %(name)s is chosen from reasons, and there are none for “%(purpose)s”.")
                % {"name": given.name, "purpose": given.reason_purpose},
            )
        if given.low is not None and given.high is not None and given.low > given.high:
            yield _error(where, _("input %(name)s can never be right: low is above high.") % {"name": given.name})

    # -- guards

    def _guards(self, where: str, edge: EdgeSpec) -> Iterator[Problem]:
        inputs = {given.name: VALUE_TYPES[given.type] for given in edge.all_inputs}
        types = {name: field.type for name, field in self.kind.fields.items()}
        types |= {f"{INPUTS}.{name}": type_ for name, type_ in inputs.items()}
        for condition in edge.conditions:
            type_ = types.get(condition.field)
            if type_ is None:
                yield _error(where, _("%(field)s is no field to ask for.") % {"field": condition.field})
            elif not _is_comparable(type_, condition.operator, condition.value):
                yield _error(
                    where,
                    _("%(field)s %(operator)s %(value)s makes no sense.")
                    % {"field": condition.field, "operator": condition.operator, "value": condition.value},
                )
            if not any(condition.sentence.values()):
                yield _error(where, _("a condition says in a sentence why it refuses."))
        if edge.expression:
            for problem in guards.expression_problems(edge.expression, self.kind.fields, inputs):
                yield _error(where, _("the expression: %(problem)s.") % {"problem": problem})
            if not any(edge.expression_sentence.values()):
                yield _error(where, _("the expression says in a sentence why it refuses."))

    # -- languages

    def _texts(self, edge: EdgeSpec) -> Iterator[Problem]:
        where = f"edge {edge.code}"
        yield from self._translated(where, edge.labels)
        for texts in [*(c.sentence for c in edge.conditions), *(i.labels for i in edge.inputs)]:
            yield from self._translated(where, texts)
        if edge.expression:
            yield from self._translated(where, edge.expression_sentence)

    def _translated(self, where: str, texts: Texts) -> Iterator[Problem]:
        missing = [name for name, __ in settings.LANGUAGES if not texts.get(name)]
        if missing:
            shown = next((text for text in texts.values() if text), "")
            yield Problem(
                "warning",
                where,
                _("“%(text)s” lacks: %(languages)s.") % {"text": shown, "languages": ", ".join(missing)},
            )


def _is_comparable(type_: ValueType, operator: str, value: object) -> bool:
    if operator in {"empty", "not empty"}:
        return True
    if operator in {"in", "not in"}:
        return isinstance(value, list) and all(_fits(type_, one) for one in value)
    if operator in {"=", "!="}:
        return _fits(type_, value)
    return type_ in _ORDERED and _fits(type_, value)


def _fits(type_: ValueType, value: object) -> bool:
    match type_:
        case ValueType.BOOLEAN:
            return isinstance(value, bool)
        case ValueType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ValueType.TIME:
            return isinstance(value, str) and guards.is_time(value)
        case ValueType.TEXT:
            return isinstance(value, str)
        case _:
            return isinstance(value, list)
