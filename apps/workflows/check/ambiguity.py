"""Two buttons that nobody can tell apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Problem, edge
from apps.workflows.check.subject import Subject, is_for_system_only
from apps.workflows.definition import EdgeSpec


def ambiguity(subject: Subject) -> Iterator[Problem]:
    told: set[tuple[str, str]] = set()
    for code, exits in subject.exits.items():
        offered = [way for way in exits if not is_for_system_only(way)]
        for one, other, fault in [*_twins(offered, subject), *_namesakes(offered)]:
            if (one.code, other.code) in told:
                continue
            told.add((one.code, other.code))
            state = subject.called(subject.states[code]) if code in subject.states else code
            words = {"state": state, "step": subject.called(one), "code": one.code}
            if fault == Fault.SAME_LABEL:
                sentence = _("on the screen of “%(state)s” it reads “%(step)s”, as edge %(code)s does.") % words
                yield edge(other.code).warning(fault, sentence, "labels")
            else:
                sentence = _("from “%(state)s” it does the same as “%(step)s”, for the same people.") % words
                yield edge(other.code).warning(fault, sentence, "target")


def _namesakes(offered: list[EdgeSpec]) -> Iterator[tuple[EdgeSpec, EdgeSpec, Fault]]:
    first: dict[tuple[str, str], EdgeSpec] = {}
    for way in offered:
        for language, text in way.labels.items():
            one = first.setdefault((language, text), way) if text else way
            if one.code != way.code:
                yield one, way, Fault.SAME_LABEL


def _twins(offered: list[EdgeSpec], subject: Subject) -> Iterator[tuple[EdgeSpec, EdgeSpec, Fault]]:
    by_target: defaultdict[str, list[EdgeSpec]] = defaultdict(list)
    for way in offered:
        for one in by_target[way.target]:
            if (
                one.code != way.code
                and _asks_the_same(one, way, subject)
                and subject.roles_of(one) & subject.roles_of(way)
            ):
                yield one, way, Fault.AMBIGUOUS
        by_target[way.target].append(way)


def _asks_the_same(one: EdgeSpec, other: EdgeSpec, subject: Subject) -> bool:
    if one.conditions or one.expression or other.conditions or other.expression:
        return False
    return subject.inputs_of(one) == subject.inputs_of(other) and all(
        getattr(one, name) == getattr(other, name)
        for name in ("skills", "partner_suffices", "effects", "signature", "at_most")
    )
