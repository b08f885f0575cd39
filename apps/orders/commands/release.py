"""An order and its operations come into being."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.history_bulk import write_created
from apps.core.ownership import erp_authority
from apps.materials.models import Item, Location
from apps.orders.actions import MANAGE_ORDERS
from apps.orders.commands.masters import freeze_standard_work
from apps.orders.events import WorkOrderReleased
from apps.orders.models import JobMaterial, JobOrder, WorkOrder
from apps.orders.readiness import reconsider
from apps.plant.models import Site, WorkCenter, WorkUnit
from apps.workflows.life.choosing import Chooser, Facts

# What operations are among all that runs on workflows.
KIND = "job_order"


@dataclass(frozen=True, kw_only=True)
class Need:
    """`per_piece` in the item's unit."""

    item_id: int
    per_piece: Decimal


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One routing step of an order to be released; see JobOrder for what the fields mean.

    work_unit_id  None: any station of the line     erp_key  of the operation in the ERP
    """

    sequence: int
    name: str
    work_center_id: int
    work_unit_id: int | None = None
    transfer_quantity: Decimal | None = None
    is_count_point: bool = True
    needs: tuple[Need, ...] = ()
    erp_key: str = ""


@dataclass(frozen=True)
class OrderSteps:
    """The operations that an order gets, at least one, behind `after`."""

    order: WorkOrder
    steps: list[Operation]
    after: JobOrder | None = None


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
    item_id: int | None = None,
    receipt_location_id: int | None = None,
    over_delivery_percent: Decimal = Decimal(0),
    customer: str = "",
    priority: int = 5,
    erp_key: str = "",
    erp_version: str = "",
) -> Released:
    """Makes the order and its operations, in a row; each is ready as soon as pieces and material allow.

    Each runs by the standard work in force now, if there is any for its item and name.

    With an `erp_key` ("production,17") it is the ERP's order, and only the ERP sync makes it.

    Refused: order_exists, no_operations, no_count_point, no_workflow, erp_owned.
    """
    with erp_authority(context) if erp_key else nullcontext():
        jobs = _made(
            context,
            operations,
            site=Site.objects.get(pk=site_id),
            number=number,
            item_code=item_code,
            item_name=item_name,
            item=Item.objects.get(pk=item_id) if item_id else None,
            receipt_location=Location.objects.get(pk=receipt_location_id, site=site_id)
            if receipt_location_id
            else None,
            quantity=quantity,
            over_delivery_percent=over_delivery_percent,
            unit=unit,
            due_at=due_at,
            customer=customer,
            priority=priority,
            erp_key=erp_key,
            erp_version=erp_version,
        )
    announce_release(context, [jobs])
    return Released(work_order_id=jobs[0].work_order_id, job_order_ids=[job.pk for job in jobs])


def add_operations(context: Context, plans: Sequence[OrderSteps]) -> list[list[JobOrder]]:
    """Of each of these orders, all of one site, in a row.  The number of queries does not grow with that of orders."""
    chooser = Chooser(KIND, context.now)
    places = _places([step for plan in plans for step in plan.steps], plans[0].order.site_id)
    made: list[list[JobOrder]] = [[] for _ in plans]
    # The first of each order, then the second of each: a row has to be there before another one names it.
    for depth in range(max(len(plan.steps) for plan in plans)):
        for plan, jobs in zip(plans, made, strict=True):
            if depth < len(plan.steps):
                jobs.append(_new_job(plan, depth, chooser, places, jobs[-1] if jobs else plan.after))
        write_created([jobs[depth] for jobs in made if depth < len(jobs)], user=None)
    write_created(
        [
            JobMaterial(job_order=job, item_id=need.item_id, per_piece=need.per_piece)
            for plan, jobs in zip(plans, made, strict=True)
            for step, job in zip(plan.steps, jobs, strict=True)
            for need in step.needs
        ],
        user=None,
    )
    freeze_standard_work(plans[0].order.site_id, [job for jobs in made for job in jobs], context.now)
    return made


def announce_release(context: Context, released: Sequence[list[JobOrder]]) -> None:
    """Of each order its new operations."""
    orders = [(jobs[0].work_order, jobs) for jobs in released]
    context.record_all(
        [
            WorkOrderReleased(
                subject_id=order.pk,
                **order.story,
                quantity=order.quantity,
                job_order_ids=[job.pk for job in jobs],
            )
            for order, jobs in orders
        ]
    )
    every = [job for jobs in released for job in jobs]
    reconsider(context, *every)
    context.touch(*[topic for job in every for topic in job.topics])


def _made(context: Context, operations: list[Operation], **fields: Any) -> list[JobOrder]:
    site: Site = fields["site"]
    context.allow(MANAGE_ORDERS, at=site.scope)
    steps = sorted(operations, key=lambda operation: operation.sequence)
    _check(context, site, fields["number"], steps)
    order = WorkOrder.objects.create(**fields)
    return add_operations(context, [OrderSteps(order, steps)])[0]


def _check(context: Context, site: Site, number: str, steps: list[Operation]) -> None:
    if WorkOrder.objects.filter(site=site, number=number).exists():
        context.refuse("order_exists", _("There is an order %(number)s already.") % {"number": number})
    check_steps(context, number, steps)


def check_steps(context: Context, number: str, steps: list[Operation]) -> None:
    if not steps:
        context.refuse("no_operations", _("Order %(number)s has no operation to run.") % {"number": number})
    if not steps[-1].is_count_point:
        context.refuse("no_count_point", _("The last operation of %(number)s must count.") % {"number": number})


@dataclass(frozen=True)
class _Places:
    lines: Mapping[int, WorkCenter]
    stations: Mapping[int, WorkUnit]


def _places(steps: Collection[Operation], site_id: int) -> _Places:
    """Raises WorkCenter.DoesNotExist, WorkUnit.DoesNotExist for one that is not where the step says."""
    lines = WorkCenter.objects.filter(site_id=site_id).in_bulk({step.work_center_id for step in steps})
    stations = WorkUnit.objects.in_bulk({step.work_unit_id for step in steps if step.work_unit_id})
    for step in steps:
        if step.work_center_id not in lines:
            raise WorkCenter.DoesNotExist(step.work_center_id)
        station = stations.get(step.work_unit_id) if step.work_unit_id else None
        if step.work_unit_id and (station is None or station.work_center_id != step.work_center_id):
            raise WorkUnit.DoesNotExist(step.work_unit_id)
    return _Places(lines, stations)


def _new_job(
    plan: OrderSteps, position: int, chooser: Chooser, places: _Places, predecessor: JobOrder | None
) -> JobOrder:
    order, step = plan.order, plan.steps[position]
    line = places.lines[step.work_center_id]
    facts = Facts(order.site.code, line.code, order.item_code, order.customer, line.pk)
    return JobOrder(
        workflow_version=chooser.version_for(facts),
        site=order.site,
        work_order=order,
        sequence=step.sequence,
        name=step.name,
        work_center=line,
        work_unit=places.stations[step.work_unit_id] if step.work_unit_id else None,
        quantity=order.quantity,
        predecessor=predecessor,
        transfer_quantity=step.transfer_quantity,
        is_count_point=step.is_count_point,
        erp_key=step.erp_key,
    )
