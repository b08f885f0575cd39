"""What orders raise exceptions about."""

from apps.orders.causes.changes import ERP_CHANGE
from apps.orders.causes.shortages import SHORT
from apps.orders.causes.skills import SKILL
from apps.orders.causes.stopped import STOPPED_JOB

__all__ = ["ERP_CHANGE", "SHORT", "SKILL", "STOPPED_JOB"]
