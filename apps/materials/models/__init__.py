from apps.materials.models.advances import Advance
from apps.materials.models.boms import Bom, BomLine
from apps.materials.models.expected import ExpectedReceipt
from apps.materials.models.items import Item, ItemKind
from apps.materials.models.lots import Lot, LotLink, LotStatus
from apps.materials.models.movements import Movement, MovementKind, MovementPosting
from apps.materials.models.stock import Location, LocationKind, StockSnapshot
from apps.materials.models.units import ItemUnit, Unit

__all__ = [
    "Advance",
    "Bom",
    "BomLine",
    "ExpectedReceipt",
    "Item",
    "ItemKind",
    "ItemUnit",
    "Location",
    "LocationKind",
    "Lot",
    "LotLink",
    "LotStatus",
    "Movement",
    "MovementKind",
    "MovementPosting",
    "StockSnapshot",
    "Unit",
]
