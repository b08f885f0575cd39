"""Lots: made, held, released, and linked to what they went into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.numbers import plain
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.materials.actions import HOLD_LOTS, MOVE_MATERIALS, RELEASE_LOTS
from apps.materials.commands.rows import alone_with, found, save_signed
from apps.materials.events import LotCreated, LotHeld, LotReleased, LotsLinked
from apps.materials.models import Item, Lot, LotLink, LotStatus, Movement, MovementKind, StockSnapshot
from apps.materials.queries import day_at, find_lots
from apps.plant.models import Site


@dataclass(frozen=True, kw_only=True)
class EnsuredLot:
    lot_id: int
    created: bool


@command("materials.ensure_lot")
def ensure_lot(
    context: Context, *, item_id: int, number: str, site_id: int, expires_on: date | None = None
) -> EnsuredLot:
    """The lot of this number, made if there is none; without `expires_on` it lives as long as the item's shelf life.

    Refused: lot_ambiguous where the ERP has the number twice, no_number.
    """
    site = found(context, Site.objects.all(), site_id)
    context.allow(MOVE_MATERIALS, at=site.scope)
    item = found(context, Item.objects.all(), item_id)
    number = number.strip()
    if not number or len(number) > 80:
        context.refuse("no_number", _("Enter the number of the lot, at most 80 characters."))
    alone_with("lot", item.pk, number)
    known = find_lots(item.pk, number)
    if len(known) > 1:
        context.refuse(
            "lot_ambiguous",
            _("%(item)s has lot %(lot)s more than once. Choose it from the list.") % {"item": item.code, "lot": number},
            lot_ids=[lot.pk for lot in known],
        )
    if known:
        return EnsuredLot(lot_id=known[0].pk, created=False)
    if expires_on is None and item.shelf_life_days is not None:
        expires_on = day_at(site, context.occurred_at) + timedelta(days=item.shelf_life_days)
    lot = Lot(item=item, number=number, expires_on=expires_on)
    save_signed(context, lot)
    context.record(LotCreated(subject_id=lot.pk, site_id=site.pk, item_id=item.pk))
    context.touch(item.topic)
    return EnsuredLot(lot_id=lot.pk, created=True)


@command("materials.hold_lot")
def hold_lot(context: Context, *, lot_id: int, for_kind: str = "", for_id: str = "") -> bool:
    """Whether it was open before. A held lot is not consumed; it can still be returned, scrapped, put in quarantine."""
    lot = _locked(context, lot_id, HOLD_LOTS)
    if lot.status == LotStatus.HELD:
        return False
    lot.status = LotStatus.HELD
    save_signed(context, lot)
    context.record(LotHeld(subject_id=lot.pk, item_id=lot.item_id, for_kind=for_kind, for_id=for_id))
    context.touch(lot.item.topic)
    return True


@command("materials.release_lot")
def release_lot(context: Context, *, lot_id: int, for_kind: str = "", for_id: str = "") -> bool:
    """Whether it was held before; a lot that is closed or expired stays so. Who holds it decides when that is due."""
    lot = _locked(context, lot_id, RELEASE_LOTS)
    if lot.status != LotStatus.HELD:
        return False
    lot.status = LotStatus.OPEN
    save_signed(context, lot)
    context.record(LotReleased(subject_id=lot.pk, item_id=lot.item_id, for_kind=for_kind, for_id=for_id))
    context.touch(lot.item.topic)
    return True


@command("materials.link_lots")
def link_lots(context: Context, *, movement_id: int, produced_lot_id: int, quantity: Decimal | None = None) -> int:
    """The id of the link: so much of what the issue took (None: all that went into no lot yet) went into the lot.

    Refused: not_an_issue, reversed_already, more_than_issued, into_itself.
    """
    movement = found(context, Movement.objects.select_related("site", "work_center"), movement_id)
    context.allow(MOVE_MATERIALS, at=movement.scope)
    return link(context, movement, found(context, Lot.objects.all(), produced_lot_id), quantity)


def link(context: Context, movement: Movement, produced: Lot, quantity: Decimal | None) -> int:
    """`link_lots` for a caller that has asked for the right already. Material without a lot leaves no link: 0."""
    if movement.lot_id is None:
        return 0
    if movement.kind != MovementKind.ISSUE or movement.reverses_id is not None:
        context.refuse("not_an_issue", _("Only material that was issued went into a lot."))
    if movement.lot_id == produced.pk:
        context.refuse("into_itself", _("A lot does not go into itself."))
    alone_with("movement", movement.pk)
    if Movement.objects.filter(reverses=movement).exists():
        context.refuse("reversed_already", _("This issue was undone: its material went into nothing."))
    linked = LotLink.objects.filter(movement=movement).aggregate(sum=Sum("quantity"))["sum"] or Decimal(0)
    rest = movement.stock_quantity - linked
    wanted = rest if quantity is None else quantity
    if not 0 < wanted <= rest:
        context.refuse(
            "more_than_issued",
            _("Of this issue %(rest)s are left to go into a lot.") % {"rest": plain(rest)},
            rest=str(rest),
        )
    row = LotLink.objects.create(
        consumed_lot_id=movement.lot_id,
        produced_lot=produced,
        quantity=wanted,
        for_kind=movement.for_kind,
        for_id=movement.for_id,
        movement=movement,
    )
    context.record(
        LotsLinked(
            subject_id=produced.pk,
            site_id=movement.site_id,
            thread=movement.thread,
            consumed_lot_id=movement.lot_id,
            movement_id=movement.pk,
            quantity=wanted,
        )
    )
    return row.pk


def _locked(context: Context, lot_id: int, action: Action) -> Lot:
    lot = found(context, Lot.objects.select_related("item").select_for_update(no_key=True, of=("self",)), lot_id)
    context.allow(action, at=_scope_of(lot))
    return lot


def _scope_of(lot: Lot) -> Scope:
    """A lot belongs to no site: to those where it has been, and while it has been nowhere to all of them."""
    sites = set(StockSnapshot.objects.filter(lot=lot).values_list("site", flat=True))
    sites |= set(Movement.objects.filter(lot=lot).values_list("site", flat=True))
    rows = Site.objects.filter(pk__in=sites) if sites else Site.objects.all()
    return EVERYWHERE.union(*(site.scope for site in rows))
