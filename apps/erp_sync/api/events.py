from __future__ import annotations

from datetime import datetime

from apps.core.events import Event


class TokenCreated(Event, subject="api_token"):
    scopes: list[str]
    expires_at: datetime


class TokenRevoked(Event, subject="api_token"):
    pass


class WorkCentersTaken(Event, subject="site"):
    """The subject is the site."""

    created: list[int]
    updated: list[int]
