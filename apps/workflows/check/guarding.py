"""Guards: they name what there is, compare what can be compared, and say why they refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _

from apps.workflows import guards
from apps.workflows.check.problems import Fault, Place, Problem, edge
from apps.workflows.check.subject import Subject
from apps.workflows.definition import ConditionSpec, EdgeSpec
from apps.workflows.guards import INPUTS
from apps.workflows.inputs import VALUE_TYPES
from apps.workflows.kinds import ValueType

_ORDERED = frozenset({ValueType.NUMBER, ValueType.TIME, ValueType.TEXT})


def guarding(subject: Subject) -> Iterator[Problem]:
    fields = {name: field.type for name, field in subject.kind.fields.items()}
    for spec in subject.definition.edges:
        if not (spec.conditions or spec.expression):
            continue
        here = edge(spec.code)
        inputs: dict[str, ValueType] = {}
        types = fields
        if spec.expression or any(condition.field.startswith(f"{INPUTS}.") for condition in spec.conditions):
            inputs = {given.name: VALUE_TYPES[given.type] for given in subject.inputs_of(spec)}
            types = fields | {f"{INPUTS}.{name}": type_ for name, type_ in inputs.items()}
        for condition in spec.conditions:
            yield from condition_problems(here, condition, types)
            if not any(condition.sentence.values()):
                sentence = _("a condition says in a sentence why it refuses.")
                yield here.error(Fault.GUARD_WITHOUT_SENTENCE, sentence, "conditions")
        if spec.expression:
            yield from _expression(here, spec, subject, inputs)


def condition_problems(here: Place, condition: ConditionSpec, types: Mapping[str, ValueType]) -> Iterator[Problem]:
    """Of an edge or of a rule."""
    type_ = types.get(condition.field)
    if type_ is None:
        sentence = _("%(field)s is no field to ask for.") % {"field": condition.field}
        yield here.error(Fault.UNKNOWN_FIELD, sentence, "conditions")
    elif not is_comparable(type_, condition.operator, condition.value):
        words = {"field": condition.field, "operator": condition.operator, "value": condition.value}
        sentence = _("%(field)s %(operator)s %(value)s makes no sense.") % words
        yield here.error(Fault.SENSELESS_CONDITION, sentence, "conditions")


def _expression(here: Place, spec: EdgeSpec, subject: Subject, inputs: dict[str, ValueType]) -> Iterator[Problem]:
    yield from expression_problems(here, spec.expression, subject.kind.fields, inputs)
    if not any(spec.expression_sentence.values()):
        sentence = _("the expression says in a sentence why it refuses.")
        yield here.error(Fault.GUARD_WITHOUT_SENTENCE, sentence, "expression_sentence")


def expression_problems(
    here: Place, expression: str, fields: Mapping[str, guards.Typed], inputs: Mapping[str, ValueType]
) -> Iterator[Problem]:
    """Of an edge or of a rule."""
    for problem in guards.expression_problems(expression, fields, inputs):
        sentence = _("the expression: %(problem)s.") % {"problem": problem}
        yield here.error(Fault.WRONG_EXPRESSION, sentence, "expression")


def is_comparable(type_: ValueType, operator: str, value: object) -> bool:
    if operator in {"empty", "not empty"}:
        return True
    if operator in {"in", "not in"}:
        return isinstance(value, list) and all(_fits(type_, one) for one in value)
    if operator in {"=", "!="}:
        return _fits(type_, value)
    return type_ in _ORDERED and _fits(type_, value)


def _fits(type_: ValueType, value: object) -> bool:
    match type_:
        case ValueType.BOOLEAN:
            return isinstance(value, bool)
        case ValueType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ValueType.TIME:
            return isinstance(value, str) and guards.is_time(value)
        case ValueType.TEXT:
            return isinstance(value, str)
        case _:
            return isinstance(value, list)
