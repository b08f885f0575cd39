"""Orders whose last two operations ended at the same moment, so that neither saw the end of the other."""

from __future__ import annotations

from apps.core.commands import Context, command
from apps.erp_sync.actions import POST
from apps.erp_sync.events import order_done
from apps.erp_sync.queries import overlooked
from apps.orders.models import WorkOrder


@command("erp_sync.finish_overlooked_order")
def finish_overlooked_order(context: Context, *, work_order_id: int) -> bool:
    """Whether it was overlooked; then its finish is on its way now."""
    rows = WorkOrder.objects.select_for_update(of=("self",), no_key=True).select_related("site")
    order = rows.get(pk=work_order_id)
    context.allow(POST, at=order.site.scope)
    if work_order_id not in overlooked():
        return False
    context.record(order_done(order))
    return True
