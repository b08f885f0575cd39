"""One condition: a field, an operator, a value typed by the field's type, and the sentence why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.formats import localize_input, sanitize_separators
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from apps.workflows.definition import ConditionSpec
from apps.workflows.guards import is_time
from apps.workflows.kinds import ValueType
from apps.workflows.studio.forms import base

SEVERAL = ";"
NEEDS_NO_VALUE = frozenset({"empty", "not empty"})
TAKES_SEVERAL = frozenset({"in", "not in"})
LISTS = frozenset({ValueType.NUMBERS, ValueType.TEXTS})
NUMBERS = frozenset({ValueType.NUMBER, ValueType.NUMBERS})

OPERATORS: base.Choices = [
    ("=", gettext_lazy("is")),
    ("!=", gettext_lazy("is not")),
    ("<", gettext_lazy("is below")),
    ("<=", gettext_lazy("is at most")),
    (">", gettext_lazy("is above")),
    (">=", gettext_lazy("is at least")),
    ("in", gettext_lazy("is one of")),
    ("not in", gettext_lazy("is none of")),
    ("empty", gettext_lazy("is empty")),
    ("not empty", gettext_lazy("is given")),
]
# Of what has no order.
FEW = frozenset({"=", "!=", "empty", "not empty"})


@dataclass(frozen=True)
class Askable:
    """A field that a condition may ask for; `seen` gives values to suggest."""

    type: ValueType
    label: StrOrPromise
    seen: Callable[[], Sequence[str]]


class ConditionForm(base.StudioForm):
    texts = {"sentence": gettext_lazy("Sentence when it does not hold")}
    needed_texts = frozenset({"sentence"})

    def __init__(
        self,
        askable: Mapping[str, Askable],
        data: QueryDict | None = None,
        *,
        prefix: str,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, prefix=prefix, initial=_as_typed(initial or {}))
        texts, self.askable = self.fields, askable
        names = base.with_current([(name, one.label) for name, one in askable.items()], self.initial.get("field", ""))
        self.fields = {"field": base.one_of(gettext_lazy("Field"), names, refreshes=True)}
        if not self.current("field") and names:
            self.initial["field"] = names[0][0]
        self.asked = askable.get(str(self.current("field") or ""))
        self.fields["operator"] = base.one_of(gettext_lazy("Operator"), self._operators(), refreshes=True)
        operator = str(self.current("operator") or "=")
        if operator not in NEEDS_NO_VALUE:
            self.fields["value"] = self._value(operator)
        self.fields |= texts

    @property
    def suggestions(self) -> Sequence[str]:
        has_list = "value" in self.fields and isinstance(self.fields["value"], forms.CharField)
        return self.asked.seen() if self.asked and has_list else ()

    @property
    def variant(self) -> str:
        return f"{self.current('field')} {self.current('operator')}"

    def _operators(self) -> base.Choices:
        if self.asked is None or self.asked.type not in {*LISTS, ValueType.BOOLEAN}:
            return OPERATORS
        stored = self.initial.get("operator")
        return [(code, label) for code, label in OPERATORS if code in FEW or code == stored]

    def _value(self, operator: str) -> forms.Field:
        label = gettext_lazy("Value")
        several = operator in TAKES_SEVERAL or (self.asked is not None and self.asked.type in LISTS)
        if self.asked and self.asked.type == ValueType.BOOLEAN:
            return base.one_of(label, [("true", gettext_lazy("yes")), ("false", gettext_lazy("no"))])
        attrs = {"list": f"seen-{self.prefix}", "autocomplete": "off"}
        if self.asked and self.asked.type in NUMBERS:
            attrs["inputmode"] = "decimal"
        help_text = gettext_lazy("Several: with ; between them.") if several else ""
        if self.asked and self.asked.type == ValueType.TIME:
            help_text = gettext_lazy("As 2026-11-23T06:00+01:00; without an offset it is UTC.")
        return base.text(label, required=True, longest=1_000, attrs=attrs, help_text=help_text)

    def clean_value(self) -> Any:
        """As JSON has it: a number, a text, yes or no, or a list of them."""
        text, type_ = str(self.cleaned_data["value"]), self.asked.type if self.asked else ValueType.TEXT
        if self.current("operator") in TAKES_SEVERAL or type_ in LISTS:
            return [_one(part.strip(), type_) for part in text.split(SEVERAL) if part.strip()]
        return _one(text, type_)

    def spec(self) -> ConditionSpec:
        """After is_valid()."""
        cleaned = self.cleaned_data
        return ConditionSpec(
            field=cleaned["field"],
            operator=cleaned["operator"],
            value=cleaned.get("value"),
            sentence=self.texts_of("sentence"),
        )


def _one(text: str, type_: ValueType) -> Any:
    match type_:
        case ValueType.BOOLEAN:
            return text == "true"
        case ValueType.NUMBER | ValueType.NUMBERS:
            try:
                number = Decimal(sanitize_separators(text))
            except InvalidOperation:
                raise ValidationError(_("%(text)s is not a number.") % {"text": text}) from None
            if not number.is_finite():
                raise ValidationError(_("%(text)s is not a number.") % {"text": text})
            return int(number) if number == number.to_integral_value() else float(number)
        case ValueType.TIME if not is_time(text):
            raise ValidationError(_("%(text)s is not a time.") % {"text": text})
        case _:
            return text


def _as_typed(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The value as one would type it; what has been typed already is a text and stays."""
    return {**stored, "value": _text(stored.get("value"))}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"{SEVERAL} ".join(_text(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(localize_input(Decimal(str(value))))
    return "" if value is None else str(value)
