"""A rack with bolts and a lot of seals, a place at the line, and the cast with rights in material."""

from __future__ import annotations

import pytest

from apps.materials.models import Item, Location, LocationKind, Lot
from apps.plant.models import ReasonCode
from tests.materials.stock_world import make_item, make_location, make_lot, put_stock
from tests.world import World, make_reason, make_role, make_world


@pytest.fixture
def world() -> World:
    world = make_world()
    make_role("operator", "materials.move")
    make_role("line_lead", "materials.move", "materials.reverse")
    make_role("inspector", "materials.hold_lot", "materials.release_lot")
    return world


@pytest.fixture
def rack(world: World) -> Location:
    return make_location(world.site, "RACK-A")


@pytest.fixture
def at_line(world: World) -> Location:
    return make_location(world.site, "PROD", kind=LocationKind.PRODUCTION)


@pytest.fixture
def bolt(rack: Location) -> Item:
    """20 of them lie in the rack."""
    bolt = make_item("BOLT-M8")
    put_stock(bolt, rack, 20)
    return bolt


@pytest.fixture
def seal() -> Item:
    return make_item("SEAL-07", lot_tracked=True)


@pytest.fixture
def lot(seal: Item, rack: Location) -> Lot:
    """20 of it lie in the rack."""
    lot = make_lot(seal, "S-1")
    put_stock(seal, rack, 20, lot=lot)
    return lot


@pytest.fixture
def mistyped() -> ReasonCode:
    return make_reason("reversal", "mistyped")
