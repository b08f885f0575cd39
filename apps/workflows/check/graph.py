"""The graph as such: names, one beginning, ends, ways, gates."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.workflows.check.problems import WORKFLOW, Fault, Problem, edge, state
from apps.workflows.check.subject import Subject, reach


def names(subject: Subject) -> Iterator[Problem]:
    seen: set[str] = set()
    for spec in subject.definition.states:
        if spec.code in seen:
            yield state(spec.code).error(Fault.CODE_TWICE, _("the code is used twice."), "code")
        seen.add(spec.code)
    ways: set[tuple[str, str]] = set()
    for way in subject.definition.edges:
        unknown = [code for code in (*way.sources, way.target) if code not in subject.states]
        for code in sorted(set(unknown)):
            field = "target" if code == way.target else "sources"
            yield edge(way.code).error(Fault.UNKNOWN_STATE, _("state %(code)s is not there.") % {"code": code}, field)
        for source in way.sources:
            if (way.code, source) in ways:
                sentence = _("it leaves %(state)s twice: which one is meant?") % {"state": source}
                yield edge(way.code).error(Fault.EDGE_TWICE, sentence, "sources")
            ways.add((way.code, source))


def ends(subject: Subject) -> Iterator[Problem]:
    found = len(subject.initial)
    if found != 1:
        sentence = _("exactly one initial state is needed; found: %(n)s.") % {"n": found}
        yield WORKFLOW.error(Fault.INITIAL_STATES, sentence)
    if not subject.final:
        yield WORKFLOW.error(Fault.NO_FINAL_STATE, _("there is no final state."))
    for code in sorted(subject.final):
        if subject.forward[code]:
            yield state(code).error(Fault.FINAL_WITH_EXITS, _("a final state has no exits."), "kind")


def ways(subject: Subject) -> Iterator[Problem]:
    reached = reach(subject.initial, subject.forward)
    leading = reach(subject.final, subject.backward)
    for code in subject.states:
        if code not in reached:
            yield state(code).error(Fault.UNREACHABLE, _("nothing leads here."))
        if code not in leading:
            yield state(code).error(Fault.DEAD_END, _("a dead end: no way leads from here to a final state."))


def gates(subject: Subject) -> Iterator[Problem]:
    """A gate lies on every way to an end with the work done: take it out, and look whether one is left."""
    done = {code for code in subject.final if subject.states[code].status not in subject.kind.abandoned}
    for gate in sorted(subject.of_kind("gate")):
        passed_by = sorted(reach(subject.initial, subject.forward, gate) & done)
        if passed_by:
            sentence = _("the gate can be bypassed on the way to %(ends)s.") % {"ends": ", ".join(passed_by)}
            yield state(gate).error(Fault.GATE_BYPASSED, sentence, "kind")
