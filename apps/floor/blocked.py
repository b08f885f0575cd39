"""The page of the blocked orders of a site: whose each is, until when, and what can be done about it from here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.andon.commands import apply_cure
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.orders.actions import VIEW_ORDERS
from apps.orders.blocked import Wanted, blocked
from apps.plant import sessions
from apps.plant.models import Person, Site, WorkCenter


def at_site(view: Callable[[HttpRequest, Actor, Site], HttpResponse]) -> Callable[..., HttpResponse]:
    """Gives the view who looks and the site, in its time zone, or answers 404."""

    @wraps(view)
    def inner(request: HttpRequest, site: str) -> HttpResponse:
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            return redirect("floor:home")
        found = Site.objects.visible_to(actor, VIEW_ORDERS).filter(code=site).first()
        if found is None:
            raise Http404
        with timezone.override(found.zone):
            return view(request, actor, found)

    return never_cache(inner)


@require_GET
@at_site
def blocked_screen(request: HttpRequest, actor: Actor, site: Site) -> HttpResponse:
    return _page(request, actor, site, request.GET)


@require_POST
@at_site
def apply_cure_view(request: HttpRequest, actor: Actor, site: Site) -> HttpResponse:
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
    except CommandRefused as refusal:
        return _page(request, actor, site, QueryDict(request.POST.get("filter", "")), refusal)
    sessions.note_act(request.session)
    answer = redirect("floor:blocked", site.code)
    narrowed = QueryDict(request.POST.get("filter", "")).urlencode()
    answer["Location"] += f"?{narrowed}" if narrowed else ""
    return answer


def _page(
    request: HttpRequest, actor: Actor, site: Site, given: QueryDict, refusal: CommandRefused | None = None
) -> HttpResponse:
    rows = WorkCenter.objects.visible_to(actor, VIEW_ORDERS).filter(site=site)
    lines = list(rows.select_related("area").order_by("code"))
    areas = sorted({line.area for line in lines}, key=lambda area: area.code)
    line = next((each for each in lines if each.code == given.get("line")), None)
    area = next((each for each in areas if each.code == given.get("area")), None)
    owner = _number(given, "owner")
    wanted = Wanted(line_id=line.pk if line else None, area_id=area.pk if area else None, owner_id=owner)
    shown = blocked(actor, site.pk, wanted, page=_number(given, "page") or 1)
    context: dict[str, Any] = {
        "site": site,
        "shown": shown,
        "lines": lines,
        "areas": areas,
        "line": line,
        "area": area,
        "owner": Person.objects.filter(pk=owner).first() if owner else None,
        "owners": {row.exception.owner_id: row.exception.owner for row in shown.rows}.values(),
        "filter": given.urlencode(),
        "before": _turned(given, shown.number - 1),
        "next": _turned(given, shown.number + 1),
        "command_id": uuid4,
        "signed_in": actor.person_id is not None,
        "refusal": refusal,
    }
    return render(request, "floor/blocked.html", context, status=409 if refusal else 200)


def _turned(given: QueryDict, page: int) -> str:
    turned = given.copy()
    turned["page"] = str(page)
    return turned.urlencode()


def _number(given: QueryDict, name: str) -> int | None:
    """None for what is no number: whoever types an address sees the whole list."""
    text = given.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else None
