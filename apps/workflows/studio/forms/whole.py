"""What belongs to the version as a whole: its name, and which new items it is for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.workflows.definition import Definition, WhereSpec
from apps.workflows.studio.forms import base
from apps.workflows.studio.room import Room


class NameForm(base.StudioForm):
    def __init__(self, data: QueryDict | None = None, *, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix="whole", initial=initial)
        self.fields["name"] = base.text(gettext_lazy("Name"), required=True, longest=120)


class Places(Protocol):
    @property
    def sites(self) -> base.Choices: ...
    @property
    def work_centers(self) -> base.Choices: ...


class WhereForm(base.StudioForm):
    """All that is given has to fit."""

    def __init__(
        self, room: Places, data: QueryDict | None = None, *, prefix: str, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, prefix=prefix, initial=initial)
        site, line = str(self.current_of("site")), str(self.current_of("line"))
        self.fields |= {
            "site": base.one_of(gettext_lazy("Site"), base.with_current(room.sites, site), required=False),
            "line": base.one_of(gettext_lazy("Line"), base.with_current(room.work_centers, line), required=False),
            "item": base.text(gettext_lazy("Item"), attrs={"list": "seen-item"}),
            "customer": base.text(gettext_lazy("Customer"), attrs={"list": "seen-customer"}),
        }

    def current_of(self, name: str) -> str:
        return str(self.initial.get(name) or "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and not any(cleaned.values()):
            self.add_error("site", _("Give at least one of the four, or remove the row."))
        return cleaned

    def spec(self) -> WhereSpec:
        """After is_valid()."""
        return WhereSpec(**self.cleaned_data)


class WholeForms:
    def __init__(self, room: Room, definition: Definition, *, data: QueryDict | None = None) -> None:
        self.room = room
        self.main = NameForm(data, initial={"name": definition.name})
        stored = [where.model_dump() for where in definition.applies_to]
        self.applies_to = base.Rows("applies_to", partial(WhereForm, room), data=data, initial=stored)

    def typed(self, rows: str = "", act: str = "", at: int = 0) -> WholeForms:
        made = WholeForms.__new__(WholeForms)
        made.room = self.room
        made.main = NameForm(initial=self.main.typed())
        made.applies_to = self.applies_to.typed(*((act, at) if rows == "applies_to" else ()))
        return made

    def is_valid(self) -> bool:
        return base.all_valid([self.main, self.applies_to])

    @property
    def seen(self) -> dict[str, list[str]]:
        """Values to suggest, where the kind has a field of that name."""
        return {name: self.room.seen(name) for name in ("item", "customer") if name in self.room.fields}
