"""What orders raise exceptions about."""

from apps.orders.causes.changes import ERP_CHANGE
from apps.orders.causes.shortages import SHORT
from apps.orders.causes.skills import SKILL

__all__ = ["ERP_CHANGE", "SHORT", "SKILL"]
