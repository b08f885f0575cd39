"""The first page: what this browser may open, and making it a terminal."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from pydantic import SecretStr

from apps.core import rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor.actions import VIEW_BOARD, VIEW_STATION
from apps.plant import sessions
from apps.plant.actions import ENROL_TERMINAL
from apps.plant.commands import enrol_terminal
from apps.plant.models import Terminal, WorkCenter, WorkUnit
from apps.plant.models.terminals import new_secret


def enroller(request: HttpRequest) -> Actor | None:
    """Who makes this browser a terminal: the one who is signed in, or on a demo anybody who sits at the machine."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor and actor.person_id and rights.places(actor, ENROL_TERMINAL):
        return actor
    return Actor.system("demo") if settings.DEMO else None


@require_GET
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    actor: Actor | None = getattr(request, "actor", None)
    enrolling = enroller(request)
    looking = enrolling or actor
    lines = WorkCenter.objects.select_related("site", "area").order_by("site__code", "code")
    units = WorkUnit.objects.select_related("site").order_by("position")
    context = {
        "actor": actor,
        "can_enrol": enrolling is not None,
        "terminal": Terminal.objects.filter(pk=actor.terminal_id).first() if actor and actor.terminal_id else None,
        "lines": lines.visible_to(looking, VIEW_BOARD).prefetch_related(
            Prefetch("work_units", units.visible_to(looking, VIEW_STATION))
        )
        if looking
        else [],
    }
    return render(request, "floor/home.html", context)


@require_POST
def enrol(request: HttpRequest, site: str, code: str) -> HttpResponse:
    """Makes this browser the terminal of the station, and opens it."""
    actor = enroller(request)
    unit = WorkUnit.objects.filter(site__code=site, code=code).first()
    if actor is None or unit is None:
        raise Http404
    secret = new_secret()
    try:
        terminal_id = enrol_terminal(
            actor=actor,
            command_id=uuid4(),
            code=f"{code}-{uuid4().hex[:6]}" if settings.DEMO else code,
            site_id=unit.site_id,
            secret=SecretStr(secret),
            work_unit_id=unit.pk,
        )
    except CommandRefused as refusal:
        return render(request, "floor/refused.html", {"refusal": refusal}, status=409)
    response = redirect("floor:station", site, code)
    sessions.remember_terminal(response, terminal_id=terminal_id, secret=secret)
    return response
