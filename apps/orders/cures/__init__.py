"""What can be done about what stops orders, from the page that shows it."""

from apps.orders.cures.changes import APPLY, REFUSE
from apps.orders.cures.expediting import EXPEDITE
from apps.orders.cures.machines import MOVE
from apps.orders.cures.partners import ASSIGN
from apps.orders.cures.shortages import BORROW, RELEASE_LOT, RUN_IN_PART
from apps.orders.cures.skills import CALL
from apps.orders.cures.substitutes import SUBSTITUTE_PART

__all__ = [
    "APPLY",
    "ASSIGN",
    "BORROW",
    "CALL",
    "EXPEDITE",
    "MOVE",
    "REFUSE",
    "RELEASE_LOT",
    "RUN_IN_PART",
    "SUBSTITUTE_PART",
]
