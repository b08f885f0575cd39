"""What orders raise exceptions about."""

from apps.orders.causes.changes import ERP_CHANGE
from apps.orders.causes.shortages import SHORT

__all__ = ["ERP_CHANGE", "SHORT"]
