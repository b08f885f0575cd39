from apps.materials.commands.advances import Part, note_advance, settle_advance
from apps.materials.commands.erp_rows import (
    BomLineRow,
    BomRow,
    ItemRow,
    ItemUnitRow,
    LocationRow,
    LotRow,
    SnapshotRow,
    UnitRow,
)
from apps.materials.commands.expected import ExpectedRow, set_expected_receipts
from apps.materials.commands.lots import ensure_lot, hold_lot, link_lots, release_lot
from apps.materials.commands.master import upsert_boms, upsert_items, upsert_locations, upsert_lots, upsert_units
from apps.materials.commands.movements import (
    issue,
    mark_posted,
    receive,
    return_material,
    reverse_movement,
    scrap,
    transfer,
)
from apps.materials.commands.places import set_location_policy
from apps.materials.commands.snapshots import set_stock_snapshot

__all__ = [
    "BomLineRow",
    "BomRow",
    "ExpectedRow",
    "ItemRow",
    "ItemUnitRow",
    "LocationRow",
    "LotRow",
    "Part",
    "SnapshotRow",
    "UnitRow",
    "ensure_lot",
    "hold_lot",
    "issue",
    "link_lots",
    "mark_posted",
    "note_advance",
    "receive",
    "release_lot",
    "return_material",
    "reverse_movement",
    "scrap",
    "set_expected_receipts",
    "set_location_policy",
    "set_stock_snapshot",
    "settle_advance",
    "transfer",
    "upsert_boms",
    "upsert_items",
    "upsert_locations",
    "upsert_lots",
    "upsert_units",
]
