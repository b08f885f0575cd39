"""A page is one look at the plant; and the one who speaks is on the request: `request.actor`, None for nobody."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.core import rights
from apps.core.one_look import one_look


class OneLookMiddleware:
    """Of what only reads; what an act is answered with looks after it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        with one_look():
            return self.get_response(request)


class ActorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = rights.identify(request.session, request.COOKIES)  # type: ignore[attr-defined]
        return self.get_response(request)
