"""The form of one effect, made from its parameters in code; rules use the same for their actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from apps.workflows.definition import EffectSpec
from apps.workflows.effects import EFFECTS, Effect, FormField
from apps.workflows.studio.choices import LISTS, Lister
from apps.workflows.studio.forms import base

SEVERAL = ";"
MAX_WHOLE = 2**31 - 1


def effect_choices() -> base.Choices:
    return [(code, effect.label) for code, effect in sorted(EFFECTS.items(), key=lambda pair: str(pair[1].label))]


class EffectForm(base.StudioForm):
    """`code` says which effect; the other fields follow from it, named as the effect's parameters with "with_"."""

    def __init__(self, data: QueryDict | None = None, *, prefix: str, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix=prefix, initial=_flat(initial or {}))
        known = effect_choices()
        self.fields["code"] = base.one_of(
            gettext_lazy("Effect"), base.with_current(known, self.initial.get("code", "")), refreshes=True
        )
        if not self.initial.get("code") and known:
            self.initial["code"] = known[0][0]
        self.effect: Effect[Any] | None = EFFECTS.get(str(self.current("code") or ""))
        self.several: set[str] = set()
        if self.effect:
            limits = self.effect.parameters.model_json_schema()["properties"]
            for name, info in self.effect.parameters.model_fields.items():
                self._add(name, _Wanted.of(info, limits[name]))

    @property
    def variant(self) -> str:
        return self.effect.code if self.effect else ""

    def _add(self, name: str, wanted: _Wanted) -> None:
        field = f"with_{name}"
        if wanted.default is not None:
            self.initial.setdefault(field, wanted.default)
        stored = self.initial.get(field)
        if get_origin(wanted.type) is dict:  # Texts: the only mapping that a form has
            self.texts = {**self.texts, field: wanted.label}
            self.given[field] = stored
            self.add_texts(field, wanted.label)
        elif wanted.is_list and wanted.lister is None:
            self.several.add(name)
            if isinstance(stored, list | tuple):
                self.initial[field] = f"{SEVERAL} ".join(map(str, stored))
            help_text = gettext_lazy("Several: with ; between them.")
            self.fields[field] = base.text(wanted.label, required=wanted.required, longest=1_000, help_text=help_text)
        else:
            self.fields[field] = _picked(wanted, stored) or _plain(wanted)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.effect is None:
            self.add_error("code", _("There is no such effect here any more: choose another one, or remove it."))
        elif not self.errors:
            try:
                self.effect.parameters.model_validate(self._given(self.effect))
            except ValidationError as error:
                for one in error.errors():
                    self._said(str(one["loc"][0]) if one["loc"] else "", one["msg"])
        return cleaned

    def _said(self, name: str, sentence: str) -> None:
        fields = [field for field in self.fields if field == f"with_{name}" or field.startswith(f"with_{name}_")]
        self.add_error(fields[0] if fields else "code", sentence)

    def _given(self, effect: Effect[Any]) -> dict[str, Any]:
        """What is typed, without what was left empty."""
        given: dict[str, Any] = {}
        for name in effect.parameters.model_fields:
            field = f"with_{name}"
            value = self.texts_of(field) if field in self.texts else self.cleaned_data.get(field)
            if name in self.several:
                value = [part.strip() for part in str(value).split(SEVERAL) if part.strip()]
            if value not in (None, "", {}, []):
                given[name] = value
        return given

    def spec(self) -> EffectSpec:
        """After is_valid()."""
        assert self.effect is not None  # clean() has seen to it
        chosen = self.effect.parameters.model_validate(self._given(self.effect))
        return EffectSpec(code=self.effect.code, parameters=chosen.model_dump(mode="json", exclude_unset=True))


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """One parameter as the form has to ask for it; `schema` is pydantic's, for limits."""

    type: Any
    label: StrOrPromise
    required: bool
    default: Any
    lister: Lister | None
    schema: Mapping[str, Any]

    @classmethod
    def of(cls, info: FieldInfo, schema: Mapping[str, Any]) -> Self:
        said = FormField.of(info)
        return cls(
            type=_without_none(info.annotation),
            label=capfirst(str(said.label)),
            required=info.is_required(),
            default=None if info.is_required() else info.get_default(call_default_factory=True),
            lister=LISTS.get(said.choose),
            schema=schema,
        )

    @property
    def is_list(self) -> bool:
        return get_origin(self.type) in {list, tuple, set, frozenset}


def _picked(wanted: _Wanted, stored: Any) -> forms.Field | None:
    if wanted.lister and wanted.is_list:
        listed = base.with_current(wanted.lister(), *(stored or []))
        return base.some_of(wanted.label, listed, required=wanted.required)
    if wanted.lister:
        listed = base.with_current(wanted.lister(), str(stored or ""))
        return base.one_of(wanted.label, listed, required=wanted.required)
    if get_origin(wanted.type) is Literal:
        listed = [(str(one), str(one)) for one in get_args(wanted.type)]
        return base.one_of(wanted.label, listed, required=wanted.required)
    if isinstance(wanted.type, type) and issubclass(wanted.type, Enum):
        listed = [(str(one.value), getattr(one, "label", str(one.value))) for one in wanted.type]
        return base.one_of(wanted.label, listed, required=wanted.required)
    return None


def _plain(wanted: _Wanted) -> forms.Field:
    if wanted.type is bool:
        return base.yes_no(wanted.label)
    if wanted.type is int:
        low, high = _limit(wanted.schema, "inimum", 0), _limit(wanted.schema, "aximum", MAX_WHOLE)
        return base.whole_number(wanted.label, low=low, high=high, required=wanted.required)
    if wanted.type in (Decimal, float):
        return base.number(wanted.label, required=wanted.required)
    return base.text(wanted.label, required=wanted.required, longest=int(wanted.schema.get("maxLength", 1_000)))


def _without_none(wanted: Any) -> Any:
    if get_origin(wanted) in (Union, UnionType):
        rest = [one for one in get_args(wanted) if one is not type(None)]
        return rest[0] if len(rest) == 1 else str
    return wanted


def _limit(schema: Mapping[str, Any], end: str, otherwise: int) -> int:
    """Inclusive or exclusive, as pydantic has written it."""
    steps = {"inimum": 1, "aximum": -1}
    for one in [schema, *schema.get("anyOf", [])]:
        if f"m{end}" in one:
            return int(one[f"m{end}"])
        if f"exclusiveM{end}" in one:
            return int(one[f"exclusiveM{end}"]) + steps[end]
    return otherwise


def _flat(initial: Mapping[str, Any]) -> dict[str, Any]:
    """Stored: {"code", "parameters"}; typed: as the fields are named."""
    stored = {f"with_{name}": value for name, value in (initial.get("parameters") or {}).items()}
    return {**{name: value for name, value in initial.items() if name != "parameters"}, **stored}
