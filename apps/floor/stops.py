"""The page of the stops that nobody has explained: the lead says why, of one or of several at once."""

from __future__ import annotations

from typing import Any
from uuid import uuid5

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core import rights
from apps.core.errors import CommandRefused
from apps.equipment.actions import REPORT, VIEW_MACHINES
from apps.equipment.commands import classify_stop
from apps.floor import entry
from apps.floor.fragments import stops_fragment, stops_key
from apps.floor.phone import person_of, to_sign_in, who_is_asked
from apps.floor.places import places_at
from apps.floor.reasons import branches
from apps.floor.stops_look import Order, stops_look
from apps.floor.views import REFUSED
from apps.plant import sessions
from apps.plant.models import Purpose, Site


@require_GET
@never_cache
def stops_page(request: HttpRequest, site: str) -> HttpResponse:
    """Of the place in `?at=`, else of the widest that the person may see; 404 where that is none."""
    actor = who_is_asked(request)
    if actor is None:
        return to_sign_in(request)
    found = Site.objects.filter(code=site).first()
    places = places_at(found, actor, VIEW_MACHINES) if found else []
    wanted, order = request.GET.get("at"), Order.of(request.GET.get("order"))
    shown = [place for place in places if wanted in (None, place.place)]
    if found is None or not shown:
        raise Http404
    with timezone.override(found.zone):
        context: dict[str, Any] = {
            "site": found,
            "person": person_of(actor),
            "places": places,
            "place": shown[0],
            "orders": Order,
            "stops": stops_look(shown[0], order),
            "may_explain": rights.may(actor, REPORT, shown[0].scope),
            "branches": branches(Purpose.DOWNTIME),
            "addresses": [stops_fragment.address(stops_key(shown[0], order))],
        }
        return render(request, "floor/stops.html", context)


@require_POST
def explain_view(request: HttpRequest, site: str) -> HttpResponse:
    """Each stop by an act of its own, under an id that follows from the form's: sent twice it is done once.

    What has become of it comes over the live channel; of those that can't be explained so, the last says why not.
    """
    actor = who_is_asked(request)
    if actor is None:
        return to_sign_in(request)
    if not Site.objects.visible_to(actor, VIEW_MACHINES).filter(code=site).exists():
        raise Http404
    refusal = None
    try:
        for downtime_id, (version, parts) in _chosen(request.POST).items():
            for part_id in parts:
                try:
                    # Two parts of one stop: the second is an answer to what the first has made of it.
                    version = _explain(request, downtime_id, version, part_id)  # noqa: PLW2901
                except CommandRefused as refused:
                    refusal = refused
    except CommandRefused as refused:
        refusal = refused
    sessions.note_act(request.session)
    return render(request, "floor/_notice.html", {"refusal": refusal}, status=REFUSED if refusal else 200)


def _explain(request: HttpRequest, downtime_id: int, version: int, part_id: int) -> int:
    """The stop's version after it."""
    return classify_stop(
        entry.actor_of(request),
        uuid5(entry.command_id_of(request.POST), str(part_id)),
        downtime_id=downtime_id,
        version=version,
        reason_id=entry.row_id(request.POST, "reason"),
        part_id=part_id,
    ).version


def _chosen(sent: QueryDict) -> dict[int, tuple[int, list[int]]]:
    """By stop: the version that was seen, and which of its parts."""
    found: dict[int, tuple[int, list[int]]] = {}
    for name in sent.getlist("stop"):
        part_id, downtime_id, version = entry.row_ids(name)
        found.setdefault(downtime_id, (version, []))[1].append(part_id)
    return found
