"""Orders as an ERP sends them, row by row; see apps.materials.commands.erp_rows for what all rows have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.materials.commands.erp_rows import Row
from apps.orders.commands.operations import OrderOperationRow


@dataclass(frozen=True, kw_only=True)
class WorkOrderRow(Row):
    """`unit` empty: the item's own. `routing` and `bom` empty: the only ones in use; of an order here: as it has.

    receipt_location  where the pieces go to; empty: they come on no stock of ours
    operations        keys and stations of the order's own operations; those not named run as the routing says
    """

    number: str
    item: str
    quantity: Decimal
    unit: str = ""
    due_at: datetime | None
    priority: int = 5
    customer: str = ""
    routing: str = ""
    bom: str = ""
    cancelled: bool = False
    receipt_location: str = ""
    operations: tuple[OrderOperationRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommitDateRow(Row):
    """`erp_key` is the order's."""

    due_at: datetime
