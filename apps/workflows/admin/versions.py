"""Workflows on the engineers' pages: read, draft, check, review, publish, retire.

A page shows; each button sends a command. What is typed is checked in the form first, so that a refusal loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.urls import URLPattern, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.core.actors import Actor
from apps.core.administration import ReadOnlyAdmin
from apps.core.errors import CommandRefused
from apps.plant.administration import by
from apps.workflows import commands, people
from apps.workflows.actions import EDIT, PUBLISH, VIEW
from apps.workflows.admin.buttons import Button, ButtonsAdmin
from apps.workflows.admin.packages import PackagesMixin
from apps.workflows.check import check
from apps.workflows.definition import Definition, parse
from apps.workflows.kinds import KINDS
from apps.workflows.models import Version, VersionStatus, Workflow
from apps.workflows.rows import dangling, to_definition
from apps.workflows.studio.pages import header, urls_of_pages
from apps.workflows.studio.tabs import PAGES


def _page_of(version_id: int) -> str:
    return reverse("admin:workflows_version_change", args=[version_id])


COPY = Button(
    "copy",
    _("Copy to a draft"),
    EDIT,
    lambda actor, command_id, pk, text: _page_of(commands.create_draft(actor, command_id, version_id=pk)),  # noqa: ARG005
)
SUBMIT = Button("submit", _("Submit for review"), EDIT, lambda *a: _done(commands.submit_for_review, *a))
RETURN = Button("return", _("Back to draft"), EDIT, lambda *a: _done(commands.return_to_draft, *a))
RETIRE = Button("retire", _("Retire"), PUBLISH, lambda *a: _done(commands.retire, *a))


def _done(command: Callable[..., Any], actor: Actor, command_id: UUID, pk: int, _text: str) -> None:
    command(actor, command_id, version_id=pk)


def _publish(actor: Actor, command_id: UUID, pk: int, text: str) -> None:
    commands.publish(actor, command_id, version_id=pk, note=text)


PUBLISH_IT = Button("publish", _("Publish"), PUBLISH, _publish, asks=_("What changes, and why"))

BUTTONS: dict[str, list[Button]] = {
    VersionStatus.DRAFT: [SUBMIT, COPY],
    VersionStatus.IN_REVIEW: [PUBLISH_IT, RETURN, COPY],
    VersionStatus.PUBLISHED: [COPY, RETIRE],
    VersionStatus.RETIRED: [COPY],
}


class DraftForm(forms.ModelForm):  # type: ignore[type-arg]
    """The whole draft as one JSON text; what is wrong with it is said in words, and the text stays."""

    definition = forms.CharField(
        label=_("definition"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 40, "spellcheck": "false", "style": "font-family: monospace"}),
        help_text=_("States and edges in the form of the files in fixtures/workflows; their order is that on screens."),
    )
    based_on = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Version
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["definition"] = to_definition(self.instance).to_json()
            self.initial["based_on"] = self.instance.checksum

    def clean_definition(self) -> Definition:
        try:
            definition = parse(self.cleaned_data["definition"])
        except CommandRefused as refusal:
            raise ValidationError(refusal.sentence) from refusal
        problems = dangling(definition)
        if problems:
            raise ValidationError(problems)
        version = self.instance
        if version.pk and (definition.code, definition.kind) != (version.workflow.code, version.workflow.kind):
            raise ValidationError(gettext("A draft keeps the code and the kind of its workflow."))
        return definition

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk and cleaned.get("based_on") != Version.objects.get(pk=self.instance.pk).checksum:
            raise ValidationError(gettext("Somebody else has saved this draft meanwhile. Open it anew in another tab."))
        return cleaned


@admin.register(Version)
class VersionAdmin(PackagesMixin, ButtonsAdmin):
    """Adding one imports a definition as a draft; only a draft can be changed."""

    view_action = VIEW
    change_action = EDIT
    form = DraftForm
    change_form_outer_before_template = "workflows/studio/_header.html"
    change_form_outer_after_template = "workflows/version.html"
    list_display = ["workflow", "number", "status", "effective_from", "note"]
    list_filter = ["workflow", "status"]
    ordering = ["workflow__name", "-number"]
    list_select_related = ["workflow"]

    def get_urls(self) -> list[URLPattern]:
        rows = Version.objects.select_related("workflow")
        return [*urls_of_pages(self.admin_site, PAGES, rows), *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Version | None = None) -> Any:
        return ["definition", "based_on"] if self.has_change_permission(request, obj) else []

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return (not isinstance(obj, Version) or obj.is_draft) and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Version, form: DraftForm, change: bool) -> None:  # noqa: FBT001
        definition = form.cleaned_data["definition"]
        if change:
            based_on = form.cleaned_data["based_on"]
            commands.save_draft(
                *by(request),
                version_id=obj.pk,
                definition=definition,
                based_on=based_on,
                label=gettext("changed as text"),
            )
        else:
            obj.pk = commands.import_draft(*by(request), definition=definition)
        obj.refresh_from_db()

    def buttons_for(self, row: Version) -> list[Button]:
        return BUTTONS[row.status]

    def shown(self, row: Version) -> dict[str, Any]:
        definition = to_definition(row)
        return {
            **header(row, "text"),
            "definition": definition,
            "problems": check(definition, KINDS.get(row.workflow.kind)),
            "stopped": {stop.edge: stop for stop in row.workflow.stops.in_force()},
            "author": people.person_name(row.author_id),
            "approver": people.person_name(row.approver_id),
        }


@admin.register(Workflow)
class WorkflowAdmin(ReadOnlyAdmin):
    view_action = VIEW
    list_display = ["name", "code", "kind"]
    fields = ["name", "code", "kind"]
