"""The first page: what this browser may open, and making it a terminal."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from pydantic import SecretStr

from apps.andon.actions import VIEW_EXCEPTIONS
from apps.core import rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor.actions import VIEW_BOARD, VIEW_STATION
from apps.floor.stops_look import stops_links
from apps.plant import sessions
from apps.plant.actions import ENROL_TERMINAL
from apps.plant.commands import enrol_terminal
from apps.plant.models import Site, Terminal, WorkCenter, WorkUnit
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
        "andon_sites": Site.objects.visible_to(actor, VIEW_EXCEPTIONS) if actor and actor.person_id else [],
        "stops_links": stops_links(actor) if actor and actor.person_id else [],
        "lines": lines.visible_to(looking, VIEW_BOARD).prefetch_related(
            Prefetch("work_units", units.visible_to(looking, VIEW_STATION))
        )
        if looking
        else [],
    }
    return render(request, "floor/home.html", context)


@require_POST
def enrol_station(request: HttpRequest, site: str, code: str) -> HttpResponse:
    """Makes this browser the terminal of the station, and opens it."""
    unit = WorkUnit.objects.filter(site__code=site, code=code).first()
    return _enrol(request, unit, "floor:station", work_unit_id=unit.pk if unit else None)


@require_POST
def enrol_board(request: HttpRequest, site: str, code: str) -> HttpResponse:
    """Makes this browser the wall display of the line, and opens it."""
    line = WorkCenter.objects.filter(site__code=site, code=code).first()
    return _enrol(request, line, "floor:line", work_center_id=line.pk if line else None, kind=Terminal.Kind.BOARD.value)


def _enrol(request: HttpRequest, place: WorkUnit | WorkCenter | None, screen: str, **details: Any) -> HttpResponse:
    actor = enroller(request)
    if actor is None or place is None:
        raise Http404
    secret = new_secret()
    # On a demo several browsers play the same station side by side; elsewhere the new device replaces the old one.
    suffix = f"-{uuid4().hex[:6]}" if settings.DEMO else ""
    try:
        terminal_id = enrol_terminal(
            actor=actor,
            command_id=uuid4(),
            code=f"{place.code}{suffix}",
            site_id=place.site_id,
            secret=SecretStr(secret),
            **details,
        )
    except CommandRefused as refusal:
        return render(request, "floor/refused.html", {"refusal": refusal}, status=409)
    response = redirect(screen, place.site.code, place.code)
    sessions.remember_terminal(response, terminal_id=terminal_id, secret=secret)
    return response
