"""Labels and sentences in every language of the screens."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Place, Problem, edge, state
from apps.workflows.check.subject import Subject
from apps.workflows.definition import EdgeSpec, Texts


def languages(subject: Subject) -> Iterator[Problem]:
    for spec in subject.definition.states:
        yield from _translated(state(spec.code), spec.labels, "labels")
    for way in subject.definition.edges:
        for texts, field in _texts(way):
            yield from _translated(edge(way.code), texts, field)


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


def _translated(here: Place, texts: Texts, field: str) -> Iterator[Problem]:
    missing = [name for name, __ in settings.LANGUAGES if not texts.get(name)]
    if missing:
        shown = next((text for text in texts.values() if text), "")
        sentence = _("“%(text)s” lacks: %(languages)s.") % {"text": shown, "languages": ", ".join(missing)}
        yield here.warning(Fault.UNTRANSLATED, sentence, field)
