"""Material for tests: units, items, places, lots; and the ERP that sends them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.core.actors import Actor, Origin
from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.core.ownership import erp_authority
from apps.materials.models import Item, Location, LocationKind, Lot, LotStatus, Movement, StockSnapshot, Unit
from apps.materials.queries import stock_at
from apps.plant.models import Site
from tests.world import run

ERP = Actor.system("erp:tests", Origin.ERP)
WORKER = Actor.system("tests")
_numbers = count(1)
MORNING = datetime(2026, 11, 23, 6, tzinfo=UTC)


def a_context(actor: Actor = ERP) -> Context:
    now = clock.now()
    return Context("tests", actor, uuid4(), now, now)


def as_erp() -> AbstractContextManager[None]:
    """Use inside a transaction."""
    return erp_authority(a_context())


def make_unit(code: str = "u", *, category: str = "", factor: Decimal | int | str = 1, digits: int = 0) -> Unit:
    return Unit.objects.create(code=code, name=code, category=category or code, factor=Decimal(factor), digits=digits)


def a_unit(code: str = "u", digits: int = 0) -> Unit:
    return Unit.objects.filter(code=code).first() or make_unit(code, digits=digits)


def make_item(
    code: str = "", *, unit: Unit | None = None, lot_tracked: bool = False, erp_key: str = "", kind: str = "bought"
) -> Item:
    """Ours, unless it has a key; then it needs a transaction."""
    code = code or f"ITEM-{next(_numbers)}"
    item = Item(code=code, name=code.title(), unit=unit or a_unit(), lot_tracked=lot_tracked, kind=kind)
    if not erp_key:
        item.save()
        return item
    item.erp_key = erp_key
    with as_erp():
        item.save()
    return item


def make_location(
    site: Site, code: str = "", *, kind: str = LocationKind.STORAGE, may_go_negative: bool = False
) -> Location:
    code = code or f"RACK-{next(_numbers)}"
    return Location.objects.create(site=site, code=code, name=code, kind=kind, may_go_negative=may_go_negative)


def make_lot(item: Item, number: str = "", *, status: str = LotStatus.OPEN, expires_on: date | None = None) -> Lot:
    return Lot.objects.create(item=item, number=number or f"L{next(_numbers)}", status=status, expires_on=expires_on)


def queries_of(act: Callable[[], object]) -> int:
    """How many statements it takes, but for those that look at the tests' clock from time to time."""
    with CaptureQueriesContext(connection) as seen:
        act()
    return sum("core_sharedclock" not in query["sql"] for query in seen.captured_queries)


def put_stock(
    item: Item,
    location: Location,
    quantity: Decimal | int | str,
    *,
    lot: Lot | None = None,
    as_of: datetime = MORNING,
) -> StockSnapshot:
    """What is on record there, in the item's unit."""
    return StockSnapshot.objects.create(
        site=location.site,
        item=item,
        location=location,
        lot=lot,
        quantity=Decimal(quantity),
        unit=item.unit,
        stock_quantity=Decimal(quantity),
        as_of=as_of,
    )


def there(item: Item, place: Location, lot: Lot | None = None) -> Decimal:
    return stock_at(place.site, item_id=item.pk, location_id=place.pk, lot_id=lot.pk if lot else None)


def refusal_of(command: Any, who: Any, **inputs: Any) -> CommandRefused:
    before = Movement.objects.count()
    with pytest.raises(CommandRefused) as refusal:
        run(command, who, **inputs)
    assert Movement.objects.count() == before
    return refusal.value
