"""An ERP that consumes the planned components at order start: told which lots, then levelled with what was used."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from apps.erp_sync import payloads
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import Posting, PostingKind, PostingState
from apps.erp_sync.projection import Projection
from apps.materials.models import Item, Lot, Movement, MovementKind
from apps.materials.queries import stock
from apps.orders.models import JobMaterial, WorkOrder

# Item and lot, by our ids.
Part = tuple[int, int | None]


def planned(order: WorkOrder) -> dict[Item, Decimal]:
    """What the order needs for the ordered quantity, in the items' units."""
    total: defaultdict[Item, Decimal] = defaultdict(Decimal)
    needs = JobMaterial.objects.filter(job_order__work_order=order).select_related("item__unit", "job_order")
    for need in needs:
        total[need.item] += need.per_piece * need.job_order.quantity
    return dict(total)


def lots_to_start_with(projection: Projection) -> tuple[erp.ComponentLot, ...]:
    """For what is kept by lot: first expired, first out. An item of which there is too little is left to the ERP."""
    parts: list[erp.ComponentLot] = []
    for item, quantity in planned(projection.order).items():
        if item.lot_tracked and item.erp_key:
            parts += _picked(projection, item, quantity)
    return tuple(parts)


def level(projection: Projection, movement: Movement) -> None:
    """Posts what the floor has issued beyond what the ERP has consumed."""
    part = (movement.item_id, movement.lot_id)
    over = _issued(projection.order)[part] - _consumed(projection)[part]
    if over > 0:
        projection.move(
            "issue",
            erp.MoveKind.ISSUE,
            movement.item.erp_key,
            erp.Quantity(over, movement.item.unit.code),
            lot=movement.lot,
            movement=movement,
        )


def settle(projection: Projection) -> None:
    """Before the finish: what the ERP has consumed and the floor has not goes back."""
    issued, consumed = _issued(projection.order), _consumed(projection)
    for item_id, lot_id in sorted(consumed, key=lambda part: (part[0], part[1] or 0)):
        left = consumed[item_id, lot_id] - issued[item_id, lot_id]
        if left > 0:
            item = Item.objects.select_related("unit").get(pk=item_id)
            lot = Lot.objects.filter(pk=lot_id).first() if lot_id else None
            quantity = erp.Quantity(left, item.unit.code)
            projection.move(f"return:{item_id}:{lot_id or ''}", erp.MoveKind.RETURN, item.erp_key, quantity, lot=lot)


def _picked(projection: Projection, item: Item, quantity: Decimal) -> list[erp.ComponentLot]:
    lines = [line for line in stock(projection.order.site_id, item.pk) if line.usable and line.quantity > 0]
    lots = Lot.objects.in_bulk([line.lot_id for line in lines if line.lot_id])
    lines = [line for line in lines if line.lot_id in lots and lots[line.lot_id].erp_key]
    lines.sort(key=lambda line: (str(lots[line.lot_id or 0].expires_on or "9999"), line.lot_id, line.location_id))
    taken: defaultdict[Lot, Decimal] = defaultdict(Decimal)
    for line in lines:
        take = min(quantity - sum(taken.values(), Decimal(0)), line.quantity)
        if take > 0:
            taken[lots[line.lot_id or 0]] += take
    if sum(taken.values(), Decimal(0)) != quantity:
        return []
    return [
        erp.ComponentLot(
            projection.ref(item.erp_key), projection.ref(lot.erp_key), erp.Quantity(amount, item.unit.code)
        )
        for lot, amount in taken.items()
    ]


def _issued(order: WorkOrder) -> defaultdict[Part, Decimal]:
    total: defaultdict[Part, Decimal] = defaultdict(Decimal)
    for movement in Movement.objects.standing().filter(thread=order.thread):
        if movement.kind == MovementKind.ISSUE:
            total[movement.item_id, movement.lot_id] += movement.stock_quantity
        elif movement.kind == MovementKind.RETURN:
            total[movement.item_id, movement.lot_id] -= movement.stock_quantity
    return total


def _consumed(projection: Projection) -> defaultdict[Part, Decimal]:
    """By the start, and by our own postings since; what a person has skipped is not in the ERP."""
    total: defaultdict[Part, Decimal] = defaultdict(Decimal)
    order = projection.order
    told = Posting.objects.filter(work_order=order).exclude(state=PostingState.SKIPPED).order_by("pk")
    start = told.filter(kind=PostingKind.START).first()
    items = {projection.ref(item.erp_key).id: item.pk for item in Item.objects.exclude(erp_key="")}
    lots = {projection.ref(lot.erp_key).id: lot.pk for lot in _lots_of(order)}
    if start is not None:
        content = payloads.load(start)
        by_lot = content.lots if isinstance(content, erp.OrderStatePosting) else ()
        for chosen in by_lot:
            lot = lots.get(chosen.lot.id) if chosen.lot else None
            total[items[chosen.item.id], lot] += chosen.quantity.value
        named = {items[chosen.item.id] for chosen in by_lot}
        for item, quantity in planned(order).items():
            if item.pk not in named and not item.lot_tracked:
                total[item.pk, None] += quantity
    for posting in told.filter(kind=PostingKind.MOVE):
        move = payloads.load(posting)
        if isinstance(move, erp.MovePosting) and move.kind in (erp.MoveKind.ISSUE, erp.MoveKind.RETURN):
            own = posting.needs_lot.lot_id if posting.needs_lot else lots.get(move.lot.id) if move.lot else None
            sign = 1 if move.kind is erp.MoveKind.ISSUE else -1
            if move.item.id in items:
                total[items[move.item.id], own] += sign * move.quantity.value
    return total


def _lots_of(order: WorkOrder) -> list[Lot]:
    needed = JobMaterial.objects.filter(job_order__work_order=order).values("item")
    moved = Movement.objects.filter(thread=order.thread).values("item")
    return list(Lot.objects.exclude(erp_key="").filter(item__in=needed.union(moved).values("item")))
