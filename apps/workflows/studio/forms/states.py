"""The form of one state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.workflows.definition import StateSpec
from apps.workflows.models import Phases
from apps.workflows.models.versions import StateKinds
from apps.workflows.studio.forms import base
from apps.workflows.studio.room import Room


class StateForm(base.StudioForm):
    texts = {"labels": gettext_lazy("Label")}
    needed_texts = frozenset({"labels"})

    def __init__(self, room: Room, data: QueryDict | None = None, *, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix="state", initial=initial)
        self.room = room
        status = self.initial.get("status", "")
        own = {
            "code": base.code(
                gettext_lazy("Left empty, it is made from the label. Renaming it renames it in all edges.")
            ),
            "status": base.one_of(
                gettext_lazy("Status"),
                base.with_current(room.statuses, status),
                help_text=gettext_lazy("Fixed in code: what the rest of the plant understands of this state."),
            ),
            "kind": base.one_of(gettext_lazy("Kind"), StateKinds.choices),
            "phase": base.one_of(
                gettext_lazy("Phase"),
                Phases.choices,
                required=False,
                help_text=gettext_lazy("Of a running state, or of one that a stop of the machine leads to."),
            ),
            "is_safe": base.yes_no(
                gettext_lazy("Safe to change the version in"),
                help_text=gettext_lazy("Items may go over to another version when they enter this state."),
            ),
        }
        self.fields = {**own, **self.fields}
        if self.room.kind:
            self.initial.setdefault("kind", StateKinds.NORMAL.value)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "code" in cleaned and not cleaned["code"]:
            cleaned["code"] = base.code_from(
                cleaned.get("labels_en") or next(iter(self.texts_of("labels").values()), "")
            )
            if not cleaned["code"] and "labels_en" not in self.errors:
                self.add_error("code", _("Give it a code: none can be made from this label."))
        return cleaned

    def spec(self) -> StateSpec:
        """After is_valid()."""
        names = ("code", "status", "kind", "phase", "is_safe")
        return StateSpec(labels=self.texts_of("labels"), **{name: self.cleaned_data[name] for name in names})
