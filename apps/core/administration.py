"""The admin's base classes: rights come from roles, never from Django's permission tables; writes go to commands."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin

from apps.core import rights
from apps.core.errors import CommandRefused
from apps.core.ownership import owned_fields_of
from apps.core.rights import Action


class RightsMixin:
    """`view_action` opens the pages, `change_action` (None: nobody) lets rows be added, changed and removed."""

    view_action: ClassVar[Action]
    change_action: ClassVar[Action | None] = None

    def _holds(self, request: HttpRequest, action: Action | None) -> bool:
        """Asked once per request and action: the index asks for every model several times."""
        actor = getattr(request, "actor", None)
        if actor is None or action is None:
            return False
        held: dict[str, bool] = request.__dict__.setdefault("_held_actions", {})
        if action.code not in held:
            held[action.code] = bool(rights.places(actor, action))
        return held[action.code]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return self._holds(request, self.view_action) or self._holds(request, self.change_action)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return self._holds(request, self.change_action)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return self._holds(request, self.change_action)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False


class PlainAdmin(RightsMixin, ModelAdmin):
    """For models without history."""

    list_fullwidth = True
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """What the ERP owns of this very row is shown, not edited; the database would refuse it as well."""
        declared = list(super().get_readonly_fields(request, obj))
        return declared + sorted(owned_fields_of(obj) - set(declared)) if obj else declared

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A refused command is a message above the form, not an error page."""
        try:
            response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        except CommandRefused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())
        return response


class HistoryAdmin(SimpleHistoryAdmin, PlainAdmin):
    """For models that people change; the history page shows what a row looked like."""


class ReadOnlyAdmin(PlainAdmin):
    """For what only commands write."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False
