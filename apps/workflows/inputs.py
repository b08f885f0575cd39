"""What an edge asks for, checked and turned into values: numbers as Decimal, reasons as their codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.errors import CommandRefused
from apps.workflows.definition import InputSpec, word
from apps.workflows.kinds import ValueType
from apps.workflows.people import reasons

MAX_TEXT = 2_000
MAX_LOT = 80
PHOTO_REFERENCE = re.compile(r"[1-9][0-9]{0,17}:[0-9a-f]{64}")
MAX_DIGITS = 12  # before the point, and as many after it

VALUE_TYPES: dict[str, ValueType] = {
    "number": ValueType.NUMBER,
    "choice": ValueType.TEXT,
    "text": ValueType.TEXT,
    "boolean": ValueType.BOOLEAN,
    "lot": ValueType.TEXT,
    "photo": ValueType.TEXTS,
}


def validated(specs: Sequence[InputSpec], given: Mapping[str, Any], *, besides: Collection[str]) -> dict[str, Any]:
    """Every input asked for, None where it was left out, and those in `besides` as they came.

    Raises CommandRefused: input_missing, input_wrong, input_unknown.
    """
    unknown = sorted(set(given) - {spec.name for spec in specs} - set(besides))
    if unknown:
        raise CommandRefused(
            "input_unknown",
            _("This step does not ask for: %(names)s. Reload the screen.") % {"names": ", ".join(unknown)},
            facts={"inputs": unknown},
        )
    values = {name: given[name] for name in besides if name in given}
    for spec in specs:
        value = given.get(spec.name)
        is_left_out = value is None or value == [] or (isinstance(value, str) and not value.strip())
        if is_left_out and spec.required:
            raise CommandRefused(
                "input_missing",
                _("Please give: %(label)s.") % {"label": word(spec.labels, spec.name)},
                facts={"input": spec.name},
            )
        values[spec.name] = None if is_left_out else _CHECKS[spec.type](spec, value)
    return values


def loggable(specs: Sequence[InputSpec], values: Mapping[str, Any]) -> dict[str, Any]:
    """Without the free texts: they may name somebody, and the ledger never forgets."""
    return {spec.name: values[spec.name] for spec in specs if spec.type != "text" and values[spec.name] is not None}


def _wrong(spec: InputSpec, sentence: str) -> NoReturn:
    raise CommandRefused("input_wrong", f"{word(spec.labels, spec.name)}: {sentence}", facts={"input": spec.name})


def _number(spec: InputSpec, value: Any) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        _wrong(spec, _("this is not a number."))
    if number.adjusted() >= MAX_DIGITS or -int(number.as_tuple().exponent) > MAX_DIGITS:
        _wrong(spec, _("this number has too many digits."))
    if spec.low is not None and number < spec.low:
        _wrong(spec, _("at least %(low)s %(unit)s.") % {"low": spec.low, "unit": spec.unit})
    if spec.high is not None and number > spec.high:
        _wrong(spec, _("at most %(high)s %(unit)s.") % {"high": spec.high, "unit": spec.unit})
    return number


def _choice(spec: InputSpec, value: Any) -> str:
    if not isinstance(value, str) or value not in reasons([spec.reason_purpose])[spec.reason_purpose]:
        _wrong(spec, _("this can't be chosen. Reload the screen and choose again."))
    return value


def _text(spec: InputSpec, value: Any) -> str:
    longest = MAX_LOT if spec.type == "lot" else MAX_TEXT
    if not isinstance(value, str) or "\x00" in value:
        _wrong(spec, _("this is not a text."))
    if len(value) > longest:
        _wrong(spec, _("at most %(count)s characters.") % {"count": longest})
    return value.strip()


def _boolean(spec: InputSpec, value: Any) -> bool:
    if not isinstance(value, bool):
        _wrong(spec, _("yes or no is expected."))
    return value


def _photos(spec: InputSpec, value: Any) -> list[str]:
    """References of apps.workflows.models.Photo; whether they are there is asked of the item."""
    if not isinstance(value, list) or not all(isinstance(one, str) and PHOTO_REFERENCE.fullmatch(one) for one in value):
        _wrong(spec, _("these are no pictures. Take them again."))
    if len(value) > spec.at_most:
        sentence = ngettext("at most %(count)s picture.", "at most %(count)s pictures.", spec.at_most)
        _wrong(spec, sentence % {"count": spec.at_most})
    if len(set(value)) < len(value):
        _wrong(spec, _("one picture is there twice. Remove one of them."))
    return value


_CHECKS: Mapping[str, Callable[[InputSpec, Any], Any]] = {
    "number": _number,
    "choice": _choice,
    "text": _text,
    "lot": _text,
    "boolean": _boolean,
    "photo": _photos,
}
