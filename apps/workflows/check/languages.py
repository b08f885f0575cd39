"""Labels and sentences in every language of the screens."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Place, Problem, edge, state
from apps.workflows.check.subject import Subject
from apps.workflows.definition import EdgeSpec, Texts


def languages(subject: Subject) -> Iterator[Problem]:
    codes = [code for code, __ in settings.LANGUAGES]
    for spec in subject.definition.states:
        yield from _translated(state(spec.code), spec.labels, "labels", codes)
    for way in subject.definition.edges:
        here = edge(way.code)
        for texts, field in _texts(way):
            yield from _translated(here, texts, field, codes)


def _texts(way: EdgeSpec) -> Iterator[tuple[Texts, str]]:
    yield way.labels, "labels"
    for condition in way.conditions:
        yield condition.sentence, "conditions"
    for given in way.inputs:
        yield given.labels, "inputs"
    if way.expression:
        yield way.expression_sentence, "expression_sentence"
    if way.signature is not None:
        yield way.signature.meaning, "signature"


def _translated(here: Place, texts: Texts, field: str, codes: list[str]) -> Iterator[Problem]:
    missing = [code for code in codes if not texts.get(code)]
    if missing:
        shown = next((text for text in texts.values() if text), "")
        sentence = _("“%(text)s” lacks: %(languages)s.") % {"text": shown, "languages": ", ".join(missing)}
        yield here.warning(Fault.UNTRANSLATED, sentence, field)
