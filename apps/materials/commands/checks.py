"""What must be so before material moves.

What has happened already (typed in later, reported by a machine) is recorded all the same: then the code of what
would have been refused goes into `violations`, for whoever has to own it.
"""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from apps.core.actors import Origin
from apps.core.commands import Context
from apps.core.numbers import plain
from apps.materials.commands.rows import alone_with
from apps.materials.conversion import CannotConvert, convert, fits
from apps.materials.models import Item, Location, LocationKind, LotStatus, Movement, MovementKind, Unit
from apps.materials.queries import day_at, stock_at
from apps.plant.models import Purpose, ReasonCode

HAPPENED_ALREADY = frozenset({Origin.BACK_ENTRY, Origin.MACHINE})
K = LocationKind
ANYWHERE = frozenset(K)
# From where to where each kind of movement may lead.
ENDS: dict[MovementKind, tuple[frozenset[LocationKind], frozenset[LocationKind]]] = {
    MovementKind.ISSUE: (frozenset({K.STORAGE, K.PRODUCTION}), frozenset({K.PRODUCTION})),
    MovementKind.RETURN: (frozenset({K.PRODUCTION}), frozenset({K.STORAGE, K.QUARANTINE})),
    MovementKind.RECEIPT: (frozenset({K.PRODUCTION}), ANYWHERE),
    MovementKind.SCRAP: (ANYWHERE, frozenset({K.SCRAP})),
    MovementKind.TRANSFER: (ANYWHERE, ANYWHERE),
}
LIMIT = Decimal(10) ** 12


def _forbid(context: Context, violations: list[str], code: str, sentence: str, owner: str, **facts: object) -> None:
    if context.actor.origin not in HAPPENED_ALREADY:
        context.refuse(code, sentence, owner, **facts)
    violations.append(code)


def reason(context: Context, reason_id: int, purpose: Purpose) -> None:
    if not ReasonCode.objects.choosable(purpose).filter(pk=reason_id).exists():
        context.refuse("no_reason", _("Say why: choose a reason."))


def in_stock_unit(context: Context, quantity: Decimal, unit: Unit, item: Item) -> Decimal:
    """The quantity in the item's own unit."""
    if not 0 < quantity < LIMIT:
        context.refuse("no_quantity", _("Enter how much it is."))
    if not fits(quantity, unit):
        context.refuse(
            "not_whole",
            _("%(quantity)s %(unit)s can't be counted: at most %(digits)s decimals.")
            % {"quantity": plain(quantity), "unit": unit.code, "digits": unit.digits},
        )
    try:
        return convert(quantity, unit, item.unit, item)
    except CannotConvert as error:
        context.refuse("cannot_convert", str(error), _("Units are kept in the ERP."), item_id=item.pk, unit_id=unit.pk)


def lot(context: Context, movement: Movement, violations: list[str]) -> None:
    moved, item = movement.lot, movement.item
    if moved is None:
        if item.lot_tracked:
            context.refuse("lot_missing", _("%(item)s moves by lot. Scan the lot.") % {"item": item.code})
        return
    words = {"lot": moved.number, "item": item.code}
    if moved.item_id != item.pk:
        context.refuse(
            "lot_of_other_item",
            _("Lot %(lot)s is of another item than %(item)s. Scan a lot of it.") % words,
            lot_id=moved.pk,
            item_id=item.pk,
        )
    if not _comes_to_use(movement):
        return
    quality = _("Quality decides about it.")
    if moved.status == LotStatus.HELD:
        sentence = _("Lot %(lot)s of %(item)s is held. Take another one.") % words
        _forbid(context, violations, "lot_held", sentence, quality, lot_id=moved.pk)
    if moved.status == LotStatus.CLOSED:
        sentence = _("Lot %(lot)s of %(item)s is closed. Take another one.") % words
        _forbid(context, violations, "lot_closed", sentence, quality, lot_id=moved.pk)
    if moved.blocked_in_erp:
        sentence = _("Lot %(lot)s of %(item)s is blocked in the ERP. Take another one.") % words
        _forbid(context, violations, "lot_blocked", sentence, _("It is released in the ERP."), lot_id=moved.pk)
    if moved.status == LotStatus.EXPIRED or moved.is_past(day_at(movement.site, context.occurred_at)):
        sentence = _("Lot %(lot)s of %(item)s is past its last day of use. Take another one.") % words
        _forbid(context, violations, "lot_expired", sentence, quality, lot_id=moved.pk)


def _comes_to_use(movement: Movement) -> bool:
    """Whether it is used, brought to where it is used, or let out of quarantine; be it by undoing something."""
    used = movement.kind == (MovementKind.ISSUE if movement.reverses is None else MovementKind.RETURN)
    staged = movement.kind == MovementKind.TRANSFER and _is(movement.to_location, LocationKind.PRODUCTION)
    let_out = movement.kind != MovementKind.SCRAP and _is(movement.from_location, LocationKind.QUARANTINE)
    return used or staged or let_out


def _is(place: Location | None, kind: LocationKind) -> bool:
    return place is not None and place.kind == kind


def places(context: Context, movement: Movement, violations: list[str]) -> None:
    """A kind of movement leads from certain kinds of places to certain others."""
    source, target = movement.from_location, movement.to_location
    allowed_from, allowed_to = ENDS[MovementKind(movement.kind)]
    if movement.kind == MovementKind.ISSUE and source is not None and source.kind not in allowed_from:
        sentence = _("What lies in %(place)s can't be used: it is for %(kind)s.") % _named(source)
        _forbid(context, violations, "not_usable", sentence, _("Quality decides about it."), location_id=source.pk)
    elif source is not None and source.kind not in allowed_from:
        context.refuse("wrong_place", _("It can't come from %(place)s, which is for %(kind)s.") % _named(source))
    if target is not None and target.kind not in allowed_to:
        context.refuse("wrong_place", _("It can't go to %(place)s, which is for %(kind)s.") % _named(target))
    if target is not None and not target.active:
        context.refuse("wrong_place", _("%(place)s is not in use any more.") % _named(target))


def _named(place: Location) -> dict[str, str]:
    return {"place": place.code, "kind": str(LocationKind(place.kind).label)}


def enough(context: Context, movement: Movement, violations: list[str]) -> None:
    """Takes hold of the stock where the material comes from, so that it is given out once."""
    source = movement.from_location
    if source is None or source.may_go_negative:
        return
    alone_with("stock", movement.item_id, source.pk, movement.lot_id)
    there = stock_at(movement.site, item_id=movement.item_id, location_id=source.pk, lot_id=movement.lot_id)
    if there < movement.stock_quantity:
        words = {
            "there": plain(there),
            "wanted": plain(movement.stock_quantity),
            "unit": movement.item.unit.code,
            "item": movement.item.code,
            "place": source.code,
        }
        _forbid(
            context,
            violations,
            "not_enough",
            _("There are %(there)s %(unit)s of %(item)s in %(place)s, not %(wanted)s.") % words
            if movement.lot is None
            else _("There are %(there)s %(unit)s of %(item)s, lot %(lot)s, in %(place)s, not %(wanted)s.")
            % {**words, "lot": movement.lot.number},
            _("Book what is missing first, or count what is there."),
            there=str(there),
        )
