"""Everything that can be done to an order on the floor."""

from apps.orders.commands.answers import JobState
from apps.orders.commands.decisions import apply_change, refuse_change
from apps.orders.commands.erp_orders import CommitDateRow, WorkOrderRow, take_commit_dates, take_work_orders
from apps.orders.commands.erp_routings import RoutingRow, RoutingStepRow, upsert_routings
from apps.orders.commands.moves import take_edge
from apps.orders.commands.quantities import confirm_quantity, reverse_confirmation
from apps.orders.commands.readiness import reconsider_job
from apps.orders.commands.release import Need, Operation, Released, release_work_order

__all__ = [
    "CommitDateRow",
    "JobState",
    "Need",
    "Operation",
    "Released",
    "RoutingRow",
    "RoutingStepRow",
    "WorkOrderRow",
    "apply_change",
    "confirm_quantity",
    "reconsider_job",
    "refuse_change",
    "release_work_order",
    "reverse_confirmation",
    "take_commit_dates",
    "take_edge",
    "take_work_orders",
    "upsert_routings",
]
