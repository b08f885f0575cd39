"""States against what their kind fixes in code: statuses, kinds of states, phases."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Place, Problem, state
from apps.workflows.check.subject import Subject
from apps.workflows.definition import StateSpec
from apps.workflows.kinds import Kind
from apps.workflows.models import Phases


def states(subject: Subject) -> Iterator[Problem]:
    statuses = list(subject.kind.statuses.values)
    for spec in subject.definition.states:
        yield from _state(state(spec.code), spec, subject.kind, statuses)


def _state(here: Place, spec: StateSpec, kind: Kind, statuses: list[str]) -> Iterator[Problem]:
    if spec.status not in statuses:
        known = ", ".join(statuses)
        sentence = _("%(status)s is no status; known: %(known)s.") % {"status": spec.status, "known": known}
        yield here.error(Fault.UNKNOWN_STATUS, sentence, "status")
        return
    pairs = [("initial", kind.initial_statuses), ("final", kind.final_statuses), ("hold", kind.held_statuses)]
    for name, allowed in pairs:
        if spec.kind == name and spec.status not in allowed:
            sentence = _("a state of kind %(kind)s has one of the statuses: %(allowed)s.")
            words = {"kind": name, "allowed": ", ".join(sorted(allowed))}
            yield here.error(Fault.WRONG_STATUS, sentence % words, "status")
    for name, bound in pairs[1:]:
        if spec.status in bound and spec.kind != name:
            sentence = _("status %(status)s makes it a state of kind %(kind)s.")
            yield here.error(Fault.WRONG_KIND, sentence % {"status": spec.status, "kind": name}, "kind")
    yield from _phase(here, spec, kind)


def _phase(here: Place, spec: StateSpec, kind: Kind) -> Iterator[Problem]:
    if spec.phase == Phases.STOP.value and spec.status not in kind.stop_statuses:
        sentence = _("no stop of the machine leads to status %(status)s.") % {"status": spec.status}
    elif spec.phase not in ("", Phases.STOP.value) and spec.status not in kind.running_statuses:
        sentence = _("only a running state has a phase; %(status)s is none.") % {"status": spec.status}
    else:
        return
    yield here.error(Fault.WRONG_PHASE, sentence, "phase")
