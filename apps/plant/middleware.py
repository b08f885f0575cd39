"""The desk's world, closed to those who came with badge and PIN; and the language of the one who is signed in."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from apps.plant.access import BY_PIN, SIGN_IN
from apps.plant.models.people import Person
from apps.plant.sessions import LANGUAGE


class DeskUserMiddleware:
    """`request.user` is somebody only after a sign-in at a desk; who acts is `request.actor`, everywhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.get(SIGN_IN) == BY_PIN:
            request.user = AnonymousUser()
        return self.get_response(request)


class LanguageMiddleware:
    """A person's own language goes before the browser's, which stands for the terminal where nobody is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = _language_of(request)
        if not language or language == translation.get_language():
            return self.get_response(request)
        with translation.override(language):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", language)
            return response


def _language_of(request: HttpRequest) -> str:
    actor = getattr(request, "actor", None)
    if actor is None or actor.person_id is None:
        return ""
    if request.session.get(SIGN_IN) == BY_PIN:
        return str(request.session.get(LANGUAGE, ""))
    return request.user.language if isinstance(request.user, Person) else ""
