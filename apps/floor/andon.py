"""The andon board of a site, an area or a line; and one exception at a desk, with all that has happened to it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.andon.actions import ANSWER, VIEW_EXCEPTIONS
from apps.andon.models import FloorException
from apps.core import rights
from apps.core.actors import Actor
from apps.equipment.actions import VIEW_MACHINES
from apps.floor.answers import answers
from apps.floor.boards import andon_look
from apps.floor.exceptions import seen
from apps.floor.fragments import andon_fragment, exception_fragment, stops_link, story_fragment
from apps.floor.phone import concern_of, for_exception, person_of, to_sign_in, who_is_asked
from apps.floor.places import places_at
from apps.floor.stops_look import StopsLink
from apps.floor.story import story
from apps.plant.models import Site


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
    link = StopsLink.at(shown[0]) if rights.may(actor, VIEW_MACHINES, shown[0].scope) else None
    with timezone.override(found.zone):
        context = {
            "site": found,
            "person": person_of(actor),
            "places": places,
            "place": shown[0],
            "board": andon_look(shown[0]),
            "may_answer": rights.may(actor, ANSWER, shown[0].scope),
            "link": link,
            "addresses": [
                andon_fragment.address(shown[0].place),
                *([stops_link.address(shown[0].place)] if link else []),
            ],
        }
        return render(request, "floor/andon.html", context)


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
