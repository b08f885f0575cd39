"""Puts the one who speaks on the request: `request.actor`, None for nobody."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.core import rights


class ActorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = rights.identify(request.session, request.COOKIES)  # type: ignore[attr-defined]
        return self.get_response(request)
