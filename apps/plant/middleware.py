"""Keeps the desk's world, where `request.user` opens the admin, closed to those who came with badge and PIN."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from apps.plant.access import BY_PIN, SIGN_IN


class DeskUserMiddleware:
    """`request.user` is somebody only after a sign-in at a desk; who acts is `request.actor`, everywhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.get(SIGN_IN) == BY_PIN:
            request.user = AnonymousUser()
        return self.get_response(request)
