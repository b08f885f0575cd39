"""Everything that moves material; nothing is edited, a mistake is undone by its reversal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.rights import Scope
from apps.materials.actions import MANAGE_MATERIALS, MOVE_MATERIALS, REVERSE_MOVEMENTS
from apps.materials.commands import checks
from apps.materials.commands.lots import link
from apps.materials.commands.rows import alone_with, found
from apps.materials.events import MaterialMoved, MovementPosted, MovementReversed
from apps.materials.models import Item, Location, Lot, Movement, MovementKind, MovementPosting, Unit
from apps.plant.models import Purpose, WorkCenter


@dataclass(frozen=True, kw_only=True)
class Moved:
    """`stock_quantity` in the item's unit; `violations` see MaterialMoved."""

    movement_id: int
    stock_quantity: Decimal
    violations: list[str]


@dataclass(frozen=True, kw_only=True)
class Purposed:
    """What a movement is for: by kind and id ("job_order", "17"), and the story that it belongs to."""

    for_kind: str = ""
    for_id: str = ""
    thread: str = ""


NOTHING = Purposed()


@command("materials.issue")
def issue(
    context: Context,
    *,
    item_id: int,
    quantity: Decimal,
    from_location_id: int,
    to_location_id: int | None = None,
    unit_id: int | None = None,
    lot_id: int | None = None,
    work_center_id: int | None = None,
    into_lot_id: int | None = None,
    purpose: Purposed = NOTHING,
) -> Moved:
    """Takes material to be used: it is gone, or lies at `to_location_id` (a location of production).

    unit_id         None: the item's unit          work_center_id  the line that uses it; its people may do this
    into_lot_id     the lot that it goes into, if known already

    Refused: lot_missing, lot_of_other_item, lot_held, lot_expired, lot_blocked, not_whole, cannot_convert, not_usable,
    not_enough, no_quantity, other_site, not_found.
    """
    move = _Move(MovementKind.ISSUE, item_id, quantity, unit_id, lot_id, from_location_id, to_location_id)
    movement, violations = _done(context, move, work_center_id, purpose)
    if into_lot_id is not None:
        link(context, movement, found(context, Lot.objects.all(), into_lot_id), movement.stock_quantity)
    return _answer(movement, violations)


@command("materials.return_material")
def return_material(
    context: Context,
    *,
    item_id: int,
    quantity: Decimal,
    to_location_id: int,
    from_location_id: int | None = None,
    unit_id: int | None = None,
    lot_id: int | None = None,
    work_center_id: int | None = None,
    purpose: Purposed = NOTHING,
) -> Moved:
    """Brings back what was issued and is not used. A held lot may come back. Refused as for `issue`."""
    move = _Move(MovementKind.RETURN, item_id, quantity, unit_id, lot_id, from_location_id, to_location_id)
    return _answer(*_done(context, move, work_center_id, purpose))


@command("materials.receive")
def receive(
    context: Context,
    *,
    item_id: int,
    quantity: Decimal,
    to_location_id: int,
    from_location_id: int | None = None,
    unit_id: int | None = None,
    lot_id: int | None = None,
    work_center_id: int | None = None,
    consumed_movement_ids: tuple[int, ...] = (),
    purpose: Purposed = NOTHING,
) -> Moved:
    """Puts on stock what was made or delivered; a lot comes from `ensure_lot`.

    consumed_movement_ids  the issues whose lots went into this one, each with all of it that went into no lot yet
    """
    move = _Move(MovementKind.RECEIPT, item_id, quantity, unit_id, lot_id, from_location_id, to_location_id)
    movement, violations = _done(context, move, work_center_id, purpose)
    for key in consumed_movement_ids:
        if movement.lot is None:
            context.refuse("lot_missing", _("Only into a lot can lots go. Name the lot that was made."))
        link(context, found(context, Movement.objects.all(), key), movement.lot, None)
    return _answer(movement, violations)


@command("materials.scrap")
def scrap(
    context: Context,
    *,
    item_id: int,
    quantity: Decimal,
    from_location_id: int,
    reason_id: int,
    to_location_id: int | None = None,
    unit_id: int | None = None,
    lot_id: int | None = None,
    work_center_id: int | None = None,
    purpose: Purposed = NOTHING,
) -> Moved:
    """Takes material out of use, for a reason of the purpose scrap. Refused as for `issue`, and no_reason."""
    move = _Move(MovementKind.SCRAP, item_id, quantity, unit_id, lot_id, from_location_id, to_location_id, reason_id)
    checks.reason(context, reason_id, Purpose.SCRAP)
    return _answer(*_done(context, move, work_center_id, purpose))


@command("materials.transfer")
def transfer(
    context: Context,
    *,
    item_id: int,
    quantity: Decimal,
    from_location_id: int,
    to_location_id: int,
    unit_id: int | None = None,
    lot_id: int | None = None,
    purpose: Purposed = NOTHING,
) -> Moved:
    """From one place to another of the site. A held lot goes to quarantine, and not out of it."""
    move = _Move(MovementKind.TRANSFER, item_id, quantity, unit_id, lot_id, from_location_id, to_location_id)
    return _answer(*_done(context, move, None, purpose))


@command("materials.reverse_movement")
def reverse_movement(context: Context, *, movement_id: int, reason_id: int) -> Moved:
    """Undoes the whole movement by its opposite; for a part of it, book the rest anew afterwards.

    Refused: reversed_already, is_a_reversal, not_enough (what it brought has been used since), no_reason, not_found.
    """
    rows = Movement.objects.select_related("site", "work_center", "item__unit", "unit")
    original = found(context, rows.select_related("from_location", "to_location"), movement_id)
    context.allow(REVERSE_MOVEMENTS, at=original.scope)
    checks.reason(context, reason_id, Purpose.REVERSAL)
    alone_with("movement", original.pk)
    if original.reverses_id is not None:
        context.refuse("is_a_reversal", _("This undoes another movement already. Book what is right anew."))
    if Movement.objects.filter(reverses=original).exists():
        context.refuse("reversed_already", _("This movement was undone before."))
    reversal = Movement(
        kind=original.kind,
        site=original.site,
        work_center=original.work_center,
        item=original.item,
        lot_id=original.lot_id,
        from_location=original.to_location,
        to_location=original.from_location,
        quantity=original.quantity,
        unit=original.unit,
        stock_quantity=original.stock_quantity,
        for_kind=original.for_kind,
        for_id=original.for_id,
        thread=original.thread,
        reverses=original,
        reason_id=reason_id,
    )
    violations: list[str] = []
    if reversal.lot_id is not None:
        reversal.lot = found(context, Lot.objects.select_for_update(no_key=True), reversal.lot_id)
    checks.lot(context, reversal, violations)
    checks.enough(context, reversal, violations)
    _write(context, reversal)
    context.record(
        MovementReversed(
            subject_id=reversal.pk,
            site_id=reversal.site_id,
            thread=reversal.thread,
            reverses_id=original.pk,
            movement=reversal.kind,
            item_id=reversal.item_id,
            lot_id=reversal.lot_id,
            from_location_id=reversal.from_location_id,
            to_location_id=reversal.to_location_id,
            quantity=reversal.quantity,
            unit_id=reversal.unit_id,
            stock_quantity=reversal.stock_quantity,
            for_kind=reversal.for_kind,
            for_id=reversal.for_id,
            reason_id=reason_id,
        )
    )
    return _answer(reversal, violations)


@command("materials.mark_posted")
def mark_posted(context: Context, *, movement_id: int, erp_reference: str, posted_at: datetime) -> bool:
    """Whether it is news that the ERP has this movement since `posted_at`, by the ERP's clock.

    Refused: posted_already, under another reference.
    """
    movement = found(context, Movement.objects.select_related("site", "item"), movement_id)
    context.allow(MANAGE_MATERIALS, at=movement.site.scope)
    alone_with("movement", movement.pk)
    before = MovementPosting.objects.filter(movement=movement).first()
    if before is not None and before.erp_reference != erp_reference:
        context.refuse(
            "posted_already",
            _("The ERP has this movement under %(reference)s already.") % {"reference": before.erp_reference},
            movement_id=movement.pk,
        )
    if before is not None:
        return False
    MovementPosting.objects.create(movement=movement, erp_reference=erp_reference, posted_at=posted_at)
    context.record(
        MovementPosted(
            subject_id=movement.pk,
            site_id=movement.site_id,
            thread=movement.thread,
            erp_reference=erp_reference,
            posted_at=posted_at,
        )
    )
    context.touch(movement.item.topic)
    return True


# ---- how each of them is done


@dataclass(frozen=True)
class _Move:
    kind: MovementKind
    item_id: int
    quantity: Decimal
    unit_id: int | None
    lot_id: int | None
    from_location_id: int | None
    to_location_id: int | None
    reason_id: int | None = None


@dataclass
class _Places:
    source: Location | None
    target: Location | None
    line: WorkCenter | None
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        places = [place for place in (self.source, self.target, self.line) if place]
        self.scope = frozenset().union(*(place.scope for place in places))

    @property
    def one(self) -> Location:
        place = self.source or self.target
        if place is None:
            raise ValueError("a movement has a place")
        return place


def _done(context: Context, move: _Move, work_center_id: int | None, purpose: Purposed) -> tuple[Movement, list[str]]:
    places = _places(context, move, work_center_id)
    context.allow(MOVE_MATERIALS, at=places.scope)
    item = found(context, Item.objects.select_related("unit"), move.item_id)
    unit = found(context, Unit.objects.all(), move.unit_id) if move.unit_id else item.unit
    violations: list[str] = []
    # The lock keeps a hold from coming between the check and the use.
    lot = found(context, Lot.objects.select_for_update(no_key=True), move.lot_id) if move.lot_id else None
    movement = Movement(
        kind=move.kind,
        site=places.one.site,
        work_center=places.line,
        item=item,
        lot=lot,
        from_location=places.source,
        to_location=places.target,
        quantity=move.quantity,
        unit=unit,
        stock_quantity=checks.in_stock_unit(context, move.quantity, unit, item),
        for_kind=purpose.for_kind,
        for_id=purpose.for_id,
        thread=purpose.thread,
        reason_id=move.reason_id,
    )
    checks.lot(context, movement, violations)
    checks.places(context, movement, violations)
    checks.enough(context, movement, violations)
    _write(context, movement)
    context.record(
        MaterialMoved(
            subject_id=movement.pk,
            site_id=movement.site_id,
            thread=movement.thread,
            movement=movement.kind,
            item_id=item.pk,
            lot_id=movement.lot_id,
            from_location_id=movement.from_location_id,
            to_location_id=movement.to_location_id,
            work_center_id=movement.work_center_id,
            quantity=movement.quantity,
            unit_id=unit.pk,
            stock_quantity=movement.stock_quantity,
            for_kind=movement.for_kind,
            for_id=movement.for_id,
            reason_id=move.reason_id,
            violations=violations,
        )
    )
    return movement, violations


def _places(context: Context, move: _Move, work_center_id: int | None) -> _Places:
    rows = Location.objects.select_related("site")
    source = found(context, rows, move.from_location_id) if move.from_location_id else None
    target = found(context, rows, move.to_location_id) if move.to_location_id else None
    line = found(context, WorkCenter.objects.all(), work_center_id) if work_center_id else None
    if len({place.site_id for place in (source, target, line) if place}) != 1:
        context.refuse("other_site", _("Both places and the line lie on one site. Choose a place of this site."))
    if source == target:
        context.refuse("same_place", _("It lies there already. Choose another place."))
    return _Places(source, target, line)


def _write(context: Context, movement: Movement) -> None:
    movement.person_id = context.actor.person_id
    movement.terminal_id = context.actor.terminal_id
    movement.command_id = context.command_id
    movement.occurred_at = context.occurred_at
    movement.save(force_insert=True)
    context.touch(movement.item.topic)


def _answer(movement: Movement, violations: list[str]) -> Moved:
    return Moved(movement_id=movement.pk, stock_quantity=movement.stock_quantity, violations=violations)
