from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event


class TokenCreated(Event, subject="api_token", label=_("Token for the ERP created")):
    scopes: list[str]
    expires_at: datetime


class TokenRevoked(Event, subject="api_token", label=_("Token for the ERP revoked")):
    pass


class WorkCentersTaken(Event, subject="site", label=_("Work centers taken from the ERP")):
    """The subject is the site."""

    created: list[int]
    updated: list[int]
