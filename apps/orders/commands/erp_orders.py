"""Work orders as the ERP sends them: made from routing and parts list, or changed as far as that is still possible.

Before anything has begun every change is taken. Afterwards due date, priority, number and customer are; another
quantity, routing or parts list, or a cancellation, waits for somebody to decide (see decisions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.history_bulk import write_created
from apps.core.ownership import erp_authority
from apps.materials.commands.erp_rows import Outcome, Rejected, Report, Row
from apps.materials.commands.rows import alone_with, found
from apps.materials.commands.upsert import check_size, comes_from_erp
from apps.materials.conversion import CannotConvert, convert
from apps.materials.models import Item
from apps.orders.actions import MANAGE_ORDERS
from apps.orders.commands.changing import change, has_begun, is_cancelled, locked_jobs, replace_operations, save
from apps.orders.commands.decisions import ask, withdraw
from apps.orders.commands.erp_known import Known
from apps.orders.commands.erp_rows import CommitDateRow, WorkOrderRow
from apps.orders.commands.operations import are_placed, place_operations, placed
from apps.orders.commands.planning import Plan
from apps.orders.commands.release import Operation, OrderSteps, add_operations, announce_release, check_steps
from apps.orders.commands.row_by_row import Taken, take_each
from apps.orders.events import WorkOrderChanged
from apps.orders.models import ChangedField, JobOrder, OrderPlan, WorkOrder
from apps.plant.models import Person, Site


@command("orders.take_work_orders")
def take_work_orders(
    context: Context, *, site_id: int, rows: list[WorkOrderRow], all_or_none: bool = False, dry_run: bool = False
) -> Report:
    """Refused: erp_owned, row_count."""
    delivery = _Orders(context, _start(context, site_id, rows), rows)
    return take_each(
        rows, delivery.take, look=delivery.look, make=delivery.make, all_or_none=all_or_none, dry_run=dry_run
    )


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


@dataclass(frozen=True)
class _New:
    """An order that is not here yet; nothing of it is written."""

    order: WorkOrder
    plan: Plan
    steps: list[Operation]


class _Orders:
    """One delivery of orders: how take_each takes them."""

    def __init__(self, context: Context, site: Site, rows: Sequence[WorkOrderRow]) -> None:
        self.context, self.site, self.known = context, site, Known(site, rows)

    def look(self, row: WorkOrderRow) -> Taken | _New | None:
        """What has to be locked is left to `take`, and what hangs on the rows before."""
        order = self.known.orders.get(row.erp_key)
        in_use = row.number in self.known.numbers
        self.known.numbers.add(row.number)
        if order is None:
            if row.cancelled:
                return Outcome.UNCHANGED, None
            return None if in_use else self._draft(row)
        if order.site_id != self.site.pk:
            return None
        if _is_stale(order, row):
            return Outcome.STALE, order.pk
        return (Outcome.UNCHANGED, order.pk) if self._is_as_it_was(order, row) else None

    def take(self, row: WorkOrderRow) -> Taken:
        context, order = self.context, _known(self.site, row)
        if order is None:
            draft = self._draft(row)
            _check_number(draft.order)
            return Outcome.CREATED, self.make([draft])[0]
        jobs = locked_jobs(order)
        if is_cancelled({job.status for job in jobs}):
            if not row.cancelled:
                raise Rejected("cancelled", _("This order was cancelled. Send a new one."))
            return Outcome.UNCHANGED, order.pk
        changed = _update(context, self.known, order, jobs, row)
        return (Outcome.UPDATED if changed else Outcome.UNCHANGED), order.pk

    def make(self, drafts: Sequence[_New]) -> list[int]:
        context, orders = self.context, [draft.order for draft in drafts]
        user = Person(pk=context.actor.person_id)
        with erp_authority(context):
            write_created(orders, user=user)
            plans = [OrderPlan(work_order=new.order, routing=new.plan.routing, bom=new.plan.bom) for new in drafts]
            write_created(plans, user=user)
            jobs = add_operations(context, [OrderSteps(new.order, new.steps) for new in drafts])
        announce_release(context, jobs)
        return [order.pk for order in orders]

    def _draft(self, row: WorkOrderRow) -> _New:
        item = self.known.item(row.item)
        plan = self.known.plan(item, row.routing, row.bom)
        order = WorkOrder(site=self.site, erp_key=row.erp_key, quantity=_quantity(self.known, row, item))
        for name, value in _sent(self.known, row, item).items():
            setattr(order, name, value)
        order.erp_version, order.erp_version_at = row.version, row.version_at
        _check(order)
        steps = placed(self.known.steps(plan), row.operations, self.known.stations(row))
        check_steps(self.context, order.number, steps)
        return _New(order, plan, steps)

    def _is_as_it_was(self, order: WorkOrder, row: WorkOrderRow) -> bool:
        if is_cancelled(self.known.statuses[order.pk]):
            return row.cancelled
        if row.cancelled or order.pk in self.known.to_be_decided or _is_other_version(order, row):
            return False
        item = self.known.item(row.item)
        if _other_fields(order, _sent(self.known, row, item)):
            return False
        if row.operations and not are_placed(self.known.jobs[order.pk], row.operations, self.known.stations(row)):
            return False
        return not _wanted(self.known, order, self.known.made_from.get(order.pk), row, item)


def _sent(known: Known, row: WorkOrderRow, item: Item) -> dict[str, Any]:
    """What of the order is taken at once, whatever has begun: all but the quantity and how it is made."""
    place = {"receipt_location_id": known.place(row.receipt_location).pk} if row.receipt_location else {}
    return place | {
        "number": row.number,
        "due_at": row.due_at,
        "priority": row.priority,
        "customer": row.customer,
        "item_id": item.pk,
        "item_code": item.code,
        "item_name": item.name,
        "unit": item.unit.code,
    }


def _other_fields(order: WorkOrder, sent: Mapping[str, Any]) -> list[str]:
    return [name for name, value in sent.items() if getattr(order, name) != value]


def _quantity(known: Known, row: WorkOrderRow, item: Item) -> Decimal:
    """In the item's unit."""
    if not row.quantity > 0:
        raise Rejected("quantity", _("It has to be more than zero."))
    if not row.unit:
        return row.quantity
    try:
        return convert(row.quantity, known.unit(row.unit), item.unit, item)
    except CannotConvert as error:
        raise Rejected("unit", str(error)) from error


def _check(order: WorkOrder) -> None:
    if not 1 <= order.priority <= 9:
        raise Rejected("priority", _("It lies between 1 and 9."))
    try:
        order.clean_fields(exclude=["site", "item", "receipt_location"])
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Rejected(name, " ".join(messages)) from error


def _check_number(order: WorkOrder) -> None:
    twins = WorkOrder.objects.filter(site_id=order.site_id, number=order.number).exclude(pk=order.pk)
    if twins.exists():
        raise Rejected("number", _("There is an order %(number)s already.") % {"number": order.number})


# ---- one that is here


def _update(context: Context, known: Known, order: WorkOrder, jobs: list[JobOrder], row: WorkOrderRow) -> bool:
    """Whether anything is different now, or waits to be decided."""
    begun = has_begun(jobs)
    if row.cancelled:
        wanted = {ChangedField.CANCELLED: ("false", "true")}
        changed = _want(context, order, wanted, begun=begun)
        _put_version(context, order, row)
        return changed
    item = known.item(row.item)
    other_item = item.pk != order.item_id
    if other_item and begun:
        raise Rejected("item", _("Order %(number)s has begun: its item stays.") % {"number": order.number})
    changed = _fill_changed(context, known, order, row, item)
    if other_item:
        _remake(context, known, order, row, item)
    made_from = OrderPlan.objects.filter(work_order=order).select_related("routing", "bom").first()
    changed |= _want(context, order, _wanted(known, order, made_from, row, item), begun=begun)
    changed |= place_operations(context, order, row.operations, known.stations(row))
    _put_version(context, order, row)
    return changed


def _fill_changed(context: Context, known: Known, order: WorkOrder, row: WorkOrderRow, item: Item) -> bool:
    sent = _sent(known, row, item)
    fields = _other_fields(order, sent)
    if not fields:
        return False
    for name in fields:
        setattr(order, name, sent[name])
    _check(order)
    _check_number(order)
    with erp_authority(context):
        save(context, order)
    context.record(WorkOrderChanged(subject_id=order.pk, **order.story, fields=fields))
    for job in locked_jobs(order):
        context.touch(*job.topics)
    return True


def _remake(context: Context, known: Known, order: WorkOrder, row: WorkOrderRow, item: Item) -> None:
    plan = known.plan(item, row.routing, row.bom)
    made_from = OrderPlan.objects.filter(work_order=order).first() or OrderPlan(work_order=order)
    made_from.routing, made_from.bom = plan.routing, plan.bom
    save(context, made_from)
    replace_operations(context, order, plan)


def _wanted(
    known: Known, order: WorkOrder, made_from: OrderPlan | None, row: WorkOrderRow, item: Item
) -> dict[ChangedField, tuple[str, str]]:
    """What is to be different, as (old, new)."""
    wanted: dict[ChangedField, tuple[str, str]] = {}
    quantity = _quantity(known, row, item)
    if quantity != order.quantity:
        wanted[ChangedField.QUANTITY] = (_text(order.quantity), _text(quantity))
    if made_from is None or not (row.routing or row.bom):
        return wanted
    bom_key = made_from.bom.erp_key if made_from.bom else ""
    plan = known.plan(item, row.routing or made_from.routing.erp_key, row.bom or bom_key)
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
    if not _is_other_version(order, row):
        return
    version, at = _version(order, row)
    with erp_authority(context):
        WorkOrder.objects.filter(pk=order.pk).update(erp_version=version, erp_version_at=at)
    order.erp_version, order.erp_version_at = version, at


def _version(order: WorkOrder, row: Row) -> tuple[str, datetime | None]:
    """As it will be; a version without a time does not take the time away."""
    return row.version, row.version_at or order.erp_version_at


def _is_other_version(order: WorkOrder, row: Row) -> bool:
    return (order.erp_version, order.erp_version_at) != _version(order, row)


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
                **order.story,
                fields=["due_at"],
            )
        )
        for job in order.job_orders.all():
            context.touch(*job.topics)
    _put_version(context, order, row)
    return (Outcome.UPDATED if changed else Outcome.UNCHANGED), order.pk
