"""Buttons on a page of the admin, each of which sends one command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django_stubs_ext import StrOrPromise

from apps.core import rights
from apps.core.actors import Actor
from apps.core.administration import PlainAdmin
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE, Action
from apps.plant.administration import WithoutTransaction, actor_of


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

    class Media:
        css = {"all": ["workflows/pages.css"]}

    def buttons_for(self, row: Any) -> list[Button]:
        raise NotImplementedError

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        row = self.get_object(request, object_id) if object_id else None
        if row is not None:
            buttons = self.pressable(request, row)
            if request.method == "POST" and "_do" in request.POST:
                return self._pressed(request, row, [button for button, __ in buttons])
            context |= {"buttons": buttons, **self.shown(row)}
        return super().changeform_view(request, object_id, form_url, context)

    def pressable(self, request: HttpRequest, row: Any) -> list[tuple[Button, UUID]]:
        """Those that the person may press, each with the id of its command."""
        actor = actor_of(request)
        return [(one, uuid4()) for one in self.buttons_for(row) if rights.may(actor, one.action, EVERYWHERE)]

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
