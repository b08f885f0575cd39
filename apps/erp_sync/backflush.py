"""An ERP that consumes the planned components at order start: told which lots, noted, then levelled with what was used.

What it consumed is read from the ERP, never assumed: it may have chosen lots and places of its own. Until the start is
confirmed nothing is known, so nothing is levelled; from then on each part of the order (item, place, lot) is kept at
what the floor has used, and what is left over goes back before the finish. See docs/adr/0021-consumption-at-start.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.core import clock
from apps.core.commands import Context
from apps.erp_sync import payloads
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import Posting, PostingKind, PostingState, Reading
from apps.erp_sync.projection import Projection
from apps.materials.commands import Part, note_advance, settle_advance
from apps.materials.commands.rows import alone_with
from apps.materials.conversion import convert
from apps.materials.models import Advance, Item, Location, Lot, Movement, MovementKind, Unit
from apps.materials.queries import first_expired
from apps.orders.models import JobMaterial, WorkOrder

COMPONENT_MOVES = (erp.MoveKind.ISSUE, erp.MoveKind.RETURN)


class Place(NamedTuple):
    """Of one item, by our ids; `location_id` None: wherever the ERP takes it from."""

    item_id: int
    location_id: int | None
    lot_id: int | None


@dataclass(frozen=True, kw_only=True)
class Consumed:
    """A part that the ERP has consumed, by its keys; `quantity` in the unit with that symbol."""

    item: str
    location: str
    lot: str
    quantity: Decimal
    unit: str


# ---- the start


def lots_to_start_with(projection: Projection) -> tuple[erp.ComponentLot, ...]:
    """For what is kept by lot: first expired, first out. An item of which there is too little is left to the ERP."""
    parts: list[erp.ComponentLot] = []
    promised = _promised(projection)
    for item, quantity in planned(projection.order).items():
        if item.lot_tracked and item.erp_key:
            parts += _picked(projection, item, quantity, promised)
    return tuple(parts)


def planned(order: WorkOrder) -> dict[Item, Decimal]:
    """What the order needs for the ordered quantity, in the items' units."""
    total: defaultdict[Item, Decimal] = defaultdict(Decimal)
    needs = JobMaterial.objects.filter(job_order__work_order=order).select_related("item__unit", "job_order")
    for need in needs:
        total[need.item] += need.per_piece * need.job_order.quantity
    return dict(total)


def _promised(projection: Projection) -> defaultdict[str, Decimal]:
    """By the lot's id in the ERP: what starts that are still on their way will take."""
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    starts = Posting.objects.unsettled().filter(link=projection.link, kind=PostingKind.START)
    for posting in starts.exclude(work_order=projection.order):
        content = payloads.load(posting)
        for chosen in content.lots if isinstance(content, erp.OrderStatePosting) else ():
            if chosen.lot is not None:
                total[chosen.lot.id] += chosen.quantity.value
    return total


def _picked(
    projection: Projection, item: Item, quantity: Decimal, promised: defaultdict[str, Decimal]
) -> list[erp.ComponentLot]:
    taken: defaultdict[Lot, Decimal] = defaultdict(Decimal)
    for line, lot in first_expired(projection.order.site_id, item.pk):
        if lot is None or not lot.erp_key:
            continue
        free = line.quantity - promised[projection.ref(lot.erp_key).id]
        take = min(quantity - sum(taken.values(), Decimal(0)), free)
        if take > 0:
            taken[lot] += take
    if sum(taken.values(), Decimal(0)) != quantity:
        return []
    return [
        erp.ComponentLot(
            projection.ref(item.erp_key), projection.ref(lot.erp_key), erp.Quantity(amount, item.unit.code)
        )
        for lot, amount in taken.items()
    ]


# ---- what the ERP has consumed


def unknown_of(consumed: Collection[Consumed]) -> list[str]:
    """Keys among them that have not been read from the ERP yet."""
    named = {part.lot for part in consumed} - {""}
    places = {part.location for part in consumed}
    items = {part.item for part in consumed}
    known = set(Lot.objects.filter(erp_key__in=named).values_list("erp_key", flat=True))
    known |= set(Location.objects.filter(erp_key__in=places).values_list("erp_key", flat=True))
    known |= set(Item.objects.filter(erp_key__in=items).values_list("erp_key", flat=True))
    units = {part.unit for part in consumed}
    known |= set(Unit.objects.filter(code__in=units).values_list("code", flat=True))
    return sorted((named | places | items | units) - known)


def note_start(context: Context, posting: Posting, consumed: Collection[Consumed]) -> None:
    """Keeps in mind what the start has taken off the ERP's stock. `posting` is posted."""
    items = {item.erp_key: item for item in _items(erp_key__in={part.item for part in consumed})}
    lots = dict(Lot.objects.filter(erp_key__in={part.lot for part in consumed} - {""}).values_list("erp_key", "pk"))
    places = dict(Location.objects.filter(erp_key__in={p.location for p in consumed}).values_list("erp_key", "pk"))
    units = {unit.code: unit for unit in Unit.objects.filter(code__in={part.unit for part in consumed})}
    _note(
        context,
        posting,
        [
            Part(
                item_id=items[part.item].pk,
                location_id=places[part.location],
                lot_id=lots.get(part.lot),
                quantity=convert(part.quantity, units[part.unit], items[part.item].unit, items[part.item]),
            )
            for part in consumed
        ],
    )
    # A record of the stock that was read between the start and its confirmation may have had it in already.
    _read_stock_again(posting.link_id, set(items))


def _read_stock_again(link_id: int, item_keys: set[str]) -> None:
    rows = Reading.objects.select_for_update(of=("self",)).filter(link=link_id, kind=erp.Kind.STOCK.value)
    for reading in rows:
        reading.again = sorted({*reading.again, *item_keys})
        reading.save(update_fields=["again"])


def note_move(context: Context, posting: Posting) -> None:
    """The same for what was issued beyond, or given back."""
    place, quantity = moved_by(posting)
    if place.location_id is not None:
        part = Part(item_id=place.item_id, location_id=place.location_id, lot_id=place.lot_id, quantity=quantity)
        _note(context, posting, [part])


def is_component_move(posting: Posting) -> bool:
    content = payloads.load(posting) if posting.kind == PostingKind.MOVE else None
    return isinstance(content, erp.MovePosting) and content.kind in COMPONENT_MOVES


def settle(context: Context, posting: Posting) -> None:
    """The finish is posted: what the floor has used is in the ERP now."""
    settle_advance.within(
        context.consequence(),
        site_id=posting.site_id,
        thread=posting.thread,
        posted_at=_posted_at(posting),
        erp_reference=posting.document[:80],
    )


def _note(context: Context, posting: Posting, parts: list[Part]) -> None:
    note_advance.within(
        context.consequence(),
        site_id=posting.site_id,
        thread=posting.thread,
        parts=parts,
        posted_at=_posted_at(posting),
    )


def _posted_at(posting: Posting) -> datetime:
    if posting.posted_at is None:
        raise ValueError(f"{posting} is not posted")
    return posting.posted_at


def settle_skipped(context: Context, posting: Posting) -> None:
    """A person keeps the finish from the ERP, so the story is told. Where the ERP had cancelled the order it has put
    back all that it consumed, and what the floor has used stays a movement of ours; else it was booked there by hand.
    """
    alone(posting.thread)
    items = Advance.objects.filter(thread=posting.thread, settled_at=None).values("item")
    keys = set(Item.objects.filter(pk__in=items).values_list("erp_key", flat=True))
    settle_advance.within(
        context.consequence(),
        site_id=posting.site_id,
        thread=posting.thread,
        posted_at=clock.of_database(),
        used_is_there=posting.parked_reason.get("code") != erp.ORDER_CANCELLED,
    )
    _read_stock_again(posting.link_id, keys)


# ---- levelling


def is_known(order: WorkOrder) -> bool:
    """Whether what the start consumed is on record: it is posted, or a person has kept it from the ERP."""
    settled = (PostingState.POSTED, PostingState.SKIPPED)
    return Posting.objects.filter(work_order=order, kind=PostingKind.START, state__in=settled).exists()


def alone(thread: str) -> None:
    """Nobody else levels the order, and no confirmation changes what is known of it, until the transaction ends."""
    alone_with("advance", thread)


def level(projection: Projection, movement: Movement) -> None:
    """Posts what the floor has issued of this part beyond what the ERP has consumed, as soon as that is known."""
    alone(projection.order.thread)
    if not is_known(projection.order):
        return
    place = Place(movement.item_id, movement.from_location_id, movement.lot_id)
    over = used(projection.order)[place] - _consumed(projection)[place]
    if over > 0:
        _issue(projection, place, over, movement=movement)


def level_all(projection: Projection, *, give_back: bool) -> None:
    """The same for every part; `give_back`: what was consumed and not used goes back as well."""
    alone(projection.order.thread)
    floor, taken = used(projection.order), _consumed(projection)
    for place in sorted(set(floor) | set(taken), key=lambda place: [part or 0 for part in place]):
        over = floor[place] - taken[place]
        if over > 0:
            _issue(projection, place, over)
        elif over < 0 and give_back:
            _move(projection, place, erp.MoveKind.RETURN, -over)


def used(order: WorkOrder) -> defaultdict[Place, Decimal]:
    """What the floor has used for the order, in the items' units."""
    total: defaultdict[Place, Decimal] = defaultdict(Decimal)
    for movement in Movement.objects.standing().filter(thread=order.thread):
        if movement.kind == MovementKind.ISSUE:
            total[Place(movement.item_id, movement.from_location_id, movement.lot_id)] += movement.stock_quantity
        elif movement.kind == MovementKind.RETURN:
            total[Place(movement.item_id, movement.to_location_id, movement.lot_id)] -= movement.stock_quantity
    return total


def _consumed(projection: Projection) -> defaultdict[Place, Decimal]:
    """By the ERP, by our own postings that are on their way, and by those about which a person has decided: what was
    skipped is not told again. What is settled is in the ERP as well, should the order be taken up once more.
    """
    total: defaultdict[Place, Decimal] = defaultdict(Decimal)
    for advance in Advance.objects.filter(thread=projection.order.thread):
        total[Place(advance.item_id, advance.location_id, advance.lot_id)] += advance.stock_quantity
    told = Posting.objects.filter(work_order=projection.order, kind=PostingKind.MOVE)
    for posting in told.exclude(state=PostingState.POSTED).select_related("movement"):
        if is_component_move(posting):
            place, quantity = moved_by(posting)
            total[place] += quantity
    return total


def _issue(projection: Projection, place: Place, quantity: Decimal, movement: Movement | None = None) -> None:
    _move(projection, place, erp.MoveKind.ISSUE, quantity, **({"movement": movement} if movement else {}))


def _move(projection: Projection, place: Place, kind: erp.MoveKind, quantity: Decimal, **links: Movement) -> None:
    item = _items(pk=place.item_id)[0]
    lot = Lot.objects.select_related("item").get(pk=place.lot_id) if place.lot_id else None
    location = Location.objects.get(pk=place.location_id) if place.location_id else None
    at = projection.ref(location.erp_key) if location and location.erp_key else None
    projection.move(
        ":".join([kind.value, *(str(part or "") for part in place)]),
        kind,
        item.erp_key,
        erp.Quantity(quantity, item.unit.code),
        lot=lot,
        from_location=at if kind is erp.MoveKind.ISSUE else None,
        to_location=at if kind is erp.MoveKind.RETURN else None,
        **links,
    )


def moved_by(posting: Posting) -> tuple[Place, Decimal]:
    """Which part an issue (above zero) or a return (below) of ours is about."""
    content = payloads.load(posting)
    assert isinstance(content, erp.MovePosting)  # is_component_move has looked
    quantity = content.quantity.value if content.kind is erp.MoveKind.ISSUE else -content.quantity.value
    _kind, _, place = posting.part.partition(":")
    if place:
        item_id, location_id, lot_id = (int(part) if part else None for part in place.split(":"))
        return Place(item_id or 0, location_id, lot_id), quantity
    # From before the policy said that the ERP consumes by itself: one posting for each movement.
    movement = posting.movement
    if movement is None:
        raise ValueError(f"{posting} names no part of its order")
    return Place(movement.item_id, movement.from_location_id or movement.to_location_id, movement.lot_id), quantity


def _items(**which: object) -> list[Item]:
    return list(Item.objects.select_related("unit").prefetch_related("units__unit").filter(**which))
