"""Work orders as the ERP sends them: made from routing and parts list, or changed as far as that is still possible.

Before anything has begun every change is taken. Afterwards due date, priority, number and customer are; another
quantity, routing or parts list, or a cancellation, waits for somebody to decide (see decisions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.ownership import erp_authority
from apps.materials.commands.erp_rows import Outcome, Rejected, Report, Row
from apps.materials.commands.rows import alone_with, found
from apps.materials.commands.upsert import check_size, comes_from_erp
from apps.materials.conversion import CannotConvert, convert
from apps.materials.models import Item, Location, Unit
from apps.orders.actions import MANAGE_ORDERS
from apps.orders.commands.changing import change, has_begun, is_cancelled, locked_jobs, replace_operations, save
from apps.orders.commands.decisions import ask, withdraw
from apps.orders.commands.operations import OrderOperationRow, place_operations, placed
from apps.orders.commands.planning import Plan, operations_of, plan_for
from apps.orders.commands.release import add_operations, announce_release, check_steps
from apps.orders.commands.row_by_row import Taken, take_each
from apps.orders.events import WorkOrderChanged
from apps.orders.models import ChangedField, JobOrder, OrderPlan, WorkOrder
from apps.plant.models import Site


@dataclass(frozen=True, kw_only=True)
class WorkOrderRow(Row):
    """`unit` empty: the item's own. `routing` and `bom` empty: the only ones in use; of an order here: as it has.

    receipt_location  where the pieces go to; empty: they come on no stock of ours
    operations        keys and stations of the order's own operations; those not named run as the routing says
    """

    number: str
    item: str
    quantity: Decimal
    unit: str = ""
    due_at: datetime | None
    priority: int = 5
    customer: str = ""
    routing: str = ""
    bom: str = ""
    cancelled: bool = False
    receipt_location: str = ""
    operations: tuple[OrderOperationRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommitDateRow(Row):
    """`erp_key` is the order's."""

    due_at: datetime


@command("orders.take_work_orders")
def take_work_orders(
    context: Context, *, site_id: int, rows: list[WorkOrderRow], all_or_none: bool = False, dry_run: bool = False
) -> Report:
    """Refused: erp_owned, row_count."""
    site = _start(context, site_id, rows)
    return take_each(rows, lambda row: _take(context, site, row), all_or_none=all_or_none, dry_run=dry_run)


@command("orders.take_commit_dates")
def take_commit_dates(
    context: Context, *, site_id: int, rows: list[CommitDateRow], all_or_none: bool = False, dry_run: bool = False
) -> Report:
    """Refused: erp_owned, row_count."""
    site = _start(context, site_id, rows)
    return take_each(rows, lambda row: _take_date(context, site, row), all_or_none=all_or_none, dry_run=dry_run)


def _start(context: Context, site_id: int, rows: Sequence[Row]) -> Site:
    site = found(context, Site.objects.all(), site_id)
    context.allow(MANAGE_ORDERS, at=site.scope)
    check_size(context, rows)
    if not comes_from_erp(context):
        context.refuse("erp_owned", _("Only the ERP changes this."))
    alone_with("work_orders", site.pk)
    return site


def _known(site: Site, row: Row) -> WorkOrder | None:
    order = WorkOrder.objects.select_for_update(of=("self",)).filter(erp_key=row.erp_key).first()
    if order is not None and order.site_id != site.pk:
        raise Rejected("erp_key", _("This order is known at another site."))
    return order


def _is_stale(order: WorkOrder, row: Row) -> bool:
    return bool(row.version_at and order.erp_version_at and row.version_at < order.erp_version_at)


def _take(context: Context, site: Site, row: WorkOrderRow) -> Taken:
    order = _known(site, row)
    if order is None:
        return (Outcome.UNCHANGED, None) if row.cancelled else _create(context, site, row)
    if _is_stale(order, row):
        return Outcome.STALE, order.pk
    jobs = locked_jobs(order)
    if is_cancelled(jobs):
        if not row.cancelled:
            raise Rejected("cancelled", _("This order was cancelled. Send a new one."))
        return Outcome.UNCHANGED, order.pk
    return (Outcome.UPDATED if _update(context, order, jobs, row) else Outcome.UNCHANGED), order.pk


# ---- a new one


def _create(context: Context, site: Site, row: WorkOrderRow) -> Taken:
    item = _item(row)
    plan = plan_for(item, site.pk, routing=row.routing, bom=row.bom)
    order = WorkOrder(site=site, erp_key=row.erp_key)
    _fill(order, row, item)
    order.quantity = _quantity(row, item)
    order.erp_version, order.erp_version_at = row.version, row.version_at
    _check(order)
    steps = placed(operations_of(plan), row.operations, site)
    check_steps(context, order.number, steps)
    with erp_authority(context):
        save(context, order)
    save(context, OrderPlan(work_order=order, routing=plan.routing, bom=plan.bom))
    with erp_authority(context):
        jobs = add_operations(context, order, steps)
    announce_release(context, order, jobs)
    return Outcome.CREATED, order.pk


def _item(row: WorkOrderRow) -> Item:
    items = Item.objects.select_related("unit").prefetch_related("units__unit")
    item = items.filter(erp_key=row.item).first() if row.item else None
    if item is None:
        raise Rejected("item", _("There is no item %(key)s here.") % {"key": row.item or "\u2013"})
    return item


def _quantity(row: WorkOrderRow, item: Item) -> Decimal:
    """In the item's unit."""
    if not row.quantity > 0:
        raise Rejected("quantity", _("It has to be more than zero."))
    if not row.unit:
        return row.quantity
    unit = Unit.objects.filter(erp_key=row.unit).first()
    if unit is None:
        raise Rejected("unit", _("There is no unit %(key)s here.") % {"key": row.unit})
    try:
        return convert(row.quantity, unit, item.unit, item)
    except CannotConvert as error:
        raise Rejected("unit", str(error)) from error


def _fill(order: WorkOrder, row: WorkOrderRow, item: Item) -> None:
    """All but the quantity."""
    order.number, order.due_at, order.priority, order.customer = row.number, row.due_at, row.priority, row.customer
    order.item, order.item_code, order.item_name, order.unit = item, item.code, item.name, item.unit.code
    order.receipt_location = _receipt_location(order, row)


def _receipt_location(order: WorkOrder, row: WorkOrderRow) -> Location | None:
    if not row.receipt_location:
        return order.receipt_location
    place = Location.objects.filter(site_id=order.site_id, erp_key=row.receipt_location).first()
    if place is None:
        raise Rejected("receipt_location", _("There is no place %(key)s here.") % {"key": row.receipt_location})
    return place


def _check(order: WorkOrder) -> None:
    if not 1 <= order.priority <= 9:
        raise Rejected("priority", _("It lies between 1 and 9."))
    twins = WorkOrder.objects.filter(site_id=order.site_id, number=order.number).exclude(pk=order.pk)
    if twins.exists():
        raise Rejected("number", _("There is an order %(number)s already.") % {"number": order.number})
    try:
        order.clean_fields(exclude=["site", "item", "receipt_location"])
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Rejected(name, " ".join(messages)) from error


# ---- one that is here


def _update(context: Context, order: WorkOrder, jobs: list[JobOrder], row: WorkOrderRow) -> bool:
    """Whether anything is different now, or waits to be decided."""
    begun = has_begun(jobs)
    if row.cancelled:
        wanted = {ChangedField.CANCELLED: ("false", "true")}
        changed = _want(context, order, wanted, begun=begun)
        _put_version(context, order, row)
        return changed
    item = _item(row)
    other_item = item.pk != order.item_id
    if other_item and begun:
        raise Rejected("item", _("Order %(number)s has begun: its item stays.") % {"number": order.number})
    changed = _fill_changed(context, order, row, item)
    if other_item:
        _remake(context, order, row, item)
    changed |= _want(context, order, _wanted(order, row, item), begun=begun)
    changed |= place_operations(context, order, row.operations)
    _put_version(context, order, row)
    return changed


def _fill_changed(context: Context, order: WorkOrder, row: WorkOrderRow, item: Item) -> bool:
    names = ["number", "due_at", "priority", "customer", "item_id", "item_code", "item_name", "unit"]
    names += ["receipt_location_id"]
    before = {name: getattr(order, name) for name in names}
    _fill(order, row, item)
    fields = [name for name in names if getattr(order, name) != before[name]]
    if not fields:
        return False
    _check(order)
    with erp_authority(context):
        save(context, order)
    context.record(
        WorkOrderChanged(
            subject_id=order.pk, site_id=order.site_id, thread=order.thread, erp_reference=order.number, fields=fields
        )
    )
    for job in locked_jobs(order):
        context.touch(*job.topics)
    return True


def _remake(context: Context, order: WorkOrder, row: WorkOrderRow, item: Item) -> None:
    plan = plan_for(item, order.site_id, routing=row.routing, bom=row.bom)
    made_from = OrderPlan.objects.filter(work_order=order).first() or OrderPlan(work_order=order)
    made_from.routing, made_from.bom = plan.routing, plan.bom
    save(context, made_from)
    replace_operations(context, order, Plan(routing=plan.routing, bom=plan.bom))


def _wanted(order: WorkOrder, row: WorkOrderRow, item: Item) -> dict[ChangedField, tuple[str, str]]:
    """What is to be different, as (old, new)."""
    wanted: dict[ChangedField, tuple[str, str]] = {}
    quantity = _quantity(row, item)
    if quantity != order.quantity:
        wanted[ChangedField.QUANTITY] = (_text(order.quantity), _text(quantity))
    made_from = OrderPlan.objects.filter(work_order=order).select_related("routing", "bom").first()
    if made_from is None or not (row.routing or row.bom):
        return wanted
    bom_key = made_from.bom.erp_key if made_from.bom else ""
    plan = plan_for(item, order.site_id, routing=row.routing or made_from.routing.erp_key, bom=row.bom or bom_key)
    if plan.routing.pk != made_from.routing_id:
        wanted[ChangedField.ROUTING] = (str(made_from.routing_id), str(plan.routing.pk))
    if plan.bom and plan.bom.pk != made_from.bom_id:
        wanted[ChangedField.BOM] = (str(made_from.bom_id or ""), str(plan.bom.pk))
    return wanted


def _text(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _want(context: Context, order: WorkOrder, wanted: dict[ChangedField, tuple[str, str]], *, begun: bool) -> bool:
    changed = withdraw(context, order, [field for field in ChangedField if field not in wanted])
    for field, (old, new) in wanted.items():
        if begun:
            changed |= ask(context, order, field, old=old, new=new)
        else:
            change(context, order, field, new, source=context.actor.agent)
            changed = True
    return changed


def _put_version(context: Context, order: WorkOrder, row: Row) -> None:
    """A version without a time does not take the time away."""
    at = row.version_at or order.erp_version_at
    if (order.erp_version, order.erp_version_at) == (row.version, at):
        return
    with erp_authority(context):
        WorkOrder.objects.filter(pk=order.pk).update(erp_version=row.version, erp_version_at=at)
    order.erp_version, order.erp_version_at = row.version, at


def _take_date(context: Context, site: Site, row: CommitDateRow) -> Taken:
    order = _known(site, row)
    if order is None:
        raise Rejected("erp_key", _("There is no order %(key)s here.") % {"key": row.erp_key})
    if _is_stale(order, row):
        return Outcome.STALE, order.pk
    changed = order.due_at != row.due_at
    if changed:
        order.due_at = row.due_at
        with erp_authority(context):
            save(context, order)
        context.record(
            WorkOrderChanged(
                subject_id=order.pk,
                site_id=order.site_id,
                thread=order.thread,
                erp_reference=order.number,
                fields=["due_at"],
            )
        )
        for job in order.job_orders.all():
            context.touch(*job.topics)
    _put_version(context, order, row)
    return (Outcome.UPDATED if changed else Outcome.UNCHANGED), order.pk
