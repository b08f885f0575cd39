"""Everything that can be done to an order on the floor, and to the standard work that it runs by."""

from apps.orders.commands.answers import JobState
from apps.orders.commands.change_requests import request_change, take_change_step
from apps.orders.commands.decisions import apply_change, refuse_change
from apps.orders.commands.erp_orders import take_commit_dates, take_work_orders
from apps.orders.commands.erp_routings import RoutingRow, RoutingStepRow, upsert_routings
from apps.orders.commands.erp_rows import CommitDateRow, WorkOrderRow
from apps.orders.commands.going_on import move_job, run_in_part, substitute_material
from apps.orders.commands.masters import StepSpec, copy_master, draft_master, publish_master, retire_master
from apps.orders.commands.moves import take_edge
from apps.orders.commands.operations import OrderOperationRow
from apps.orders.commands.quantities import confirm_quantity, reverse_confirmation
from apps.orders.commands.readiness import reconsider_job
from apps.orders.commands.release import Need, Operation, Released, release_work_order
from apps.orders.commands.skills import Called, call_for_skill
from apps.orders.commands.steps import StepAnswer, record_step
from apps.orders.commands.together import stop_working_together, work_together

__all__ = [
    "Called",
    "CommitDateRow",
    "JobState",
    "Need",
    "Operation",
    "OrderOperationRow",
    "Released",
    "RoutingRow",
    "RoutingStepRow",
    "StepAnswer",
    "StepSpec",
    "WorkOrderRow",
    "apply_change",
    "call_for_skill",
    "confirm_quantity",
    "copy_master",
    "draft_master",
    "move_job",
    "publish_master",
    "reconsider_job",
    "record_step",
    "refuse_change",
    "release_work_order",
    "request_change",
    "retire_master",
    "reverse_confirmation",
    "run_in_part",
    "stop_working_together",
    "substitute_material",
    "take_change_step",
    "take_commit_dates",
    "take_edge",
    "take_work_orders",
    "upsert_routings",
    "work_together",
]
