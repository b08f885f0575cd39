"""Workflows on the engineers' pages: read, draft, check, review, publish, retire; stop an edge.

A page shows; each button sends a command. What is typed is checked in the form first, so that a refusal loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.core import rights
from apps.core.actors import Actor
from apps.core.administration import PlainAdmin, ReadOnlyAdmin
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE, Action
from apps.plant.administration import WithoutTransaction, actor_of, by
from apps.workflows import commands, people
from apps.workflows.actions import EDIT, PUBLISH, STOP_EDGE, VIEW
from apps.workflows.check import check
from apps.workflows.definition import Definition, parse
from apps.workflows.kinds import KINDS
from apps.workflows.models import EdgeStop, Version, VersionStatus, Workflow
from apps.workflows.rows import dangling, to_definition


@dataclass(frozen=True)
class Button:
    """One command on a page. `asks` is the label of the text it needs, empty for none.

    press(actor, command_id, pk, text) gives the address to go to, or None to stay
    """

    name: str
    label: StrOrPromise
    action: Action
    press: Callable[[Actor, UUID, int, str], str | None]
    asks: StrOrPromise = ""


class ButtonsAdmin(PlainAdmin, WithoutTransaction):
    """The command id is made with the page, so that a double click is one act."""

    actions: Any = None
    change_form_outer_after_template = "workflows/_buttons.html"

    def buttons_for(self, row: Any) -> list[Button]:
        raise NotImplementedError

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        row = self.get_object(request, object_id) if object_id else None
        if row is not None:
            actor = actor_of(request)
            buttons = [button for button in self.buttons_for(row) if rights.may(actor, button.action, EVERYWHERE)]
            if request.method == "POST" and "_do" in request.POST:
                return self._pressed(request, row, buttons)
            context |= {"buttons": [(button, uuid4()) for button in buttons], **self.shown(row)}
        return super().changeform_view(request, object_id, form_url, context)

    def shown(self, row: Any) -> dict[str, Any]:  # noqa: ARG002
        """More for the page's template."""
        return {}

    def _pressed(self, request: HttpRequest, row: Any, buttons: list[Button]) -> HttpResponse:
        button = next((button for button in buttons if button.name == request.POST["_do"]), None)
        if button is None:
            raise PermissionDenied
        address: str | None = None
        try:
            command_id = UUID(request.POST.get("command_id", ""))
            address = button.press(actor_of(request), command_id, row.pk, request.POST.get("text", ""))
        except CommandRefused as refusal:
            messages.error(request, str(refusal))
        except ValueError:
            messages.error(request, gettext("Reload the page and try again."))
        else:
            messages.success(request, gettext("Done: %(what)s.") % {"what": button.label})
        return HttpResponseRedirect(address or request.get_full_path())


def _page_of(version_id: int) -> str:
    return reverse("admin:workflows_version_change", args=[version_id])


# ---- versions

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
class VersionAdmin(ButtonsAdmin):
    """Adding one imports a definition as a draft; only a draft can be changed."""

    view_action = VIEW
    change_action = EDIT
    form = DraftForm
    change_form_outer_after_template = "workflows/version.html"
    list_display = ["workflow", "number", "status", "effective_from", "note"]
    list_filter = ["workflow", "status"]
    ordering = ["workflow__name", "-number"]
    list_select_related = ["workflow"]

    def get_fields(self, request: HttpRequest, obj: Version | None = None) -> Any:
        return ["definition", "based_on"] if self.has_change_permission(request, obj) else []

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return (not isinstance(obj, Version) or obj.is_draft) and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Version, form: DraftForm, change: bool) -> None:  # noqa: FBT001
        definition = form.cleaned_data["definition"]
        if change:
            based_on = form.cleaned_data["based_on"]
            commands.save_draft(*by(request), version_id=obj.pk, definition=definition, based_on=based_on)
        else:
            obj.pk = commands.import_draft(*by(request), definition=definition)
        obj.refresh_from_db()

    def buttons_for(self, row: Version) -> list[Button]:
        return BUTTONS[row.status]

    def shown(self, row: Version) -> dict[str, Any]:
        definition = to_definition(row)
        return {
            "version": row,
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


# ---- the kill switch


def _resume(actor: Actor, command_id: UUID, pk: int, _text: str) -> None:
    commands.resume_edge(actor, command_id, stop_id=pk)


RESUME = Button("resume", _("Resume"), STOP_EDGE, _resume)


class StopForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = EdgeStop
        fields = ["workflow", "edge", "reason"]


@admin.register(EdgeStop)
class EdgeStopAdmin(ButtonsAdmin):
    """Adding one stops the edge for everybody at once, in all versions."""

    view_action = VIEW
    change_action = STOP_EDGE
    form = StopForm
    list_display = ["workflow", "edge", "reason", "stopped_at", "resumed_at"]
    list_filter = ["workflow"]
    ordering = ["resumed_at", "-stopped_at"]
    fields = ["workflow", "edge", "reason"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: EdgeStop, form: StopForm, change: bool) -> None:  # noqa: ARG002, FBT001
        obj.pk = commands.stop_edge(
            *by(request),
            workflow_id=obj.workflow_id,
            edge=obj.edge,
            reason=obj.reason,
        )
        obj.refresh_from_db()

    def buttons_for(self, row: EdgeStop) -> list[Button]:
        return [RESUME] if row.resumed_at is None else []
