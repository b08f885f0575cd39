"""The shift of a site, an area or a line on one screen: who must act next, and what stands in the way; and one
exception at a desk, with all that has happened to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.andon.actions import ANSWER, GIVE, VIEW_EXCEPTIONS
from apps.andon.models import FloorException
from apps.core import rights
from apps.core.actors import Actor
from apps.core.live import FragmentKind
from apps.core.rights import Action
from apps.equipment.actions import REPORT, VIEW_MACHINES
from apps.floor.actions import VIEW_BOARD
from apps.floor.answers import answers
from apps.floor.boards import andon_look
from apps.floor.exceptions import seen
from apps.floor.fragments import (
    andon_fragment,
    blocked_fragment,
    exception_fragment,
    lines_fragment,
    people_fragment,
    standing_fragment,
    stops_link,
    story_fragment,
)
from apps.floor.phone import concern_of, for_exception, person_of, to_sign_in, who_is_asked
from apps.floor.places import Located, places_at
from apps.floor.reasons import branches
from apps.floor.shift_look import blocked_look, lines_look, people_look, standing_look
from apps.floor.stops_look import StopsLink
from apps.floor.story import story
from apps.orders.actions import VIEW_ORDERS
from apps.plant.actions import MANAGE_ROSTER, OWN_DUTY
from apps.plant.models import Purpose, Site


@require_GET
def andon_board(request: HttpRequest, site: str) -> HttpResponse:
    """Of the place in `?at=`, else of the widest that the person may see; 404 where that is none."""
    actor = who_is_asked(request)
    if actor is None:
        return to_sign_in(request)
    found = Site.objects.filter(code=site).first()
    places = places_at(found, actor, VIEW_EXCEPTIONS) if found else []
    wanted = request.GET.get("at")
    shown = [place for place in places if wanted in (None, place.place)]
    if found is None or not shown:
        raise Http404
    with timezone.override(found.zone):
        return render(request, "floor/andon.html", {"places": places, "site": found, **_page(actor, shown[0])})


@dataclass(frozen=True)
class Part:
    """Of the page: a live fragment for those who hold `action` there, and what it is drawn from.

    name  what the page's template calls it
    """

    name: str
    action: Action
    fragment: FragmentKind
    look: Callable[[Located], object]


PARTS = (
    Part("board", VIEW_EXCEPTIONS, andon_fragment, andon_look),
    Part("lines", VIEW_BOARD, lines_fragment, lines_look),
    Part("machines", VIEW_MACHINES, standing_fragment, standing_look),
    Part("link", VIEW_MACHINES, stops_link, StopsLink.at),
    Part("blocked", VIEW_ORDERS, blocked_fragment, blocked_look),
    Part("people", MANAGE_ROSTER, people_fragment, people_look),
)


def _page(actor: Actor, place: Located) -> dict[str, Any]:
    parts = [part for part in PARTS if rights.may(actor, part.action, place.scope)]
    may = {name: rights.may(actor, action, place.scope) for name, action in BUTTONS.items()}
    return {
        "person": person_of(actor),
        "place": place,
        "parts": [part.fragment.name for part in parts],
        "addresses": [part.fragment.address(place.place) for part in parts],
        "may": " ".join(f"may-{name}" for name, is_allowed in may.items() if is_allowed),
        "branches": branches(Purpose.DOWNTIME) if may["report"] else [],
        **{part.name: part.look(place) for part in parts},
    }


# The parts are the same for everybody: whose buttons are shown is said once, for the whole page.
BUTTONS = {"answer": ANSWER, "give": GIVE, "report": REPORT, "duty": OWN_DUTY}


@require_GET
@for_exception
def exception_page(request: HttpRequest, exception: FloorException, site: str) -> HttpResponse:
    if exception.site.code != site:
        raise Http404
    actor: Actor = request.actor  # type: ignore[attr-defined]  # for_exception has seen it
    context = {
        "person": person_of(actor),
        "seen": seen(exception),
        "answers": answers(exception, actor),
        "concern": concern_of(exception, actor),
        "story": story(exception),
        "addresses": [exception_fragment.address(exception.pk), story_fragment.address(exception.pk)],
    }
    return render(request, "floor/andon_one.html", context)
