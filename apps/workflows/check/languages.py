"""Labels and sentences in every language of the screens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Place, Problem, edge, state
from apps.workflows.check.subject import Subject
from apps.workflows.definition import EdgeSpec, EffectSpec, Texts

_CODES = [code for code, __ in settings.LANGUAGES]


def languages(subject: Subject) -> Iterator[Problem]:
    for spec in subject.definition.states:
        yield from _translated(state(spec.code), spec.labels, "labels")
    for way in subject.definition.edges:
        here = edge(way.code)
        for texts, field in _texts(way):
            yield from _translated(here, texts, field)
        yield from said_by_effects(here, way.effects, "effects")


def said_by_effects(here: Place, effects: Iterable[EffectSpec], field: str) -> Iterator[Problem]:
    """Of an edge or of a rule."""
    for given in effects:
        for value in given.parameters.values():
            if isinstance(value, Mapping):
                yield from _translated(here, value, field)


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


def _translated(here: Place, texts: Mapping[str, Any], field: str) -> Iterator[Problem]:
    missing = [code for code in _CODES if not texts.get(code)]
    if missing:
        shown = next((text for text in texts.values() if text), "")
        sentence = _("“%(text)s” lacks: %(languages)s.") % {"text": shown, "languages": ", ".join(missing)}
        yield here.warning(Fault.UNTRANSLATED, sentence, field)
