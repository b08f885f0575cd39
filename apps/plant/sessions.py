"""Opens, keeps and closes what a browser remembers of a sign-in; apps.plant.access reads it."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core import clock
from apps.plant.access import AT_TERMINAL, BY_PIN, LAST_ACT, SIGN_IN, TERMINAL_COOKIE
from apps.plant.models.people import Person

# The language of the person, in the session.
LANGUAGE: Final = "language"
BACKEND = "apps.plant.backends.PersonBackend"
TERMINAL_COOKIE_SECONDS: Final = 400 * 86_400  # as long as browsers keep one


def open_floor_session(request: HttpRequest, *, person_id: int, terminal_id: int) -> None:
    """After sign_in_with_badge said who it is: a fresh session, bound to the terminal, with floor rights."""
    logout(request)
    person = Person.objects.get_queryset().get(pk=person_id)
    login(request, person, backend=BACKEND)
    request.session[SIGN_IN] = BY_PIN
    request.session[AT_TERMINAL] = terminal_id
    request.session[LANGUAGE] = person.language
    note_act(request.session)


def note_act(session: SessionBase) -> None:
    """Called by a screen for each act of a person, not for what it fetches by itself: puts the lock off."""
    if session.get(SIGN_IN) == BY_PIN:
        session[LAST_ACT] = clock.now().timestamp()


def lock(request: HttpRequest) -> None:
    """Signs the person out; the terminal stays one."""
    logout(request)


def remember_terminal(response: HttpResponseBase, *, terminal_id: int, secret: str) -> None:
    """Makes the browser that gets this response the terminal."""
    response.set_cookie(
        TERMINAL_COOKIE,
        f"{terminal_id}.{secret}",
        max_age=TERMINAL_COOKIE_SECONDS,
        httponly=True,
        secure=settings.HTTPS,
        samesite="Strict",
    )
