"""Who speaks: `Authorization: Bearer mfg_...`, and nothing else; a session or a badge opens no address of the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.core import clock
from apps.core.actors import Actor, Origin
from apps.erp_sync.api.scopes import READ, WRITE, actions_of
from apps.erp_sync.api.secret_texts import hash_of, looks_right
from apps.erp_sync.models import ApiToken

if TYPE_CHECKING:
    # DRF reads its settings, which name this module, while it makes that class.
    from rest_framework.views import APIView

# "last used" is written at most so often.
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """What DRF calls the user."""

    token: ApiToken
    is_authenticated = True
    is_active = True

    @cached_property
    def actor(self) -> Actor:
        return Actor(
            agent=f"erp:{self.token.name}",
            origin=Origin.ERP,
            restricted_to=actions_of(self.token.scopes),
            only_at=frozenset({f"site:{self.token.site_id}"}) if self.token.site_id else None,
        )

    def has(self, scope: str) -> bool:
        return scope in self.token.scopes


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Caller, ApiToken] | None:
        """Raises AuthenticationFailed, which says nothing about whether the token ever was one."""
        kind, _separator, secret = request.headers.get("Authorization", "").partition(" ")
        if not secret:
            return None
        if kind.lower() != "bearer" or not looks_right(secret.strip()):
            raise exceptions.AuthenticationFailed(_("This token is not valid."))
        now = clock.now()
        tokens = ApiToken.objects.in_force(now).select_related("site")
        token = tokens.filter(secret_hash=hash_of(secret.strip())).first()
        if token is None:
            raise exceptions.AuthenticationFailed(_("This token is not valid."))
        if token.last_used_at is None or token.last_used_at < now - USED_EVERY:
            unused = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
            ApiToken.objects.filter(unused, pk=token.pk).update(last_used_at=now)
        return Caller(token), token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return 'Bearer realm="mfgos"'


def caller_of(request: Request) -> Caller | None:
    """Who speaks, once the authentication has said it."""
    user: object = request.user
    return user if isinstance(user, Caller) else None


class NobodyUnlessSaid(BasePermission):
    """The default of every address."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        return False


class HoldsAToken(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        return caller_of(request) is not None


class HoldsTheScope(BasePermission):
    """items:read for GET, items:write for the rest; the view says whose."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        caller = caller_of(request)
        if caller is None:
            return False
        verb = READ if request.method in {"GET", "HEAD", "OPTIONS"} else WRITE
        scope = f"{view.scope_name}:{verb}"  # type: ignore[attr-defined]  # a view that asks for one has it
        if not caller.has(scope):
            raise exceptions.PermissionDenied(_("This token has no scope %(scope)s.") % {"scope": scope})
        return True
