"""Two buttons that nobody can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Problem, edge
from apps.workflows.check.subject import Subject, called, is_for_system_only
from apps.workflows.definition import EdgeSpec


def ambiguity(subject: Subject) -> Iterator[Problem]:
    told: set[tuple[str, str]] = set()
    for code, exits in subject.exits.items():
        state = called(subject.states[code]) if code in subject.states else code
        offered = [way for way in exits if not is_for_system_only(way)]
        for one, other in combinations(offered, 2):
            if one.code == other.code or (one.code, other.code) in told:
                continue
            problem = _between(one, other, state, subject)
            if problem:
                told.add((one.code, other.code))
                yield problem


def _between(one: EdgeSpec, other: EdgeSpec, state: str, subject: Subject) -> Problem | None:
    words = {"state": state, "step": called(one), "code": one.code}
    if any(text and other.labels.get(language) == text for language, text in one.labels.items()):
        sentence = _("on the screen of “%(state)s” it reads “%(step)s”, as edge %(code)s does.") % words
        return edge(other.code).warning(Fault.SAME_LABEL, sentence, "labels")
    if one.target == other.target and _asks_the_same(one, other) and subject.roles_of(one) & subject.roles_of(other):
        sentence = _("from “%(state)s” it does the same as “%(step)s”, for the same people.") % words
        return edge(other.code).warning(Fault.AMBIGUOUS, sentence, "target")
    return None


def _asks_the_same(one: EdgeSpec, other: EdgeSpec) -> bool:
    if one.conditions or one.expression or other.conditions or other.expression:
        return False
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("all_inputs", "skills", "effects", "signature", "at_most")
    )
