"""The page of the blocked orders of a site: whose each is, until when, and what can be done about it from here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.andon.commands import apply_cure
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.floor.fragments import blocked_fragment
from apps.floor.places import places_at, widest
from apps.floor.views import REFUSED
from apps.orders.actions import VIEW_ORDERS
from apps.orders.blocked import Wanted, blocked
from apps.plant import sessions
from apps.plant.models import Area, Person, Site, WorkCenter


def at_site(view: Callable[[HttpRequest, Actor, Site], HttpResponse]) -> Callable[..., HttpResponse]:
    """Gives the view who looks and the site, in its time zone, or answers 404."""

    @wraps(view)
    def inner(request: HttpRequest, site: str) -> HttpResponse:
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            # A redirect would be followed silently, and what was sent would pass for saved.
            return HttpResponse(status=401) if "HX-Request" in request.headers else redirect("floor:home")
        found = Site.objects.visible_to(actor, VIEW_ORDERS).filter(code=site).first()
        if found is None:
            raise Http404
        with timezone.override(found.zone):
            return view(request, actor, found)

    return never_cache(inner)


@require_GET
@at_site
def blocked_screen(request: HttpRequest, actor: Actor, site: Site) -> HttpResponse:
    lines = list(_lines(actor, site))
    areas = sorted({line.area for line in lines}, key=lambda area: area.code)
    shown = _shown(actor, site, request.GET)
    context = {
        **shown,
        "lines": lines,
        "areas": areas,
        "line": next((each for each in lines if each.code == request.GET.get("line")), None),
        "area": next((each for each in areas if each.code == request.GET.get("area")), None),
        "owner": Person.objects.filter(pk=_number(request.GET, "owner") or 0).first(),
        "owners": {row.exception.owner_id: row.exception.owner for row in shown["shown"].rows}.values(),
        "addresses": [blocked_fragment.address(place.place) for place in widest(places_at(site, actor, VIEW_ORDERS))],
    }
    return render(request, "floor/blocked.html", context)


@require_GET
@at_site
def blocked_panel(request: HttpRequest, actor: Actor, site: Site) -> HttpResponse:
    """The page that is shown, as it is now: fetched whenever something in the list is different."""
    return render(request, "floor/_blocked_panel.html", _shown(actor, site, request.GET))


@require_POST
@at_site
def apply_cure_view(request: HttpRequest, actor: Actor, site: Site) -> HttpResponse:
    refusal = None
    try:
        apply_cure(
            actor=entry.actor_of(request),
            command_id=entry.command_id_of(request.POST),
            exception_id=entry.row_id(request.POST, "exception"),
            part_id=entry.row_id(request.POST, "part") if request.POST.get("part") else None,
            cure=request.POST.get("cure", ""),
            inputs=entry.cure_inputs(request.POST),
            reason=request.POST.get("reason", ""),
        )
        sessions.note_act(request.session)
    except CommandRefused as refused:
        refusal = refused
    context = {**_shown(actor, site, QueryDict(request.POST.get("filter", ""))), "refusal": refusal, "acted": True}
    return render(request, "floor/_blocked_panel.html", context, status=REFUSED if refusal else 200)


def _lines(actor: Actor, site: Site) -> QuerySet[WorkCenter]:
    rows = WorkCenter.objects.visible_to(actor, VIEW_ORDERS).filter(site=site)
    return rows.select_related("area").order_by("code")


def _shown(actor: Actor, site: Site, given: QueryDict) -> dict[str, Any]:
    """The rows of one page, and where the others are."""
    line = _lines(actor, site).filter(code=given["line"]).first() if given.get("line") else None
    area = Area.objects.filter(site=site, code=given["area"]).first() if given.get("area") else None
    wanted = Wanted(
        line_id=line.pk if line else None, area_id=area.pk if area else None, owner_id=_number(given, "owner")
    )
    shown = blocked(actor, site.pk, wanted, page=_number(given, "page") or 1)
    return {
        "site": site,
        "shown": shown,
        "filter": given.urlencode(),
        "before": _turned(given, shown.number - 1),
        "next": _turned(given, shown.number + 1),
        "signed_in": actor.person_id is not None,
    }


def _turned(given: QueryDict, page: int) -> str:
    turned = given.copy()
    turned["page"] = str(page)
    return turned.urlencode()


def _number(given: QueryDict, name: str) -> int | None:
    """None for what is no number: whoever types an address sees the whole list."""
    text = given.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else None
