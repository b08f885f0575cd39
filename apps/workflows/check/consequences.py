"""Effects: declared in code, with all their parameters, which name what the plant has."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Place, Problem, edge
from apps.workflows.check.subject import Subject, Words
from apps.workflows.definition import EffectSpec
from apps.workflows.effects import EFFECTS, Choice, EffectFailed, EffectParameters, FormField, parameters_of


def consequences(subject: Subject) -> Iterator[Problem]:
    for spec in subject.definition.edges:
        here = edge(spec.code)
        for given in spec.effects:
            yield from effect_problems(here, given, subject.words)


def effect_problems(here: Place, given: EffectSpec, words: Words) -> Iterator[Problem]:
    """Of an edge or of a rule."""
    try:
        parameters = parameters_of(given.code, given.parameters)
    except EffectFailed as failed:
        code = Fault.EFFECT_PARAMETERS if given.code in EFFECTS else Fault.UNKNOWN_EFFECT
        yield here.error(code, f"{failed}.", "effects")
        return
    for name, choice in _chosen(parameters):
        value = getattr(parameters, name)
        listed = words.listed(choice)
        for one in value if isinstance(value, list) else [value]:
            if one and one not in listed:
                sentence = _("%(effect)s: “%(value)s” is not known here.")
                words_ = {"effect": EFFECTS[given.code].label, "value": one}
                yield here.error(Fault.EFFECT_PARAMETERS, sentence % words_, "effects")


def _chosen(parameters: EffectParameters) -> Iterator[tuple[str, Choice]]:
    for name, field in type(parameters).model_fields.items():
        choose = FormField.of(field).choose
        if choose:
            yield name, choose
