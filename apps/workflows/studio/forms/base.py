"""What all forms of the studio have in common: one text per language, fields that follow from other fields, rows.

A form is shown in three ways: fresh from the definition, as typed with its errors, and as typed but unjudged, while
rows are added or a choice brings other fields.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from django import forms
from django.conf import settings
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from apps.workflows.definition import MAX_PARTS, Texts

MAX_TEXT = 200
LONGEST_TEXT = 1_000  # of one that operators read
MAX_CODE = 40

Choices = Sequence[tuple[str, StrOrPromise]]
# Those without a group come before the groups.
Groups = Sequence[tuple[str, StrOrPromise | Choices]]

# Of a choice that brings other fields: the form comes anew as typed, and nothing is judged or saved.
REFRESHES = {"hx-post": "", "hx-trigger": "change", "hx-vals": '{"do": "refresh"}'}


class StudioForm(forms.Form):
    """`texts`: names of fields that have one text per language ("labels" is typed as labels_en, labels_de)."""

    texts: Mapping[str, StrOrPromise] = {}
    needed_texts: frozenset[str] = frozenset()
    use_required_attribute = False

    def __init__(
        self, data: QueryDict | None = None, *, prefix: str | None = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        self.given: dict[str, Any] = dict(initial or {})
        super().__init__(data, prefix=prefix, initial=self.given)
        for name, label in self.texts.items():
            self.add_texts(name, label)

    def add_texts(self, name: str, label: StrOrPromise) -> None:
        stored = self.given.get(name) or {}
        for code, language in settings.LANGUAGES:
            field = f"{name}_{code}"
            self.fields[field] = forms.CharField(
                label=f"{label} ({language})",
                required=False,
                max_length=LONGEST_TEXT,
                widget=UnfoldAdminTextInputWidget(attrs={"lang": code}),
            )
            self.initial.setdefault(field, stored.get(code, ""))

    def current(self, name: str) -> Any:
        """What stands in the field now, typed or stored; for fields that others follow from."""
        if self.is_bound:
            return self.fields[name].widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        return self.get_initial_for_field(self.fields[name], name)

    @property
    def variant(self) -> str:
        """Of a form whose fields follow from a choice: which it shows. Goes along as `<prefix>-was`."""
        return ""

    def typed(self) -> dict[str, Any]:
        """As typed, to be shown again without being judged; what has just come into view keeps its defaults."""
        is_another = self.is_bound and self.data.get(f"{self.prefix}-was", "") != self.variant
        return {name: self.current(name) for name in self.fields if not (is_another and self._was_not_sent(name))}

    def _was_not_sent(self, name: str) -> bool:
        """A box that is not ticked sends nothing either."""
        return self.add_prefix(name) not in self.data

    def text_rows(self) -> dict[str, list[BoundField]]:
        """name -> its fields, one per language."""
        return {name: [self[f"{name}_{code}"] for code, __ in settings.LANGUAGES] for name in self.texts}

    def texts_of(self, name: str) -> Texts:
        """Without empty ones; languages that the system does not have are kept."""
        codes = [code for code, __ in settings.LANGUAGES]
        kept = {code: text for code, text in (self.given.get(name) or {}).items() if code not in codes}
        typed = {code: self.cleaned_data.get(f"{name}_{code}", "") for code in codes}
        return {code: text for code, text in {**typed, **kept}.items() if text}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in self.texts:
            fields = [f"{name}_{code}" for code, __ in settings.LANGUAGES]
            if name in self.needed_texts and not any(cleaned.get(field) or field in self.errors for field in fields):
                self.add_error(fields[0], _("Say it in at least one language."))
        return cleaned


class Judged(Protocol):
    def is_valid(self) -> bool: ...


def all_valid(parts: Iterable[Judged]) -> bool:
    """Every part is asked, so that every error is shown at once."""
    verdicts = [part.is_valid() for part in parts]
    return all(verdicts)


F = TypeVar("F", bound=StudioForm)


class Rows(Generic[F]):
    """Forms of one kind beneath each other; how many there are goes along as `<name>-count`."""

    def __init__(
        self,
        name: str,
        make: Callable[..., F],
        *,
        data: QueryDict | None = None,
        initial: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.name, self._make = name, make
        if data is None:
            self.forms = [make(prefix=f"{name}-{at}", initial=one) for at, one in enumerate(initial)]
        else:
            self.forms = [make(data, prefix=f"{name}-{at}") for at in range(_count(data.get(f"{name}-count")))]

    def is_valid(self) -> bool:
        return all_valid(self.forms)

    def typed(self, act: str = "", at: int = 0) -> Rows[F]:
        """As typed, after one of: "add" at the end, "remove", "up", "down" of the row `at`."""
        rows = [form.typed() for form in self.forms]
        if act == "add" and len(rows) < MAX_PARTS:
            rows.append({})
        elif act == "remove" and at < len(rows):
            del rows[at]
        elif act in {"up", "down"} and at < len(rows):
            row = rows.pop(at)
            rows.insert(max(at - 1, 0) if act == "up" else at + 1, row)
        made = Rows(self.name, self._make, initial=rows)
        if act == "add" and made.forms:
            first = next(iter(made.forms[-1].fields.values()))
            first.widget.attrs["autofocus"] = True
        return made


def _count(text: str | None) -> int:
    return min(int(text), MAX_PARTS) if text and text.isdecimal() else 0


# ---- fields


def text(label: StrOrPromise, *, required: bool = False, longest: int = MAX_TEXT, **more: Any) -> forms.CharField:
    attrs = more.pop("attrs", {})
    return forms.CharField(
        label=label, required=required, max_length=longest, widget=UnfoldAdminTextInputWidget(attrs=attrs), **more
    )


def code(help_text: StrOrPromise = "") -> forms.CharField:
    """Left empty it is made from the English label."""
    return forms.RegexField(
        r"^[a-z][a-z0-9_]*$",
        label=gettext_lazy("Code"),
        required=False,
        max_length=MAX_CODE,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false", "autocapitalize": "off"}),
        error_messages={"invalid": gettext_lazy("Small letters, digits and _ only, a letter first.")},
    )


def one_of(
    label: StrOrPromise, choices: Choices | Groups, *, required: bool = True, refreshes: bool = False, **more: Any
) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        required=required,
        choices=[*([] if required else [("", "—")]), *choices],
        widget=UnfoldAdminSelectWidget(attrs=dict(REFRESHES) if refreshes else {}),
        **more,
    )


def some_of(label: StrOrPromise, choices: Choices, *, required: bool = False, **more: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, required=required, choices=choices, widget=UnfoldAdminCheckboxSelectMultipleWidget(), **more
    )


def yes_no(label: StrOrPromise, *, refreshes: bool = False, **more: Any) -> forms.BooleanField:
    widget = UnfoldBooleanWidget(attrs=dict(REFRESHES) if refreshes else {})
    return forms.BooleanField(label=label, required=False, widget=widget, **more)


def whole_number(
    label: StrOrPromise, *, low: int, high: int, required: bool = False, **more: Any
) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=required, min_value=low, max_value=high, widget=UnfoldAdminIntegerFieldWidget(), **more
    )


def number(label: StrOrPromise, *, required: bool = False, **more: Any) -> forms.DecimalField:
    """Typed with the language's own decimal sign."""
    attrs = {"inputmode": "decimal", **more.pop("attrs", {})}
    return forms.DecimalField(
        label=label, required=required, localize=True, widget=UnfoldAdminTextInputWidget(attrs=attrs), **more
    )


def in_kept_order(chosen: Sequence[str], stored: Sequence[str]) -> list[str]:
    """What was there keeps its place, so that opening and saving changes nothing."""
    return [*(one for one in stored if one in chosen), *(one for one in chosen if one not in stored)]


def with_current(choices: Choices, *current: str) -> Choices:
    """What is stored stays to be seen and kept though the plant has it no longer."""
    known = {value for value, __ in choices}
    gone = [value for value in current if value and value not in known]
    return [*choices, *((value, _("%(code)s (not there any more)") % {"code": value}) for value in gone)]


def code_from(label: str) -> str:
    """ "First-piece check" -> "first_piece_check"; "" where nothing is left."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:MAX_CODE].lstrip("0123456789_")
