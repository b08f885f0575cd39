"""The floor's pages. A person or terminal that may not see a place gets the answer of one that does not exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from pydantic import SecretStr

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.floor.actions import VIEW_STATION
from apps.floor.fragments import station_erp, station_fragment
from apps.floor.panel import panel
from apps.floor.screens import station
from apps.orders.commands import confirm_quantity, record_step, reverse_confirmation, take_edge
from apps.plant import sessions
from apps.plant.commands import sign_in_with_badge
from apps.plant.models import Purpose, ReasonCode, WorkUnit

View = Callable[..., HttpResponse]
REFUSED = 409


def at_station(view: Callable[[HttpRequest, WorkUnit], HttpResponse]) -> View:
    """Gives the view its work unit, in the time zone of the site, or answers 404."""

    @wraps(view)
    def inner(request: HttpRequest, site: str, code: str) -> HttpResponse:
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            return redirect("floor:home")
        units = WorkUnit.objects.visible_to(actor, VIEW_STATION)
        unit = units.select_related("site", "work_center__site", "work_center__area").filter(site__code=site, code=code)
        if not (found := unit.first()):
            raise Http404
        with timezone.override(found.site.zone):
            return view(request, found)

    return never_cache(inner)


@require_GET
@at_station
def station_screen(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    context = {
        "unit": unit,
        "addresses": [station_fragment.address(unit.pk), station_erp.address(unit.pk)],
        "station": station(unit),
        "panel": _panel(request, unit),
        "scrap_reasons": ReasonCode.objects.choosable(Purpose.SCRAP),
        "reversal_reasons": ReasonCode.objects.choosable(Purpose.REVERSAL),
    }
    return render(request, "floor/station.html", context)


@require_GET
@at_station
def station_panel(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    return _answer(request, unit)


@require_POST
@at_station
def take_edge_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    def act() -> None:
        take_edge(
            actor=entry.actor_of(request),
            command_id=entry.command_id_of(request.POST),
            job_order_id=entry.row_id(request.POST, "job"),
            edge=request.POST.get("edge", ""),
            inputs=entry.inputs(request.POST),
        )

    return _acted(request, unit, act)


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

    return _acted(request, unit, act)


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

    return _acted(request, unit, act)


@require_POST
@at_station
def record_step_view(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    def act() -> None:
        record_step(
            actor=entry.actor_of(request),
            command_id=entry.command_id_of(request.POST),
            job_order_id=entry.row_id(request.POST, "job"),
            step_id=entry.row_id(request.POST, "step"),
            piece=entry.row_id(request.POST, "piece") if request.POST.get("piece") else None,
            value=entry.measured(request.POST, "value"),
            lot_number=entry.scanned(request.POST, "lot_number"),
            text=request.POST.get("text", ""),
            left_out=bool(request.POST.get("left_out")),
        )

    return _acted(request, unit, act)


@require_POST
@at_station
def sign_in(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    terminal_id = request.actor.terminal_id  # type: ignore[attr-defined]
    if terminal_id is None:
        return HttpResponse(_("This browser is no enrolled terminal, so a badge does not count here."), status=REFUSED)
    try:
        answer = sign_in_with_badge(
            actor=Actor(terminal_id=terminal_id),
            command_id=uuid4(),
            terminal_id=terminal_id,
            badge=SecretStr(request.POST.get("badge", "").strip()),
            pin=SecretStr(request.POST.get("pin", "")),
        )
    except CommandRefused as refusal:
        return HttpResponse(str(refusal), status=REFUSED, content_type="text/plain; charset=utf-8")
    if answer.person_id is None:
        return HttpResponse(answer.sentence, status=REFUSED, content_type="text/plain; charset=utf-8")
    sessions.open_floor_session(request, person_id=answer.person_id, terminal_id=terminal_id)
    return _to_station(request, unit)


@require_POST
@at_station
def sign_out(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    sessions.lock(request)
    return _to_station(request, unit)


def _acted(request: HttpRequest, unit: WorkUnit, act: Callable[[], None]) -> HttpResponse:
    """Does it and shows the station as it is after it, or why it was refused."""
    try:
        act()
    except CommandRefused as refusal:
        return _answer(request, unit, refusal)
    sessions.note_act(request.session)
    return _answer(request, unit)


def _answer(request: HttpRequest, unit: WorkUnit, refusal: CommandRefused | None = None) -> HttpResponse:
    """What a screen fetches by itself leaves the last refusal standing; only the next act takes it away."""
    context = {"unit": unit, "panel": _panel(request, unit), "refusal": refusal, "acted": request.method == "POST"}
    return render(request, "floor/_panel.html", context, status=REFUSED if refusal else 200)


def _panel(request: HttpRequest, unit: WorkUnit) -> object:
    return panel(unit, request.actor, request.session)  # type: ignore[attr-defined]


def _to_station(request: HttpRequest, unit: WorkUnit) -> HttpResponse:
    address = reverse("floor:station", args=[unit.site.code, unit.code])
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)
