"""How long until the first operation, commitment or shipment is hit; looked up anew as plans move."""

from __future__ import annotations

from datetime import datetime

from apps.andon.actions import ANSWER
from apps.andon.causes import hits_of, kinds_that_hit
from apps.andon.models import FloorException
from apps.andon.planning import save_with_plan
from apps.andon.rows import locked
from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE


def moved_windows() -> dict[int, datetime | None]:
    """Id of each open exception whose first hit has moved -> when it is now.  A query per kind of cause."""
    exceptions = list(FloorException.objects.not_done().filter(cause_kind__in=kinds_that_hit()).order_by("pk"))
    hits = hits_of(exceptions)
    moved: dict[int, datetime | None] = {}
    for exception in exceptions:
        known = [hit.at for hit in hits.get(exception.pk, ()) if hit.at is not None]
        if known and min(known) != exception.hits_at:
            moved[exception.pk] = min(known)
    return moved


@command("andon.set_window")
def set_window(context: Context, *, exception_id: int, hits_at: datetime | None) -> None:
    """A nearer window shortens the policy, a later one gives it back its time.  For the sweep."""
    context.allow(ANSWER, at=EVERYWHERE)
    exception = locked(context, exception_id)
    if exception.closed_at is None and exception.hits_at != hits_at:
        exception.hits_at = hits_at
        save_with_plan(context, exception)
