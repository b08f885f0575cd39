from __future__ import annotations

from decimal import Decimal

from apps.core.events import Event


class WorkOrderReleased(Event, subject="work_order"):
    """`job_order_ids` in the order of the operations."""

    quantity: Decimal
    job_order_ids: list[int]


class QuantityConfirmed(Event, subject="job_order"):
    """Quantities in the unit of the work order."""

    confirmation_id: int
    work_order_id: int
    work_center_id: int
    good: Decimal
    scrap: Decimal
    scrap_reason_id: int | None
