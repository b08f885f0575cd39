from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event, declare_words


class MaterialMoved(Event, subject="movement", label=_("Material moved")):
    """`quantity` in unit `unit_id`, `stock_quantity` in the item's unit.

    violations  what would have been refused, had it not happened already (typed in later, machine): "lot_held", ...
    """

    movement: str
    item_id: int
    lot_id: int | None
    from_location_id: int | None
    to_location_id: int | None
    work_center_id: int | None
    quantity: Decimal
    unit_id: int
    stock_quantity: Decimal
    for_kind: str
    for_id: str
    reason_id: int | None
    violations: list[str]


class MovementReversed(Event, subject="movement", label=_("Movement of material reversed")):
    """`subject_id` is the reversal, `reverses_id` what it undoes; places are those of the reversal."""

    reverses_id: int
    movement: str
    item_id: int
    lot_id: int | None
    from_location_id: int | None
    to_location_id: int | None
    quantity: Decimal
    unit_id: int
    stock_quantity: Decimal
    for_kind: str
    for_id: str
    reason_id: int


class MovementPosted(Event, subject="movement", label=_("Movement of material posted to the ERP")):
    """The ERP has it, under `erp_reference`."""

    posted_at: datetime


class StockTaken(Event, subject="site", label=_("Stock taken")):
    """The ERP has said anew what lies where; of `items` something is different."""

    items: list[int]


class ReceiptsExpected(Event, subject="site", label=_("Receipts expected")):
    """What is to come from suppliers has changed for `items`."""

    items: list[int]


class AdvanceNoted(Event, subject="site", label=_("Material used ahead of the ERP")):
    """The ERP has consumed material of the thread ahead of the floor."""

    parts: int


class AdvanceSettled(Event, subject="site", label=_("Material used ahead of the ERP is settled")):
    """What the floor used of the thread, by so many movements, is in the ERP."""

    movements: int


class LotCreated(Event, subject="lot", label=_("Lot created")):
    item_id: int


class LotHeld(Event, subject="lot", label=_("Lot held")):
    """`for_kind` and `for_id` name what holds it ("nonconformance", "12"), as far as the caller said so."""

    item_id: int
    for_kind: str
    for_id: str


class LotReleased(Event, subject="lot", label=_("Lot released")):
    item_id: int
    for_kind: str
    for_id: str


class LotsLinked(Event, subject="lot", label=_("Lots linked")):
    """`quantity`, in the unit of the consumed lot's item, went into the lot `subject_id`."""

    consumed_lot_id: int
    movement_id: int
    quantity: Decimal


class MasterDataTaken(Event, subject="table", label=_("Master data taken from the ERP")):
    """`subject_id` is "materials.Item"; the ids of the rows that are new, or not as they were."""

    created: list[int]
    updated: list[int]


class LocationPolicySet(Event, subject="location", label=_("Rules of a location set")):
    may_go_negative: bool


declare_words(
    {
        "for_kind": _("kind of what it is for"),
        "items": _("number of items"),
        "may_go_negative": _("may go below zero"),
        "movement": _("kind of movement"),
        "movements": _("movements"),
        "parts": _("parts"),
        "posted_at": _("posted at"),
        "quantity": _("quantity"),
        "stock_quantity": _("quantity in the unit of the stock"),
        "updated": _("updated"),
        "violations": _("violations"),
    }
)
