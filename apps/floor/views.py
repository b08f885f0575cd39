"""The floor's pages. A person or terminal that may not see a place gets the answer of one that does not exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core import rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.core.one_look import one_look
from apps.floor import entry
from apps.floor.actions import VIEW_STATION
from apps.floor.fragments import station_buttons, station_erp, station_fragment
from apps.floor.panel import Panel
from apps.floor.places import unit_named
from apps.floor.reasons import branches
from apps.floor.screens import station
from apps.labor.commands import change_to, clock_off, clock_on
from apps.orders.commands import confirm_quantity, record_step, reverse_confirmation, take_edge
from apps.plant import sessions
from apps.plant.models import Purpose, ReasonCode, WorkUnit
from apps.workflows.judgement import BROKEN

View = Callable[..., HttpResponse]
REFUSED = 409


def at_station(view: Callable[[HttpRequest, WorkUnit], HttpResponse]) -> View:
    """Gives the view its work unit, in the time zone of the site, or answers 404."""

    @wraps(view)
    def inner(request: HttpRequest, site: str, code: str) -> HttpResponse:
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            # A redirect would be followed silently, and what was sent would pass for saved.
            return HttpResponse(status=401) if "HX-Request" in request.headers else redirect("floor:home")
        found = unit_named(site, code)
        if found is None or not rights.may(actor, VIEW_STATION, found.scope):
            raise Http404
        with timezone.override(found.site.zone):
            return view(request, found)

    return never_cache(inner)


@require_GET
@at_station
def station_screen(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    context = {
        "unit": unit,
        "addresses": [part.address(unit.pk) for part in (station_fragment, station_buttons, station_erp)],
        "station": station(unit),
        "panel": _panel(request, unit),
        "scrap_reasons": ReasonCode.objects.choosable(Purpose.SCRAP),
        "branches": branches(Purpose.DOWNTIME),
        "reversal_reasons": ReasonCode.objects.choosable(Purpose.REVERSAL),
    }
    return render(request, "floor/station.html", context)


@require_GET
@at_station
def station_panel(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    return shown(request, unit)


@require_GET
@at_station
def station_ways(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    """What of the panel hangs on the workflow alone; many stations ask for it when a version is published."""
    return render(request, "floor/_panel_ways.html", {"unit": unit, "panel": _panel(request, unit)})


@require_POST
@at_station
def take_edge_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    if is_signed_in(request) and entry.has_badge(request.POST):
        return badge_was_scanned()

    def act() -> None:
        take_edge(
            actor=entry.actor_of(request),
            command_id=entry.command_id_of(request.POST),
            job_order_id=entry.row_id(request.POST, "job"),
            edge=request.POST.get("edge", ""),
            inputs=entry.inputs(request.POST),
        )

    return acted(request, unit, act)


@require_POST
@at_station
def confirm_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    def act() -> None:
        scrap = entry.quantity(request.POST, "scrap")
        has_reason = bool(scrap and request.POST.get("scrap_reason"))
        confirm_quantity(
            actor=entry.actor_of(request),
            command_id=entry.command_id_of(request.POST),
            job_order_id=entry.row_id(request.POST, "job"),
            good=entry.quantity(request.POST, "good"),
            scrap=scrap,
            scrap_reason_id=entry.row_id(request.POST, "scrap_reason") if has_reason else None,
        )

    return acted(request, unit, act)


@require_POST
@at_station
def undo_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    def act() -> None:
        reverse_confirmation(
            actor=entry.actor_of(request),
            command_id=entry.command_id_of(request.POST),
            confirmation_id=entry.row_id(request.POST, "confirmation"),
            reason_id=entry.row_id(request.POST, "reason"),
        )

    return acted(request, unit, act)


@require_POST
@at_station
def record_step_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    code = entry.scanned(request.POST, "lot_number")
    if is_signed_in(request) and entry.is_no_lot(code):
        return badge_was_scanned()

    def act() -> None:
        record_step(
            actor=entry.actor_of(request),
            command_id=entry.command_id_of(request.POST),
            job_order_id=entry.row_id(request.POST, "job"),
            step_id=entry.row_id(request.POST, "step"),
            piece=entry.row_id(request.POST, "piece") if request.POST.get("piece") else None,
            value=entry.measured(request.POST, "value"),
            lot_number=code,
            text=request.POST.get("text", ""),
            left_out=bool(request.POST.get("left_out")),
        )

    return acted(request, unit, act)


@require_POST
@at_station
def clock_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    """The one who is signed in, or a colleague who proves to be there for just this act and stays signed out."""
    is_colleague = "badge" in request.POST

    def act() -> None:
        who: dict[str, Any] = {
            "actor": entry.badge_and_pin(request) if is_colleague else entry.actor_of(request),
            "command_id": entry.command_id_of(request.POST),
            "job_order_id": entry.row_id(request.POST, "job"),
        }
        match request.POST.get("act"):
            case "off":
                clock_off(**who, person_id=entry.row_id(request.POST, "person") if request.POST.get("person") else None)
            case "change":
                change_to(**who)
            case _:
                clock_on(**who)

    response = acted(request, unit, act, is_session_s=not is_colleague)
    if response.status_code != REFUSED:
        response.headers["HX-Trigger"] = "mfgos:clocked"
    return response


@require_POST
@at_station
def sign_in(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    try:
        actor = entry.badge_and_pin(request)
    except CommandRefused as refusal:
        return HttpResponse(str(refusal), status=REFUSED, content_type="text/plain; charset=utf-8")
    assert actor.person_id is not None
    assert actor.terminal_id is not None
    sessions.open_floor_session(request, person_id=actor.person_id, terminal_id=actor.terminal_id)
    return _to_station(request, unit)


@require_POST
@at_station
def sign_out(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    sessions.lock(request)
    return _to_station(request, unit)


def acted(
    request: HttpRequest, unit: WorkUnit, act: Callable[[], str | None], *, is_session_s: bool = True
) -> HttpResponse:
    """Does it and shows the station as it is after it, with what `act` has to say, or why it was refused.

    is_session_s  whether it is an act of who is signed in, and puts the lock of the screen off
    """
    try:
        said = act()
    except CommandRefused as refusal:
        return shown(request, unit, refusal)
    if is_session_s:
        sessions.note_act(request.session)
    return shown(request, unit, said=said or "")


def shown(
    request: HttpRequest, unit: WorkUnit, refusal: CommandRefused | None = None, *, said: str = ""
) -> HttpResponse:
    """What a screen fetches by itself leaves the last refusal standing; only the next act takes it away."""
    found = _panel(request, unit)
    with one_look():
        failed = found.choice(request.POST.get("edge", "")) if refusal and refusal.code in BROKEN else None
        context = {
            "unit": unit,
            "panel": found,
            "refusal": refusal,
            "said": said,
            "override": failed if failed and failed.exit.may_override else None,
            "acted": request.method == "POST",
            "sheet": request.POST.get("sheet", ""),
        }
        return render(request, "floor/_panel.html", context, status=REFUSED if refusal else 200)


def badge_was_scanned() -> HttpResponse:
    """Not sent on to be refused: a refusal keeps what was scanned, and a badge has no place in the ledger."""
    return HttpResponse(status=REFUSED, headers={"HX-Trigger": "mfgos:badge"})


def is_signed_in(request: HttpRequest) -> bool:
    actor: Actor | None = getattr(request, "actor", None)
    return actor is not None and actor.person_id is not None


def _panel(request: HttpRequest, unit: WorkUnit) -> Panel:
    return Panel(unit, request.actor, request.session)  # type: ignore[attr-defined]


def _to_station(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    address = reverse("floor:station", args=[unit.site.code, unit.code])
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)
