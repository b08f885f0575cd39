"""One thing that an edge asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.workflows.definition import MAX_PHOTOS, InputSpec
from apps.workflows.studio.forms import base
from apps.workflows.studio.room import Room

TYPES: base.Choices = [
    ("number", gettext_lazy("number")),
    ("choice", gettext_lazy("choice from reasons")),
    ("text", gettext_lazy("text")),
    ("lot", gettext_lazy("lot (scan)")),
    ("boolean", gettext_lazy("yes or no")),
    ("photo", gettext_lazy("photo")),
]


class InputForm(base.StudioForm):
    """Unit and limits belong to a number, the purpose of the reasons to a choice, how many to photos."""

    texts = {"labels": gettext_lazy("Label")}
    needed_texts = frozenset({"labels"})

    def __init__(
        self,
        room: Room,
        data: QueryDict | None = None,
        *,
        prefix: str,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            data, prefix=prefix, initial={"required": True, "type": "number", "at_most": 1, **(initial or {})}
        )
        texts = self.fields
        self.fields = {
            "type": base.one_of(gettext_lazy("Type"), TYPES, refreshes=True),
            **texts,
            "name": base.code(gettext_lazy("Left empty, it is made from the label.")),
            "required": base.yes_no(gettext_lazy("Required")),
        }
        match self.current("type"):
            case "number":
                self.fields["unit"] = base.text(gettext_lazy("Unit"), longest=20)
                self.fields["low"] = base.number(gettext_lazy("At least"))
                self.fields["high"] = base.number(gettext_lazy("At most"))
            case "choice":
                stored = self.initial.get("reason_purpose", "")
                self.fields["reason_purpose"] = base.one_of(
                    gettext_lazy("Reasons for"), base.with_current(room.purposes, stored)
                )
            case "photo":
                self.fields["at_most"] = base.whole_number(
                    gettext_lazy("Pictures, at most"), low=1, high=MAX_PHOTOS, required=True
                )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "name" in cleaned and not cleaned["name"]:
            cleaned["name"] = base.code_from(
                cleaned.get("labels_en") or next(iter(self.texts_of("labels").values()), "")
            )
            if not cleaned["name"] and "labels_en" not in self.errors:
                self.add_error("name", _("Give it a name: none can be made from this label."))
        low, high = cleaned.get("low"), cleaned.get("high")
        if low is not None and high is not None and low > high:
            self.add_error("high", _("The highest is below the lowest: nothing could be right."))
        return cleaned

    def spec(self) -> InputSpec:
        """After is_valid()."""
        names = self.fields.keys() & {"name", "type", "required", "unit", "low", "high", "reason_purpose", "at_most"}
        return InputSpec(labels=self.texts_of("labels"), **{name: self.cleaned_data[name] for name in names})

    @property
    def variant(self) -> str:
        return str(self.current("type") or "")

    @property
    def named(self) -> tuple[str, str]:
        """Name and type as they stand there now, for guards; the name may be empty."""
        label = str(self.current("labels_en") or "")
        return str(self.current("name") or "") or base.code_from(label), str(self.current("type") or "")

    @property
    def purpose(self) -> str:
        return str(self.current("reason_purpose") or "") if "reason_purpose" in self.fields else ""
