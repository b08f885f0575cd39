"""The kill switch: stop an edge for everybody, resume it."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.plant.administration import by
from apps.workflows import commands
from apps.workflows.actions import STOP_EDGE, VIEW
from apps.workflows.admin.buttons import Button, ButtonsAdmin
from apps.workflows.models import EdgeStop


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
