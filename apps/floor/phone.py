"""The phone of somebody who is called: what is theirs, and one exception with the answers at the thumb."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import uuid5

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.andon.actions import OWN_CHANNELS
from apps.andon.commands import accept
from apps.andon.models import FloorException
from apps.andon.queries import can_see, context_for, eligible, open_for
from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.floor import entry
from apps.floor.answers import ACTS, answers
from apps.floor.duty_look import duty_lines
from apps.floor.exceptions import seen
from apps.floor.fragments import exception_fragment, mine_fragment, stops_link, to_sign_fragment
from apps.floor.overriding import Override, override_offered
from apps.floor.remedies import remedies
from apps.floor.stops_look import stops_links
from apps.floor.to_sign import to_sign
from apps.floor.views import REFUSED
from apps.plant import sessions
from apps.plant.models import Person
from apps.plant.models.duty import scope_of

View = Callable[..., HttpResponse]
P = ParamSpec("P")


def who_is_asked(request: HttpRequest) -> Actor | None:
    """None where nobody is signed in: a terminal alone answers nothing."""
    actor: Actor | None = getattr(request, "actor", None)
    return actor if actor and actor.person_id is not None else None


def person_of(actor: Actor) -> Person:
    assert actor.person_id is not None
    return Person.objects.get_queryset().select_related("site").get(pk=actor.person_id)


def concern_of(exception: FloorException, actor: Actor) -> list[str]:
    return context_for(actor.person_id, exception) if actor.person_id is not None else []


def to_sign_in(request: HttpRequest) -> HttpResponse:
    # A redirect would be followed silently, and what was sent would pass for saved.
    if "HX-Request" in request.headers:
        return HttpResponse(status=401)
    return redirect(f"{reverse('floor:phone_sign_in')}?{urlencode({'next': request.path})}")


def for_person(view: Callable[[HttpRequest, Person], HttpResponse]) -> View:
    """Gives the view who is signed in, in the time zone of the home site; others sign in first."""

    @wraps(view)
    def inner(request: HttpRequest) -> HttpResponse:
        actor = who_is_asked(request)
        if actor is None:
            return to_sign_in(request)
        person = person_of(actor)
        with timezone.override(person.site.zone if person.site else None):
            return view(request, person)

    return never_cache(inner)


def for_exception(view: Callable[Concatenate[HttpRequest, FloorException, P], HttpResponse]) -> View:
    """Gives the view its exception, in the time zone of its site; 404 for what may not be seen."""

    @wraps(view)
    def inner(request: HttpRequest, pk: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        actor = who_is_asked(request)
        if actor is None:
            return to_sign_in(request)
        exception = can_see(actor, pk)
        if exception is None:
            raise Http404
        with timezone.override(exception.site.zone):
            return view(request, exception, *args, **kwargs)

    return never_cache(inner)


# ---- what is mine


@require_GET
@for_person
def mine(request: HttpRequest, person: Person) -> HttpResponse:
    links = stops_links(request.actor)  # type: ignore[attr-defined]  # for_person has seen it
    context = {
        "person": person,
        "mine": open_for(person.pk),
        "to_sign": to_sign(person.pk),
        "duty_lines": duty_lines(person.pk, clock.now()),
        "links": links,
        "addresses": [
            mine_fragment.address(person.pk),
            to_sign_fragment.address(person.pk),
            *(stops_link.address(link.place.place) for link in links),
        ],
        "is_told": rights.may(Actor(person_id=person.pk), OWN_CHANNELS, scope_of(person)),
        "now": clock.now(),
    }
    return render(request, "floor/phone.html", context)


@require_POST
@for_person
def accept_all(request: HttpRequest, person: Person) -> HttpResponse:
    """Each by an act of its own, under an id that follows from the form's: sent twice it is done once."""
    key = entry.command_id_of(request.POST)
    refusal = None
    for look in open_for(person.pk).handed:
        pk = look.exception.pk
        try:
            accept(entry.actor_of(request), uuid5(key, str(pk)), exception_id=pk)
        except CommandRefused as refused:
            refusal = refused
    sessions.note_act(request.session)
    return render(request, "floor/_notice.html", {"refusal": refusal}, status=REFUSED if refusal else 200)


# ---- one exception


@require_GET
@for_exception
def one(request: HttpRequest, exception: FloorException) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]  # for_exception has seen it
    context = {
        "person": person_of(actor),
        "seen": seen(exception),
        "answers": answers(exception, actor),
        "concern": concern_of(exception, actor),
        "addresses": [exception_fragment.address(exception.pk)],
    }
    return render(request, "floor/phone_one.html", context)


@require_GET
@for_exception
def panel(request: HttpRequest, exception: FloorException) -> HttpResponse:
    return answered(request, exception)


@require_GET
@for_exception
def people(request: HttpRequest, exception: FloorException) -> HttpResponse:
    """To whom it can be given, asked when somebody wants to."""
    return render(
        request, "floor/_give_list.html", {"exception": exception, "people": eligible(exception, clock.now())}
    )


@require_GET
@for_exception
def ways(request: HttpRequest, exception: FloorException) -> HttpResponse:
    """What can be done about it, asked when somebody wants to."""
    actor: Actor = request.actor  # type: ignore[attr-defined]  # for_exception has seen it
    return render(request, "floor/_remedy_list.html", {"remedies": remedies(exception, actor)})


@require_POST
@for_exception
def answer(request: HttpRequest, exception: FloorException, act: str) -> HttpResponse:
    if act not in ACTS:
        raise Http404
    try:
        ACTS[act](entry.actor_of(request), entry.command_id_of(request.POST), exception.pk, request.POST)
    except CommandRefused as refusal:
        actor: Actor = request.actor  # type: ignore[attr-defined]  # for_exception has seen it
        override = override_offered(exception, actor, refusal, act, request.POST)
        return answered(request, exception, refusal, override)
    sessions.note_act(request.session)
    return answered(request, exception)


def answered(
    request: HttpRequest,
    exception: FloorException,
    refusal: CommandRefused | None = None,
    override: Override | None = None,
) -> HttpResponse:
    """What the thumb finds now; `override`: of what has just been refused."""
    actor: Actor = request.actor  # type: ignore[attr-defined]  # for_exception has seen it
    fresh = can_see(actor, exception.pk) or exception
    context = {
        "answers": answers(fresh, actor),
        "concern": concern_of(fresh, actor),
        "refusal": refusal,
        "refused_step": override,
        "in_sheet": override is not None and "edge" in request.POST,
        "person": person_of(actor),
        "at_terminal": actor.terminal_id is not None,
        "acted": request.method == "POST",
        "oob": True,
    }
    return render(request, "floor/_answers_panel.html", context, status=REFUSED if refusal else 200)
