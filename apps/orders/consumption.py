"""What a booking does to the stock: its material is used up, its pieces come on stock; undone with the booking."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from apps.core.commands import Context
from apps.core.numbers import plain
from apps.materials.commands import ensure_lot, issue, receive, reverse_movement
from apps.materials.commands.movements import Purposed
from apps.materials.models import Movement, MovementKind
from apps.materials.queries import StockLine, first_expired
from apps.orders.models import Confirmation, JobMaterial, JobOrder, WorkOrder

FOR_CONFIRMATION = "confirmation"


def use_material(context: Context, job: JobOrder, confirmation: Confirmation) -> None:
    """Takes what the pieces needed, from what expires first. Refused when there is not enough."""
    pieces = confirmation.good + confirmation.scrap
    for need in job.needs:
        for line, quantity in _picked(context, job, need, need.per_piece * pieces):
            issue.within(
                context.consequence(),
                item_id=need.item_id,
                quantity=quantity,
                from_location_id=line.location_id,
                lot_id=line.lot_id,
                work_center_id=job.work_center_id,
                purpose=purpose_of(job, confirmation),
            )


def receive_pieces(context: Context, job: JobOrder, confirmation: Confirmation) -> None:
    """The good pieces of the last operation come on stock, in one lot per order where the item is kept by lot."""
    order = job.work_order
    if order.item_id is None or order.receipt_location_id is None or not confirmation.good:
        return
    if JobOrder.objects.filter(predecessor=job).exists():
        return
    lot_id: int | None = None
    used: tuple[int, ...] = ()
    if order.item is not None and order.item.lot_tracked:
        lot_id, used = lot_of(context, order, order.item.pk), _unlinked_issues(job)
    receive.within(
        context.consequence(),
        item_id=order.item_id,
        quantity=confirmation.good,
        to_location_id=order.receipt_location_id,
        lot_id=lot_id,
        work_center_id=job.work_center_id,
        consumed_movement_ids=used,
        purpose=purpose_of(job, confirmation),
    )


def lot_of(context: Context, order: WorkOrder, item_id: int) -> int:
    """The lot that an order's pieces are of: the one of its first receipt, whatever else bears the number since."""
    first = Movement.objects.filter(thread=order.thread, kind=MovementKind.RECEIPT, item=item_id).order_by("pk")
    known = first.values_list("lot_id", flat=True).first()
    if known is not None:
        return known
    consequence = context.consequence()
    return ensure_lot.within(consequence, item_id=item_id, number=order.number, site_id=order.site_id).lot_id


def undo(context: Context, confirmation: Confirmation, *, reason_id: int) -> None:
    """Receipts first: what was made can't lie on stock without what it was made of."""
    booked = Movement.objects.standing().made_for(FOR_CONFIRMATION, confirmation.pk)
    for movement in sorted(booked, key=lambda m: (m.kind != MovementKind.RECEIPT, m.pk)):
        reverse_movement.within(context.consequence(), movement_id=movement.pk, reason_id=reason_id)


def purpose_of(job: JobOrder, confirmation: Confirmation) -> Purposed:
    return Purposed(for_kind=FOR_CONFIRMATION, for_id=str(confirmation.pk), thread=job.work_order.thread)


def _picked(context: Context, job: JobOrder, need: JobMaterial, quantity: Decimal) -> list[tuple[StockLine, Decimal]]:
    """First expired, first out; then the older lot."""
    picked, missing = [], quantity
    for line, _lot in first_expired(job.site_id, need.item_id):
        taken = min(missing, line.quantity)
        if taken > 0:
            picked.append((line, taken))
            missing -= taken
    if missing:
        context.refuse(
            "material_short",
            _("%(missing)s %(unit)s of %(item)s are missing for this. Book fewer, or get material.")
            % {"missing": plain(missing), "unit": need.item.unit.code, "item": need.item.code},
            _("The warehouse can bring it."),
            item_id=need.item_id,
            missing=str(missing),
        )
    return picked


def _unlinked_issues(job: JobOrder) -> tuple[int, ...]:
    """Issues with a lot, of all operations of the order, that have gone into no lot yet."""
    issues = Movement.objects.standing().filter(
        kind=MovementKind.ISSUE, thread=job.work_order.thread, lot__isnull=False, links=None
    )
    return tuple(issues.values_list("pk", flat=True))
