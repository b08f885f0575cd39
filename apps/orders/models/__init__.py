from apps.orders.models.confirmations import Confirmation
from apps.orders.models.intervals import JobInterval, sharing
from apps.orders.models.job_orders import JobOrder
from apps.orders.models.statuses import DispatchStatus
from apps.orders.models.work_orders import WorkOrder

__all__ = ["Confirmation", "DispatchStatus", "JobInterval", "JobOrder", "WorkOrder", "sharing"]
