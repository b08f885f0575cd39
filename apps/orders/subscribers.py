"""Stock that moves may unblock or block operations."""

from __future__ import annotations

from apps.core.commands import Context
from apps.core.events import subscribe
from apps.materials.events import MaterialMoved, MovementReversed
from apps.orders.models import MaterialRecheck

RECHECK_TOPIC = "orders:recheck"


@subscribe(MaterialMoved, MovementReversed)
def look_again_at_who_needs_it(event: MaterialMoved | MovementReversed, context: Context) -> None:
    MaterialRecheck.objects.create(item_id=event.item_id)
    context.touch(RECHECK_TOPIC)
