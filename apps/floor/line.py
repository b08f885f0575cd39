"""The line's page: the board for everybody there, and the target for who may set it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core import rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.floor.actions import VIEW_BOARD
from apps.floor.alerts import alerts_at_line
from apps.floor.fragments import line_alerts, line_board, line_lost
from apps.floor.losses_look import lost_at
from apps.floor.screens import board
from apps.plant import sessions
from apps.plant.models import WorkCenter
from apps.shifts.actions import SET_TARGET
from apps.shifts.commands import set_target


def at_line(view: Callable[[HttpRequest, WorkCenter], HttpResponse]) -> Callable[..., HttpResponse]:
    """Gives the view its line, in the time zone of the site, or answers 404."""

    @wraps(view)
    def inner(request: HttpRequest, site: str, code: str) -> HttpResponse:
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            return redirect("floor:home")
        lines = WorkCenter.objects.visible_to(actor, VIEW_BOARD).select_related("site", "area")
        line = lines.filter(site__code=site, code=code).first()
        if line is None:
            raise Http404
        with timezone.override(line.site.zone):
            return view(request, line)

    return never_cache(inner)


@require_GET
@at_line
def line_screen(request: HttpRequest, line: WorkCenter) -> HttpResponse:
    return _page(request, line)


@require_POST
@at_line
def set_target_view(request: HttpRequest, line: WorkCenter) -> HttpResponse:
    try:
        set_target(
            actor=entry.actor_of(request),
            command_id=entry.command_id_of(request.POST),
            work_center_id=line.pk,
            shift_date=_date(request.POST.get("shift_date", "")),
            shift_code=request.POST.get("shift_code", ""),
            quantity=entry.quantity(request.POST, "quantity"),
            reason=request.POST.get("reason", ""),
        )
    except CommandRefused as refusal:
        return _page(request, line, refusal)
    sessions.note_act(request.session)
    return redirect("floor:line", line.site.code, line.code)


def _page(request: HttpRequest, line: WorkCenter, refusal: CommandRefused | None = None) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]  # at_line has seen it
    shown = board(line)
    context = {
        "line": line,
        "addresses": [each.address(line.pk) for each in (line_board, line_alerts, line_lost)],
        "alerts": alerts_at_line(line, shown.now),
        "lost": lost_at(line),
        "board": shown,
        "may_set_target": bool(shown.pace and actor.person_id and rights.may(actor, SET_TARGET, line.scope)),
        "command_id": uuid4(),
        "refusal": refusal,
        "typed": request.POST,
    }
    return render(request, "floor/line.html", context, status=409 if refusal else 200)


def _date(text: str) -> date:
    """The day of the shift, from the form; what can't be read is a day without shifts, and the command says so."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min
