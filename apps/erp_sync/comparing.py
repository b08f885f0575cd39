"""Our sums of an order beside the ERP's: ours = what the ERP has + what a person has kept from it.

Only what is settled is compared: while a posting of the order is on its way or parked, the equation is open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from apps.erp_sync import backflush, payloads
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import BESIDE, Difference, Figure, Posting, PostingKind, PostingState
from apps.materials.conversion import CannotConvert, convert
from apps.materials.models import Item, Lot, Unit
from apps.orders.models import JobOrder, WorkOrder


class Key(NamedTuple):
    """What is summed; `lot` of what was consumed only."""

    figure: Figure
    item: str
    lot: str
    unit: str


Sums = Mapping[Key, Decimal]


def is_open(order_id: int) -> bool:
    """Whether something that is compared has yet to reach the ERP."""
    return Posting.objects.unsettled().filter(work_order=order_id).exclude(kind__in=BESIDE).exists()


def ours(order: WorkOrder) -> Sums:
    """By what people have booked, whatever became of it on the way."""
    jobs = JobOrder.objects.filter(work_order=order).values_list("successor", "good_quantity", "scrap_quantity")
    sums: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for successor, good, scrap in jobs:
        sums[_output(order, Figure.MADE)] += good if successor is None else 0
        sums[_output(order, Figure.SCRAPPED)] += scrap
    for place, quantity in backflush.used(order).items():
        sums[_component(place)] += quantity
    return sums


def theirs(order: WorkOrder, actuals: erp.OrderActuals) -> Sums:
    """By what the ERP has posted, in our units where they convert."""
    sums: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for figure, amounts in ((Figure.MADE, actuals.received), (Figure.SCRAPPED, actuals.scrapped)):
        for material, value in amounts.items():
            if material.item_code == actuals.order.item_code:
                sums[_output(order, figure)] += _in_unit(value, material.unit, order.unit, order.item)
    items = _components(actuals.order)
    for material, value in actuals.issued.items():
        item = items.get(material.item_code)
        code, unit = (item.code, item.unit.code) if item else (material.item_code, material.unit)
        key = Key(Figure.CONSUMED, code, material.lot_number, unit)
        sums[key] += _in_unit(value, material.unit, unit, item)
    return sums


def kept_from_it(order: WorkOrder) -> Sums:
    """What a person has decided that the ERP does not get by us; it may have been booked there by hand."""
    sums: defaultdict[Key, Decimal] = defaultdict(Decimal)
    rows = Posting.objects.filter(work_order=order, kind=PostingKind.MOVE, state=PostingState.SKIPPED)
    for posting in rows.select_related("movement__unit", "reverses__movement__unit"):
        told, sign = (posting.reverses, -1) if posting.reverses else (posting, 1)
        content = payloads.load(told)
        assert isinstance(content, erp.MovePosting)  # its kind says so
        if content.kind in backflush.COMPONENT_MOVES:
            place, quantity = backflush.moved_by(told)
            key, item = _component(place), _items(pk=place.item_id)[0]
            sums[key] += sign * _in_unit(quantity, content.quantity.unit, key.unit, item)
        else:
            figure = Figure.SCRAPPED if content.kind is erp.MoveKind.SCRAP else Figure.MADE
            value = _in_unit(content.quantity.value, content.quantity.unit, order.unit, order.item)
            sums[_output(order, figure)] += sign * value
    return sums


def differences(our: Sums, their: Sums, kept: Sums) -> list[Difference]:
    """What a person kept from the ERP is there by another hand, or is not: both agree."""
    nothing = Decimal(0)
    return [
        Difference(
            figure=key.figure.value,
            item=key.item,
            lot=key.lot,
            unit=key.unit,
            ours=_text(our.get(key, nothing)),
            theirs=_text(their.get(key, nothing)),
        )
        for key in sorted({*our, *their})
        if their.get(key, nothing) not in (our.get(key, nothing), our.get(key, nothing) - kept.get(key, nothing))
    ]


def still_stands(order: WorkOrder, found: list[Difference]) -> bool:
    """Whether nothing has been booked or sent since these were found."""
    if is_open(order.pk):
        return False
    now = ours(order)
    named = {Key(Figure(row["figure"]), row["item"], row["lot"], row["unit"]): row["ours"] for row in found}
    return all(_text(now.get(key, Decimal(0))) == figure for key, figure in named.items())


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _output(order: WorkOrder, figure: Figure) -> Key:
    return Key(figure, order.item_code, "", order.unit)


def _component(place: backflush.Place) -> Key:
    (item,) = _items(pk=place.item_id)
    lot = Lot.objects.get(pk=place.lot_id).number if place.lot_id else ""
    return Key(Figure.CONSUMED, item.code, lot, item.unit.code)


def _components(order: erp.OrderRecord) -> dict[str, Item]:
    """Ours, by the code that the ERP has for them; it may have been changed there."""
    codes = {payloads.key_of(move.item): move.item_code for move in (*order.components, *order.receipts)}
    return {codes[item.erp_key]: item for item in _items(erp_key__in=codes)}


def _in_unit(value: Decimal, code: str, wanted: str, item: Item | None) -> Decimal:
    """As it is where nothing says how it converts: then the figures differ, and a person sees why."""
    if code == wanted:
        return value
    units = {unit.code: unit for unit in Unit.objects.filter(code__in=(code, wanted))}
    try:
        return convert(value, units[code], units[wanted], item)
    except (KeyError, CannotConvert):
        return value


def _items(**which: object) -> list[Item]:
    return list(Item.objects.select_related("unit").prefetch_related("units__unit").filter(**which))
