"""May this edge be taken? Condition rows for the common case, CEL for the rest; both see plain values only.

CEL runs in native code that holds the interpreter: the static limits here keep one guard from standing everybody still.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol

import cel

from apps.workflows.definition import ConditionSpec
from apps.workflows.guard_limits import (
    INPUTS,
    MAX_LIST,
    MAX_TEXT,
    NAMESPACES,
    WORDS,
    is_name,
    limits_broken,
    macros,
    tokens_of,
    work,
)
from apps.workflows.kinds import ValueType

__all__ = [
    "INPUTS",
    "MAX_LIST",
    "MAX_TEXT",
    "NAMESPACES",
    "GuardError",
    "allows",
    "compiled",
    "expression_problems",
    "holds",
    "is_time",
    "names_in",
    "plain",
    "value_of",
]

MAX_TEXTS = 100_000  # characters in all that one expression is given
MAX_WORK = 200_000  # in the unit of guard_limits.work: some 10 ms

Value = Decimal | str | bool | datetime | list[Any] | None


class Typed(Protocol):
    """A fact that conditions may name, whoever reads it."""

    @property
    def type(self) -> ValueType: ...


class GuardError(Exception):
    """A guard that can't be answered: the edge is not taken, and the engineer is told."""


# ---- values


def plain(value: Any) -> Value:
    """What a getter gave, as a value guards know.  Raises GuardError for rows, long lists and long texts."""
    if value is None or isinstance(value, bool | datetime | Decimal):
        return value
    if isinstance(value, int | float):
        return Decimal(str(value))
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise GuardError(f"a text of {len(value)} characters; {MAX_TEXT} are allowed")
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) > MAX_LIST:
            raise GuardError(f"a list of {len(value)}; {MAX_LIST} are allowed")
        return [plain(one) for one in value]
    raise GuardError(f"a {type(value).__name__} is no plain value")


def _for_cel(value: Any) -> Any:
    """CEL mixes no integers with fractions in arithmetic, so every number is a double there."""
    if isinstance(value, Decimal):
        return float(value)
    return [_for_cel(one) for one in value] if isinstance(value, list) else value


# ---- condition rows

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, allowed: value in allowed,
    "not in": lambda value, allowed: value not in allowed,
    "empty": lambda value, _: value in (None, "", []),
    "not empty": lambda value, _: value not in (None, "", []),
}


NOTHING: Mapping[str, Any] = MappingProxyType({})


def value_of(name: str, fields: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
    space, _, own = name.rpartition(".")
    values, key = (inputs, own) if space == INPUTS else (fields, name)
    if key not in values:
        raise GuardError(f"{name} is not known")
    return values[key]


def holds(condition: ConditionSpec, fields: Mapping[str, Any], inputs: Mapping[str, Any] = NOTHING) -> bool:
    """Raises GuardError when the comparison makes no sense: text below a number, nothing above three.

    fields  by name; those of a namespace other than inputs with it: "event.good"
    """
    value = value_of(condition.field, fields, inputs)
    other: Any = plain(condition.value)
    if isinstance(value, datetime) and isinstance(other, str):
        other = _time(other)
    try:
        return bool(_COMPARE[condition.operator](value, other))
    except TypeError:
        raise GuardError(f"{condition.field} {condition.operator} {condition.value!r} can't be compared") from None


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise GuardError(f"{text!r} is no time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def is_time(text: str) -> bool:
    try:
        _time(text)
    except GuardError:
        return False
    return True


# ---- CEL


@lru_cache(maxsize=2048)
def compiled(expression: str) -> cel.Program:
    """Raises GuardError with the position for what does not parse or breaks a limit."""
    problems = limits_broken(expression)
    if problems:
        raise GuardError(problems[0])
    return _compiled(expression)


def _compiled(expression: str) -> cel.Program:
    try:
        return cel.compile(expression)
    except Exception as error:
        raise GuardError(str(error).splitlines()[0]) from error


def allows(program: cel.Program, fields: Mapping[str, Any], inputs: Mapping[str, Any] = NOTHING) -> bool:
    """Raises GuardError on anything but a clean boolean: an error never means yes.  `fields` as of `holds`."""
    _bound(program.source, {**fields, **{f"{INPUTS}.{name}": value for name, value in inputs.items()}})
    try:
        given = {name: _for_cel(value) for name, value in inputs.items()}
        answer = program.execute({**_nested(fields), INPUTS: given})
    except Exception as error:
        raise GuardError(f"{type(error).__name__}: {str(error)[:200]}") from error
    if not isinstance(answer, bool):
        raise GuardError(f"the answer is {type(answer).__name__}, not yes or no")
    return answer


def _bound(expression: str, values: Mapping[str, Any]) -> None:
    """Refuses before it runs what would stand everybody still on just these values."""
    characters = sum(_characters(value) for value in values.values())
    if characters > MAX_TEXTS:
        raise GuardError(f"texts of {characters} characters in all; {MAX_TEXTS} are allowed")
    needed = work(expression, values)
    if needed > MAX_WORK:
        raise GuardError(f"it takes {needed} steps on these values; {MAX_WORK} are allowed")


def _characters(value: Any) -> int:
    if isinstance(value, list):
        return sum(_characters(one) for one in value)
    return len(value) if isinstance(value, str) else 0


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """{"event.good": 1} -> {"event": {"good": 1.0}}"""
    spaces: dict[str, Any] = {}
    for name, value in fields.items():
        space, _, own = name.rpartition(".")
        if space:
            spaces.setdefault(space, {})[own] = _for_cel(value)
        else:
            spaces[own] = _for_cel(value)
    return spaces


@lru_cache(maxsize=2048)
def names_in(expression: str) -> frozenset[str]:
    """Fields an expression reads: "quantity", "inputs.torque"; variables of its macro are not among them."""
    tokens = tokens_of(expression)
    own = {tokens[at + 2] for at in macros(tokens) if at + 2 < len(tokens)}
    names: set[str] = set()
    for at, token in enumerate(tokens):
        is_member = at > 0 and tokens[at - 1] == "."
        if not is_name(token) or token in WORDS or token in own or is_member:
            continue
        if at + 1 < len(tokens) and tokens[at + 1] == "(":
            continue
        if token in NAMESPACES and at + 2 < len(tokens) and tokens[at + 1] == ".":
            names.add(f"{token}.{tokens[at + 2]}")
        else:
            names.add(token)
    return frozenset(names)


def expression_problems(
    expression: str, fields: Mapping[str, Typed], inputs: Mapping[str, ValueType] = NOTHING
) -> list[str]:
    """Why an edge or a rule must not be published with it, in words; [] when it may.

    fields  as of `holds`    inputs  name -> type of what the edge itself asks for
    """
    problems = limits_broken(expression)
    if problems:
        return problems
    try:
        program = _compiled(expression)
    except GuardError as error:
        return [str(error)]
    names = names_in(expression)
    unknown = sorted(names - fields.keys() - {f"{INPUTS}.{name}" for name in inputs})
    if unknown:
        return [f"{name} is no declared field" for name in unknown]
    read = {name: fields[name].type for name in names if name in fields}
    return _sampled(program, read, inputs)


def _sampled(program: cel.Program, fields: Mapping[str, ValueType], inputs: Mapping[str, ValueType]) -> list[str]:
    for sample in range(len(_SAMPLES[ValueType.NUMBER])):
        values = {name: _SAMPLES[type_][sample] for name, type_ in fields.items()}
        given = {name: _SAMPLES[type_][sample] for name, type_ in inputs.items()}
        try:
            allows(program, values, given)
        except GuardError as error:
            return [f"it fails on sample values: {error}"]
    return []


_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_SAMPLES: dict[ValueType, tuple[Any, ...]] = {
    ValueType.NUMBER: (Decimal(0), Decimal(1), Decimal("2.5")),
    ValueType.TEXT: ("", "a", "some text"),
    ValueType.BOOLEAN: (False, True, True),
    ValueType.TIME: (_NOON, _NOON.replace(hour=0), _NOON.replace(year=2027)),
    ValueType.NUMBERS: ([], [Decimal(1)], [Decimal(1), Decimal("2.5")]),
    ValueType.TEXTS: ([], ["a"], ["a", "b"]),
}
