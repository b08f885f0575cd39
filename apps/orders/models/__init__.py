from apps.orders.models.blockers import COMPUTED, Blocker, BlockerKind
from apps.orders.models.change_requests import ChangeNote, ChangeRequest, ChangeRequestStatus
from apps.orders.models.changes import ChangedField, ChangeState, PendingChange
from apps.orders.models.confirmations import Confirmation
from apps.orders.models.intervals import JobInterval, sharing
from apps.orders.models.job_orders import JobOrder
from apps.orders.models.materials import JobMaterial, MaterialRecheck
from apps.orders.models.partnerships import PartedBy, Partnership
from apps.orders.models.routing import OrderPlan, Routing, RoutingStep
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
    "COMPUTED",
    "Blocker",
    "BlockerKind",
    "ChangeNote",
    "ChangeRequest",
    "ChangeRequestStatus",
    "ChangeState",
    "ChangedField",
    "Confirmation",
    "DirectiveStep",
    "DispatchStatus",
    "Frequency",
    "JobInterval",
    "JobMaterial",
    "JobOrder",
    "MasterStatus",
    "MasterStep",
    "MaterialRecheck",
    "OrderPlan",
    "PartedBy",
    "Partnership",
    "PendingChange",
    "Routing",
    "RoutingStep",
    "StepKind",
    "StepRecord",
    "StepRemark",
    "WorkDirective",
    "WorkMaster",
    "WorkOrder",
    "sharing",
]
