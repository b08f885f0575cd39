"""Pages of what is fixed once it is published: open while it is a draft; the database refuses it later as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.andon.actions import CONFIGURE
from apps.core.commands import Command
from apps.plant.administration import CommandAdmin, InlineMixin, WithReason, run_for_each
from apps.workflows import people
from apps.workflows.models.life import VersionLife


def _is_open(version: VersionLife | None) -> bool:
    return version is None or version.is_draft


class DraftForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    based_on = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["based_on"] = self.instance.checksum

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("based_on") != type(self.instance)._base_manager.get(pk=self.instance.pk).checksum:
            raise ValidationError(gettext("Somebody else has saved this draft meanwhile. Open it anew in another tab."))
        return cleaned


class DraftAdmin(CommandAdmin):
    """The page of a version: begun by a command, never added; saved with its steps by one command, or not at all."""

    change_action = CONFIGURE
    form = DraftForm
    action_form = WithReason
    actions: Any = ["submit", "give_back", "publish"]
    life: ClassVar[Sequence[str]] = ["number", "status", "written_by", "approved_by", "published_at", "note"]
    submit_by: ClassVar[Command[Any, str]]
    give_back_by: ClassVar[Command[Any, str]]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_change_permission(request, obj)

    def has_configure_permission(self, request: HttpRequest) -> bool:
        return self._holds(request, CONFIGURE)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = [*self.readonly_fields, *(getattr(self.model, "says", ()))]
        return [*shown, "based_on"] if self.has_change_permission(request, obj) else shown

    @admin.display(description=_("written by"))
    def written_by(self, row: VersionLife) -> str:
        return ", ".join(people.person_name(person_id) for person_id in row.editor_ids)

    @admin.display(description=_("approved by"))
    def approved_by(self, row: VersionLife) -> str:
        return people.person_name(row.approver_id) if row.approver_id else ""

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:  # noqa: FBT001
        """It is saved with its steps."""

    def save_related(self, request: HttpRequest, form: ModelForm[Any], formsets: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        (formset,) = formsets
        formset.save(commit=False)  # for the log of what has changed
        self.save_draft(request, form, [{name: getattr(row, name) for name in row.says} for row in _typed(formset)])

    def save_draft(self, request: HttpRequest, form: ModelForm[Any], steps: list[dict[str, Any]]) -> None:
        raise NotImplementedError

    @admin.action(description=_("Submit for review"), permissions=["configure"])
    def submit(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        run_for_each(request, rows, self.submit_by, "version_id")

    @admin.action(description=_("Return to the author"), permissions=["configure"])
    def give_back(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        run_for_each(request, rows, self.give_back_by, "version_id")


def _typed(formset: BaseModelFormSet[Any, Any]) -> Iterator[Any]:
    """The steps as the page has them now."""
    for form in formset.forms:
        if form not in formset.deleted_forms and (form.instance.pk or form.has_changed()):
            yield form.instance


class DraftRowsMixin(InlineMixin):
    """The rows on it."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)
