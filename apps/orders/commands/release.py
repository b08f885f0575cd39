"""An order and its operations come into being."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.orders.actions import MANAGE_ORDERS
from apps.orders.commands.masters import freeze_standard_work
from apps.orders.events import WorkOrderReleased
from apps.orders.models import JobOrder, WorkOrder
from apps.plant.models import Site, WorkCenter, WorkUnit
from apps.workflows.engine import fire
from apps.workflows.models import Version

# The shipped workflow that operations run on, and the edge that the system takes when there is something to work on.
WORKFLOW = "job_order"
MAKE_READY = "make_ready"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One routing step of an order to be released. `work_unit_id` None: any station of the line."""

    sequence: int
    name: str
    work_center_id: int
    work_unit_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Released:
    work_order_id: int
    job_order_ids: list[int]


@command("orders.release_work_order")
def release_work_order(
    context: Context,
    *,
    site_id: int,
    number: str,
    item_code: str,
    item_name: str,
    quantity: Decimal,
    unit: str,
    due_at: datetime | None,
    operations: list[Operation],
    customer: str = "",
    priority: int = 5,
) -> Released:
    """Makes the order and its operations; the first of them is ready, the others wait for what it makes.

    Each runs by the standard work in force now, if there is any for its item and name.
    """
    site = Site.objects.get(pk=site_id)
    context.allow(MANAGE_ORDERS, at=site.scope)
    if WorkOrder.objects.filter(site=site, number=number).exists():
        context.refuse("order_exists", _("There is an order %(number)s already.") % {"number": number})
    if not operations:
        context.refuse("no_operations", _("Order %(number)s has no operation to run.") % {"number": number})
    order = WorkOrder.objects.create(
        site=site,
        number=number,
        item_code=item_code,
        item_name=item_name,
        quantity=quantity,
        unit=unit,
        due_at=due_at,
        customer=customer,
        priority=priority,
    )
    version = Version.objects.in_force(at=context.now).filter(workflow__code=WORKFLOW).first()
    if version is None:
        context.refuse(
            "no_workflow",
            _("No workflow for operations is published."),
            _("A process engineer publishes one in the admin."),
        )
    jobs = [_new_job(order, operation, version) for operation in sorted(operations, key=lambda o: o.sequence)]
    for job in jobs:
        freeze_standard_work(job, context.now)
    context.record(
        WorkOrderReleased(
            subject_id=order.pk,
            site_id=site.pk,
            thread=order.thread,
            erp_reference=number,
            quantity=quantity,
            job_order_ids=[job.pk for job in jobs],
        )
    )
    fire(context, JobOrder, jobs[0].pk, MAKE_READY, as_system=True)
    for job in jobs:
        context.touch(*job.topics)
    return Released(work_order_id=order.pk, job_order_ids=[job.pk for job in jobs])


def _new_job(order: WorkOrder, operation: Operation, version: Version) -> JobOrder:
    line = WorkCenter.objects.get(pk=operation.work_center_id, site_id=order.site_id)
    station = WorkUnit.objects.get(pk=operation.work_unit_id, work_center=line) if operation.work_unit_id else None
    return JobOrder.objects.create(
        workflow_version=version,
        site_id=order.site_id,
        work_order=order,
        sequence=operation.sequence,
        name=operation.name,
        work_center=line,
        work_unit=station,
        quantity=order.quantity,
    )
