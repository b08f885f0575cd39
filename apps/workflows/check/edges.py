"""Edges: what they name, what they move, what they ask for, how holds are left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Place, Problem, edge
from apps.workflows.check.subject import Subject
from apps.workflows.definition import REASON, SYSTEM_ROLE, EdgeSpec, InputSpec

# What is asked for when a hold is left: one of these names, as a choice or a text.
DISPOSITIONS = frozenset({REASON, "disposition"})


def edges(subject: Subject) -> Iterator[Problem]:
    forbidden = _("no %(item)s goes from %(old)s to %(new)s.")
    for spec in subject.definition.edges:
        here = edge(spec.code)
        yield from _moves(here, spec, subject, forbidden)
        yield from _named(here, spec, subject)
        yield from _holds(here, spec, subject)
        inputs = subject.inputs_of(spec)
        for given in inputs:
            yield from _input(here, inputs, given, subject)


def _moves(here: Place, spec: EdgeSpec, subject: Subject, forbidden: str) -> Iterator[Problem]:
    target = subject.states.get(spec.target)
    for code in spec.sources:
        source = subject.states.get(code)
        if source and target and not subject.kind.allows(source.status, target.status):
            words = {"item": subject.item, "old": source.status, "new": target.status}
            yield here.error(Fault.STATUS_MOVE, forbidden % words, "target")


def _named(here: Place, spec: EdgeSpec, subject: Subject) -> Iterator[Problem]:
    words = subject.words
    for code in _missing(spec.roles, words.roles):
        yield here.error(Fault.UNKNOWN_ROLE, _("there is no role %(code)s.") % {"code": code}, "roles")
    if spec.roles and SYSTEM_ROLE not in spec.roles and subject.permitted.isdisjoint(spec.roles):
        sentence = _("nobody can take it: none of its roles may %(act)s.") % {"act": subject.kind.permission.label}
        yield here.warning(Fault.NOBODY_MAY, sentence, "roles")
    for code in _missing(spec.skills, words.skills):
        yield here.error(Fault.UNKNOWN_SKILL, _("there is no skill %(code)s.") % {"code": code}, "skills")
    if spec.partner_suffices and not spec.skills:
        sentence = _("a partner's qualification suffices, but it asks for none.")
        yield here.warning(Fault.PARTNER_WITHOUT_SKILLS, sentence, "partner_suffices")
    if spec.partner_suffices and subject.kind.partners is None:
        sentence = _("a partner's qualification suffices, but nobody works together on %(item)s.")
        yield here.warning(Fault.NO_PARTNERS, sentence % {"item": subject.item}, "partner_suffices")
    if spec.reason_purpose and spec.reason_purpose not in words.purposes:
        sentence = _("there are no reasons for %(code)s.") % {"code": spec.reason_purpose}
        yield here.error(Fault.UNKNOWN_PURPOSE, sentence, "reason_purpose")


def _missing(codes: Iterable[str], known: Collection[str]) -> list[str]:
    missing = [code for code in codes if code not in known]
    return sorted(missing) if missing else missing


def _holds(here: Place, spec: EdgeSpec, subject: Subject) -> Iterator[Problem]:
    if not any(code in subject.states and subject.states[code].kind == "hold" for code in spec.sources):
        return
    if not spec.roles:
        sentence = _("it leaves a hold, so it names who may release it.")
        yield here.error(Fault.HOLD_WITHOUT_ROLE, sentence, "roles")
    asked = [
        i for i in subject.inputs_of(spec) if i.required and i.name in DISPOSITIONS and i.type in {"choice", "text"}
    ]
    if not asked:
        sentence = _("it leaves a hold, so it asks for a reason or a disposition.")
        yield here.error(Fault.HOLD_WITHOUT_DISPOSITION, sentence, "inputs")


def _input(here: Place, inputs: list[InputSpec], given: InputSpec, subject: Subject) -> Iterator[Problem]:
    words, name = subject.words, {"name": given.name}
    if len(inputs) > 1 and sum(other.name == given.name for other in inputs) > 1:
        yield here.error(Fault.INPUT_TWICE, _("input %(name)s is there twice.") % name, "inputs")
    if given.name in subject.kind.own_inputs:
        yield here.error(Fault.INPUT_OF_SYSTEM, _("input %(name)s is the system's own.") % name, "inputs")
    if given.type == "choice" and given.reason_purpose not in words.purposes:
        sentence = _("input %(name)s is chosen from reasons, and there are none for “%(purpose)s”.")
        asked = {**name, "purpose": given.reason_purpose}
        yield here.error(Fault.INPUT_WITHOUT_REASONS, sentence % asked, "inputs")
    elif given.type == "choice" and words.filled is not None and given.reason_purpose not in words.filled:
        sentence = _("input %(name)s is chosen from the reasons for “%(purpose)s”, and that list is empty.")
        asked = {**name, "purpose": given.reason_purpose}
        yield here.warning(Fault.REASONS_EMPTY, sentence % asked, "inputs")
    if given.low is not None and given.high is not None and given.low > given.high:
        sentence = _("input %(name)s can never be right: low is above high.") % name
        yield here.error(Fault.INPUT_BOUNDS, sentence, "inputs")
