"""An ERP that consumes an order's components at its start is ahead of the floor: noted, and settled at the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.core.commands import Context, command
from apps.materials.actions import MANAGE_MATERIALS
from apps.materials.commands.rows import found
from apps.materials.events import AdvanceNoted, AdvanceSettled
from apps.materials.models import Advance, Item, Movement, MovementKind, MovementPosting
from apps.plant.models import Site


@dataclass(frozen=True, kw_only=True)
class Part:
    """`quantity` in the item's unit; below zero: the ERP has put it back."""

    item_id: int
    location_id: int
    lot_id: int | None
    quantity: Decimal


@command("materials.note_advance")
def note_advance(context: Context, *, site_id: int, thread: str, parts: list[Part], posted_at: datetime) -> None:
    """The ERP's stock is less by these parts since `posted_at`, while they lie where they lay."""
    site = found(context, Site.objects.all(), site_id)
    context.allow(MANAGE_MATERIALS, at=site.scope)
    Advance.objects.bulk_create(
        Advance(
            site=site,
            thread=thread,
            item_id=part.item_id,
            location_id=part.location_id,
            lot_id=part.lot_id,
            stock_quantity=part.quantity,
            posted_at=posted_at,
        )
        for part in parts
        if part.quantity
    )
    context.record(AdvanceNoted(subject_id=site.pk, site_id=site.pk, thread=thread, parts=len(parts)))
    _touch(context, {part.item_id for part in parts})


@command("materials.settle_advance")
def settle_advance(
    context: Context,
    *,
    site_id: int,
    thread: str,
    posted_at: datetime,
    erp_reference: str = "",
    used_is_there: bool = True,
) -> None:
    """The ERP's stock is ahead no more since `posted_at`: what the floor has used of the story is in it, and its issues
    and returns are marked; or (`used_is_there` false) the ERP has put all of it back, and they are not.
    """
    site = found(context, Site.objects.all(), site_id)
    context.allow(MANAGE_MATERIALS, at=site.scope)
    open_ones = Advance.objects.filter(site=site, thread=thread, settled_at=None)
    items = set(open_ones.values_list("item", flat=True))
    open_ones.update(settled_at=posted_at)
    kinds = (MovementKind.ISSUE, MovementKind.RETURN) if used_is_there else ()
    used = Movement.objects.filter(site=site, thread=thread, posting=None, kind__in=kinds)
    marks = MovementPosting.objects.bulk_create(
        MovementPosting(movement_id=key, erp_reference=erp_reference, posted_at=posted_at)
        for key in used.order_by("pk").values_list("pk", flat=True)
    )
    context.record(AdvanceSettled(subject_id=site.pk, site_id=site.pk, thread=thread, movements=len(marks)))
    _touch(context, items)


def _touch(context: Context, item_ids: set[int]) -> None:
    context.touch(*[item.topic for item in Item.objects.filter(pk__in=item_ids)])
