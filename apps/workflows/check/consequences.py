"""Effects: declared in code, with all their parameters, which name what the plant has."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from django.utils.translation import gettext as _

from apps.workflows.check.problems import Fault, Place, Problem, edge
from apps.workflows.check.subject import Subject, Words
from apps.workflows.definition import EffectSpec
from apps.workflows.effects import EFFECTS, Choice, EffectFailed, EffectParameters, FormField, parameters_of
from apps.workflows.surroundings import GIVES


def consequences(subject: Subject) -> Iterator[Problem]:
    for spec in subject.definition.edges:
        here = edge(spec.code)
        for given in spec.effects:
            yield from effect_problems(here, given, subject.words, GIVES.get(subject.kind.code, frozenset()))


def effect_problems(
    here: Place, given: EffectSpec, words: Words, around: AbstractSet[str] | None, field: str = "effects"
) -> Iterator[Problem]:
    """Of an edge or of a rule.  `around`: what is known there, see surroundings.GIVES; None: that is not known."""
    try:
        parameters = parameters_of(given.code, given.parameters)
    except EffectFailed as failed:
        code = Fault.EFFECT_PARAMETERS if given.code in EFFECTS else Fault.UNKNOWN_EFFECT
        yield here.error(code, f"{failed}.", field)
        return
    effect = EFFECTS[given.code]
    lacking = sorted(effect.needs - around) if around is not None else []
    if lacking:
        things = ", ".join(name.removesuffix("_id") for name in lacking)
        sentence = _("%(effect)s: what happens here is about no %(things)s.")
        yield here.error(Fault.EFFECT_OUT_OF_PLACE, sentence % {"effect": effect.label, "things": things}, field)
    for name, choice in _chosen(parameters):
        value = getattr(parameters, name)
        listed = words.listed(choice)
        for one in value if isinstance(value, list) else [value]:
            if one and one not in listed:
                sentence = _("%(effect)s: “%(value)s” is not known here.")
                words_ = {"effect": effect.label, "value": one}
                yield here.error(Fault.EFFECT_PARAMETERS, sentence % words_, field)


def _chosen(parameters: EffectParameters) -> Iterator[tuple[str, Choice]]:
    for name, field in type(parameters).model_fields.items():
        choose = FormField.of(field).choose
        if choose:
            yield name, choose
