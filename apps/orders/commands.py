"""Everything that can be done to an order on the floor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.numbers import plain
from apps.orders.actions import CONFIRM, MANAGE_ORDERS
from apps.orders.events import QuantityConfirmed, WorkOrderReleased
from apps.orders.models import Confirmation, DispatchStatus, JobOrder, WorkOrder
from apps.plant.models import Purpose, ReasonCode, Site, WorkCenter, WorkUnit
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


@dataclass(frozen=True, kw_only=True)
class JobState:
    """Where an operation stands after a command; quantities in the unit of its work order."""

    job_order_id: int
    state: str
    status: str
    good: Decimal
    scrap: Decimal


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
    """Makes the order and its operations; the first of them is ready, the others wait for what it makes."""
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


@command("orders.take_edge")
def take_edge(context: Context, *, job_order_id: int, edge: str, inputs: dict[str, Any]) -> JobState:
    """Moves an operation along an edge of its own workflow version: start, pause, resume, complete, ..."""
    job = fire(context, JobOrder, job_order_id, edge, inputs).item
    return _state_of(job)


@command("orders.confirm_quantity")
def confirm_quantity(
    context: Context,
    *,
    job_order_id: int,
    good: Decimal,
    scrap: Decimal = Decimal(0),
    scrap_reason_id: int | None = None,
) -> JobState:
    """Books good and scrap in one act, in the unit of the work order, on a running operation."""
    job = (
        JobOrder.objects.select_related("work_order", "work_center")
        .select_for_update(of=("self",))
        .get(pk=job_order_id)
    )
    context.allow(CONFIRM, at=job.scope)
    _check_countable(context, job, good, scrap, scrap_reason_id)
    confirmation = Confirmation.objects.create(
        site_id=job.site_id,
        job_order=job,
        good=good,
        scrap=scrap,
        scrap_reason_id=scrap_reason_id if scrap else None,
        person_id=context.actor.person_id,
        terminal_id=context.actor.terminal_id,
        command_id=context.command_id,
        occurred_at=context.occurred_at,
    )
    job.good_quantity += good
    job.scrap_quantity += scrap
    job.save(update_fields=["good_quantity", "scrap_quantity"])
    context.record(
        QuantityConfirmed(
            subject_id=job.pk,
            site_id=job.site_id,
            thread=job.work_order.thread,
            erp_reference=job.work_order.number,
            confirmation_id=confirmation.pk,
            work_order_id=job.work_order_id,
            work_center_id=job.work_center_id,
            good=good,
            scrap=scrap,
            scrap_reason_id=confirmation.scrap_reason_id,
        )
    )
    context.touch(*job.topics)
    return _state_of(job)


def _check_countable(
    context: Context, job: JobOrder, good: Decimal, scrap: Decimal, scrap_reason_id: int | None
) -> None:
    if good < 0 or scrap < 0 or not good + scrap:
        context.refuse("no_quantity", _("Enter how many are good, or scrap, or both."))
    if job.status != DispatchStatus.RUNNING:
        context.refuse(
            "not_running",
            _("%(order)s operation %(sequence)s is %(status)s. Start it, then book.")
            % {"order": job.work_order.number, "sequence": job.sequence, "status": job.status_label},
            status=job.status,
        )
    if scrap and not _is_scrap_reason(scrap_reason_id):
        context.refuse("no_scrap_reason", _("Say why it is scrap: choose a reason."))
    most = job.quantity * (100 + job.work_order.over_delivery_percent) / 100
    if job.good_quantity + good > most:
        context.refuse(
            "too_many",
            _("%(total)s good would be more than the %(most)s ordered. Book at most %(rest)s good.")
            % {
                "total": plain(job.good_quantity + good),
                "most": plain(most),
                "rest": plain(max(Decimal(0), most - job.good_quantity)),
            },
            _("A planner can raise the order in the ERP."),
            booked=str(job.good_quantity),
        )


def _is_scrap_reason(reason_id: int | None) -> bool:
    return reason_id is not None and ReasonCode.objects.choosable(Purpose.SCRAP).filter(pk=reason_id).exists()


def _state_of(job: JobOrder) -> JobState:
    return JobState(
        job_order_id=job.pk, state=job.state, status=job.status, good=job.good_quantity, scrap=job.scrap_quantity
    )
