"""What is kept for a while only goes in small bites, so that nobody waits for it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

BITE = 1000


def prune(rows: QuerySet[Any]) -> int:
    """Deletes some of them; how many. To be called until it is 0."""
    deleted: int
    deleted, _ = rows.model._default_manager.filter(pk__in=rows.order_by().values("pk")[:BITE]).delete()
    return deleted
