from apps.orders.models.confirmations import Confirmation
from apps.orders.models.job_orders import JobOrder
from apps.orders.models.standard_work import (
    DirectiveStep,
    Frequency,
    MasterStatus,
    MasterStep,
    StepKind,
    StepRecord,
    StepRemark,
    WorkDirective,
    WorkMaster,
)
from apps.orders.models.statuses import DispatchStatus
from apps.orders.models.work_orders import WorkOrder

__all__ = [
    "Confirmation",
    "DirectiveStep",
    "DispatchStatus",
    "Frequency",
    "JobOrder",
    "MasterStatus",
    "MasterStep",
    "StepKind",
    "StepRecord",
    "StepRemark",
    "WorkDirective",
    "WorkMaster",
    "WorkOrder",
]
