"""Everything that can be done to an order on the floor."""

from apps.orders.commands.answers import JobState
from apps.orders.commands.moves import take_edge
from apps.orders.commands.quantities import confirm_quantity, reverse_confirmation
from apps.orders.commands.readiness import reconsider_job
from apps.orders.commands.release import Need, Operation, Released, release_work_order

__all__ = [
    "JobState",
    "Need",
    "Operation",
    "Released",
    "confirm_quantity",
    "reconsider_job",
    "release_work_order",
    "reverse_confirmation",
    "take_edge",
]
