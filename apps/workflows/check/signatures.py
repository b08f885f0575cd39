"""Signatures that can be given at all: by enough people, none of whom the workflow itself rules out."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Place, Problem, edge
from apps.workflows.check.subject import Subject, is_for_system_only, reach
from apps.workflows.definition import EdgeSpec, SignatureSpec


def signatures(subject: Subject) -> Iterator[Problem]:
    for spec in subject.definition.edges:
        if spec.signature is None:
            continue
        here = edge(spec.code)
        if subject.kind.take is None or not subject.kind.is_signed:
            sentence = _("no %(item)s is signed.") % {"item": subject.item}
            yield here.error(Fault.KIND_UNSIGNED, sentence, "signature")
        if not any(spec.signature.meaning.values()):
            sentence = _("a signature says what it means.")
            yield here.error(Fault.SIGNATURE_WITHOUT_MEANING, sentence, "signature")
        if is_for_system_only(spec):
            sentence = _("the system itself takes it, and signs nothing.")
            yield here.error(Fault.SIGNATURE_OF_SYSTEM, sentence, "signature")
        for code in sorted(set(spec.signature.not_same_as) - subject.edges.keys()):
            sentence = _("there is no edge %(code)s whose people may not sign.") % {"code": code}
            yield here.error(Fault.SIGNATURE_UNKNOWN_EDGE, sentence, "signature")
        yield from _enough(here, spec, spec.signature, subject)


def _enough(here: Place, spec: EdgeSpec, signature: SignatureSpec, subject: Subject) -> Iterator[Problem]:
    """Only where the plant has people: a fresh one has given its roles to nobody yet."""
    roster = subject.words.roster
    if roster is None or not roster.held:
        return
    able = able_to_take(spec, subject)
    words = {"signers": signature.signers, "people": len(able)}
    if len(able) < signature.signers:
        sentence = _("%(signers)s people have to sign, and only %(people)s may: give its roles to more of them.")
        yield here.error(Fault.TOO_FEW_SIGNERS, sentence % words, "signature")
        return
    ruled_out = _always_ruled_out(spec, signature, able, subject)
    if ruled_out and len(able) - 1 < signature.signers:
        sentence = _("it can't be signed: who took “%(step)s” may not sign, and nobody else may.")
        yield here.error(Fault.SIGNATURE_IMPOSSIBLE, sentence % {"step": subject.called(ruled_out)}, "signature")


def able_to_take(spec: EdgeSpec, subject: Subject) -> frozenset[int]:
    """People who hold one of its roles, with all its skills, in the span of the roster."""
    roster = subject.words.roster
    if roster is None:
        return frozenset()
    able = roster.holders(subject.roles_of(spec))
    for code in spec.skills:
        able &= roster.skills.get(code, frozenset())
    return able


def _always_ruled_out(
    spec: EdgeSpec, signature: SignatureSpec, able: frozenset[int], subject: Subject
) -> EdgeSpec | None:
    """An edge that everything has come along, and that nobody but possible signers takes."""
    for code in signature.not_same_as:
        other = subject.edges.get(code)
        if other is None:
            continue
        takers = able_to_take(other, subject)
        if takers and takers <= able and _comes_along(other, spec, subject):
            return other
    return None


def _comes_along(other: EdgeSpec, spec: EdgeSpec, subject: Subject) -> bool:
    """Whether no source of `spec` can be reached without taking `other`."""
    without: dict[str, set[str]] = {}
    for way in subject.definition.edges:
        if way.code != other.code:
            for source in way.sources:
                without.setdefault(source, set()).add(way.target)
    return reach(subject.initial, without).isdisjoint(spec.sources)
