"""Everything that can be done to an order on the floor."""

from apps.orders.commands.answers import JobState
from apps.orders.commands.moves import take_edge
from apps.orders.commands.quantities import confirm_quantity
from apps.orders.commands.release import Operation, Released, release_work_order

__all__ = ["JobState", "Operation", "Released", "confirm_quantity", "release_work_order", "take_edge"]
