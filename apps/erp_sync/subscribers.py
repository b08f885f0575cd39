"""What happens on the floor becomes postings, in its own transaction: neither is ever there without the other."""

from __future__ import annotations

from decimal import Decimal

from apps.core.commands import Context
from apps.core.events import subscribe
from apps.erp_sync import backflush
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.events import OrderDone, PostingConfirmed, order_done
from apps.erp_sync.models import Posting, PostingKind
from apps.erp_sync.projection import Projection, link_of
from apps.labor.events import ClockedOff, TimeEntryCorrected
from apps.labor.models import TimeEntry
from apps.materials.events import MaterialMoved, MovementReversed
from apps.materials.models import Lot, Movement, MovementKind
from apps.orders.consumption import lot_of
from apps.orders.events import QuantityConfirmed, QuantityReversed
from apps.orders.models import Confirmation, DispatchStatus, JobOrder, WorkOrder
from apps.orders.models.statuses import OVER
from apps.workflows.events import StateChanged

COMPONENTS = (MovementKind.ISSUE, MovementKind.RETURN)


@subscribe(StateChanged)
def tell_of_the_start_and_the_end(event: StateChanged, context: Context) -> None:
    if event.item_kind != "job_order" or event.to_status not in {DispatchStatus.RUNNING, *OVER}:
        return
    link = link_of(event.site_id)
    if link is None:
        return
    job = JobOrder.objects.select_related("work_order__item").get(pk=event.subject_id)
    projection = Projection.for_order(context, job.work_order, link)
    if projection is None:
        return
    if event.to_status == DispatchStatus.RUNNING:
        if not projection.has_started():
            projection.start(backflush.lots_to_start_with(projection) if projection.policy.backflushed else ())
        return
    # An order that nobody has started is none of the ERP's business: it stays released there.
    if event.to_status == DispatchStatus.CLOSED or not projection.has_started():
        return
    projection.cycle(job, final=True)
    # Two operations that end at the same moment do not see each other: apps.erp_sync.tasks looks again.
    if not job.work_order.job_orders.exclude(status__in=OVER).exists():
        context.record(order_done(job.work_order))


@subscribe(OrderDone)
def tell_of_the_end(event: OrderDone, context: Context) -> None:
    order = WorkOrder.objects.select_related("item").get(pk=event.subject_id)
    projection = Projection.for_order(context, order)
    if projection is not None:
        _close(projection)


@subscribe(PostingConfirmed)
def catch_up_with_the_start(event: PostingConfirmed, context: Context) -> None:
    """What happened before the ERP had started the order, or while it did not answer."""
    if event.posting != PostingKind.START:
        return
    posting = Posting.objects.select_related("work_order__item").get(pk=event.subject_id)
    projection = Projection.for_order(context, posting.work_order)
    if projection is None or not projection.policy.backflushed:
        return
    if posting.work_order.job_orders.exclude(status__in=OVER).exists():
        backflush.level_all(projection, give_back=False)
    else:
        _close(projection)


def _close(projection: Projection) -> None:
    """The last word on an order, once it is known what its start has consumed."""
    order = projection.order
    if projection.policy.backflushed:
        if not backflush.is_known(order):
            return
        backflush.level_all(projection, give_back=True)
    if projection.has_finished():
        return
    for job in order.job_orders.exclude(pk__in=projection.timed()).order_by("sequence"):
        projection.cycle(job, final=True)
    projection.finish()


@subscribe(QuantityConfirmed)
def tell_of_a_booking(event: QuantityConfirmed, context: Context) -> None:
    """Time by policy; scrap, and good pieces that no movement puts on stock, each as what they are."""
    link = link_of(event.site_id)
    if link is None:
        return
    job = JobOrder.objects.select_related("work_order__item").get(pk=event.subject_id)
    projection = Projection.for_order(context, job.work_order, link)
    if projection is None:
        return
    order, unit = job.work_order, job.work_order.unit
    confirmation = Confirmation.objects.select_related("scrap_reason").get(pk=event.confirmation_id)
    if event.booked_by_id is None:
        counts = {"good": erp.Quantity(event.good, unit), "scrap": erp.Quantity(event.scrap, unit)}
        projection.cycle(job, final=False, **counts)
    item_key = order.item.erp_key if order.item else ""
    by_movement = order.item is not None and order.receipt_location_id is not None
    if event.good and not by_movement and not JobOrder.objects.filter(predecessor=job).exists():
        quantity = erp.Quantity(event.good, unit)
        projection.move("good", erp.MoveKind.RECEIPT, item_key, quantity, confirmation=confirmation)
    if event.scrap:
        _tell_of_scrap(projection, confirmation)


def _tell_of_scrap(projection: Projection, confirmation: Confirmation) -> None:
    """Of what is kept by lot the ERP wants a lot even for a piece that never got one: the order's."""
    order, item = projection.order, projection.order.item
    if order.item_id is not None and item is not None and item.lot_tracked:
        lot = Lot.objects.select_related("item").get(pk=lot_of(projection.context, order, item.pk))
    else:
        lot = None
    reason = confirmation.scrap_reason.code if confirmation.scrap_reason else ""
    place = projection.policy.scrap_location(reason)
    projection.move(
        "scrap",
        erp.MoveKind.SCRAP,
        item.erp_key if item else "",
        erp.Quantity(confirmation.scrap, order.unit),
        lot=lot,
        confirmation=confirmation,
        reason=reason,
        to_location=projection.ref(place) if place else None,
    )


@subscribe(ClockedOff)
def tell_of_working_time(event: ClockedOff, context: Context) -> None:
    _tell_of_time(event, context)


@subscribe(TimeEntryCorrected)
def tell_of_corrected_time(event: TimeEntryCorrected, context: Context) -> None:
    _tell_of_time(event, context)


def _tell_of_time(event: ClockedOff | TimeEntryCorrected, context: Context) -> None:
    entry = TimeEntry.objects.select_related("job_order__work_order__item").get(pk=event.subject_id)
    projection = Projection.for_order(context, entry.job_order.work_order)
    if projection is not None and entry.job_order.erp_key:
        projection.labor(entry, entry.job_order)


@subscribe(QuantityReversed)
def tell_of_an_undone_booking(event: QuantityReversed, context: Context) -> None:
    """Time that was spent stays spent."""
    job = JobOrder.objects.select_related("work_order__item").get(pk=event.subject_id)
    projection = Projection.for_order(context, job.work_order)
    told = Posting.objects.filter(confirmation_id=event.reverses_id, kind=PostingKind.MOVE).order_by("pk")
    for posting in told if projection else []:
        _take_back(projection, posting)


@subscribe(MaterialMoved)
def tell_of_a_movement(event: MaterialMoved, context: Context) -> None:
    projection = Projection.for_thread(context, event.thread)
    if projection is None or event.movement == MovementKind.TRANSFER:
        return
    rows = Movement.objects.select_related("item__unit", "unit", "lot__item", "from_location", "to_location", "reason")
    movement = rows.get(pk=event.subject_id)
    if projection.policy.backflushed and movement.kind in COMPONENTS:
        if movement.kind == MovementKind.ISSUE:
            backflush.level(projection, movement)
        return
    is_output = movement.kind == MovementKind.RECEIPT or movement.item_id == projection.order.item_id
    is_order_s = movement.kind in COMPONENTS or is_output
    source, target = movement.from_location, movement.to_location
    projection.move(
        movement.kind,
        erp.MoveKind(movement.kind),
        movement.item.erp_key,
        erp.Quantity(movement.quantity, movement.unit.code),
        lot=movement.lot,
        movement=movement,
        reason=movement.reason.code if movement.reason else "",
        from_location=projection.ref(source.erp_key) if source and source.erp_key else None,
        to_location=projection.ref(target.erp_key) if target and target.erp_key else None,
        order=projection.order_ref if is_order_s else None,
    )


@subscribe(MovementReversed)
def tell_of_an_undone_movement(event: MovementReversed, context: Context) -> None:
    """Components that the ERP consumes itself are levelled at the finish instead."""
    projection = Projection.for_thread(context, event.thread)
    if projection is None or (projection.policy.backflushed and event.movement in COMPONENTS):
        return
    told = Posting.objects.filter(movement_id=event.reverses_id, kind=PostingKind.MOVE).first()
    if told is not None:
        _take_back(projection, told, movement=Movement.objects.get(pk=event.subject_id))


def _take_back(projection: Projection | None, told: Posting, movement: Movement | None = None) -> None:
    if projection is None:
        return
    item = told.payload["item"]
    quantity = erp.Quantity(Decimal(told.payload["quantity"]["value"]), told.payload["quantity"]["unit"])
    projection.move(
        f"undo:{told.pk}",
        erp.MoveKind.REVERSAL,
        f"{item['type']},{item['id']}",
        quantity,
        reverses=told,
        **({"movement": movement} if movement else {}),
    )
