"""What is where, what of it can be used, and which lots went into which.

Stock = what the ERP has on record + our movements that are not in it + what it took off ahead of us. A movement is in
it when the ERP confirmed its posting at or before the time of the record; so is an advance, until it is settled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import F

from apps.core import clock
from apps.materials.models import ExpectedReceipt, Item, Lot
from apps.plant.models import Site


@dataclass(frozen=True)
class StockLine:
    """Of one item, place and lot; quantities in the item's unit.

    on_record  what the ERP said, as of `as_of` (None: it never spoke of this)
    moved      our movements since, in flight or newer than the record
    usable     in storage, and of no lot that is held, blocked, closed or expired
    """

    item_id: int
    location_id: int
    lot_id: int | None
    on_record: Decimal
    moved: Decimal
    as_of: datetime | None
    usable: bool

    @property
    def quantity(self) -> Decimal:
        return self.on_record + self.moved


STOCK = """
WITH parts AS (
    SELECT item_id, location_id, lot_id, stock_quantity AS on_record, 0 AS moved, as_of
      FROM materials_stocksnapshot
     WHERE site_id = %(site)s
    UNION ALL
    SELECT m.item_id, end_.location_id, m.lot_id, 0, end_.sign * m.stock_quantity, NULL
      FROM materials_movement m
     CROSS JOIN LATERAL (VALUES (m.to_location_id, 1), (m.from_location_id, -1)) AS end_ (location_id, sign)
      LEFT JOIN materials_movementposting p ON p.movement_id = m.id
      LEFT JOIN materials_stocksnapshot s
        ON s.site_id = m.site_id AND s.item_id = m.item_id AND s.location_id = end_.location_id
       AND s.lot_id IS NOT DISTINCT FROM m.lot_id
     WHERE m.site_id = %(site)s AND end_.location_id IS NOT NULL
       AND (p.posted_at IS NULL OR s.as_of IS NULL OR p.posted_at > s.as_of)
    UNION ALL
    SELECT a.item_id, a.location_id, a.lot_id, 0, a.stock_quantity, NULL
      FROM materials_advance a
      JOIN materials_stocksnapshot s
        ON s.site_id = a.site_id AND s.item_id = a.item_id AND s.location_id = a.location_id
       AND s.lot_id IS NOT DISTINCT FROM a.lot_id
     WHERE a.site_id = %(site)s AND a.posted_at <= s.as_of AND (a.settled_at IS NULL OR a.settled_at > s.as_of)
)
SELECT parts.item_id, parts.location_id, parts.lot_id, sum(parts.on_record), sum(parts.moved), max(parts.as_of),
       location.kind = 'storage' AND (lot.id IS NULL OR lot.status = 'open' AND NOT lot.blocked_in_erp
                                      AND coalesce(lot.expires_on >= %(day)s, true))
  FROM parts
  JOIN materials_location location ON location.id = parts.location_id
  LEFT JOIN materials_lot lot ON lot.id = parts.lot_id
 WHERE (%(items)s::bigint[] IS NULL OR parts.item_id = ANY (%(items)s::bigint[]))
   AND (%(location)s::bigint IS NULL OR parts.location_id = %(location)s::bigint)
   AND (%(lot)s::bigint IS NULL OR coalesce(parts.lot_id, 0) = %(lot)s::bigint)
 GROUP BY parts.item_id, parts.location_id, parts.lot_id, location.id, lot.id
HAVING sum(parts.on_record) <> 0 OR sum(parts.moved) <> 0
 ORDER BY parts.item_id, parts.location_id, parts.lot_id
"""
NO_LOT = 0


def stock(site_id: int, item_id: int | None = None, location_id: int | None = None) -> list[StockLine]:
    """Lines with something on record or in motion, by item, place and lot. One query, and one for the site's day."""
    return _lines(Site.objects.get(pk=site_id), None if item_id is None else [item_id], location_id)


def stock_of(item_ids: Collection[int], site: Site) -> list[StockLine]:
    """The same of many items, usable or not. One query."""
    return _lines(site, item_ids)


def first_expired(site_id: int, item_id: int) -> list[tuple[StockLine, Lot | None]]:
    """What may be used of it, in the order in which to use it: what expires first, then the older lot."""
    lines = [line for line in stock(site_id, item_id) if line.usable and line.quantity > 0]
    lots = Lot.objects.in_bulk([line.lot_id for line in lines if line.lot_id])
    found = [(line, lots.get(line.lot_id or NO_LOT)) for line in lines]
    return sorted(found, key=lambda pair: (_expiry(pair[1]), pair[0].lot_id or NO_LOT, pair[0].location_id))


def _expiry(lot: Lot | None) -> date:
    return lot.expires_on if lot is not None and lot.expires_on else date.max


def stock_at(site: Site, *, item_id: int, location_id: int, lot_id: int | None) -> Decimal:
    """How much of the item lies there, of this lot or (None) of no lot; in the item's unit. One query."""
    lines = _lines(site, [item_id], location_id, NO_LOT if lot_id is None else lot_id)
    return lines[0].quantity if lines else Decimal(0)


def available(item: Item, site: Site) -> Decimal:
    """What may be used of it, in its own unit: in storage, of lots that are open and good today. One query."""
    return available_of([item.pk], site)[item.pk]


def available_of(item_ids: Collection[int], site: Site) -> dict[int, Decimal]:
    """The same for many items in one query; every id has an entry."""
    found: defaultdict[int, Decimal] = defaultdict(Decimal)
    for line in _lines(site, item_ids):
        if line.usable:
            found[line.item_id] += line.quantity
    return {item_id: found[item_id] for item_id in item_ids}


def _lines(
    site: Site, item_ids: Collection[int] | None, location_id: int | None = None, lot_id: int | None = None
) -> list[StockLine]:
    inputs = {
        "site": site.pk,
        "items": None if item_ids is None else sorted(item_ids),
        "location": location_id,
        "lot": lot_id,
        "day": day_at(site, clock.now()),
    }
    with connection.cursor() as cursor:
        cursor.execute(STOCK, inputs)
        return [StockLine(*row) for row in cursor.fetchall()]


def day_at(site: Site, moment: datetime) -> date:
    return moment.astimezone(site.zone).date()


@dataclass(frozen=True)
class LotStep:
    """`quantity`, in the unit of the consumed lot's item, went from one lot into the other.

    depth  1: directly into, or out of, the lot that was asked for
    """

    consumed_lot_id: int
    produced_lot_id: int
    quantity: Decimal
    for_kind: str
    for_id: str
    movement_id: int
    depth: int = 1


# UNION keeps each link once, so that a lot which went into itself over others ends the walk.
GENEALOGY = """
WITH RECURSIVE links AS NOT MATERIALIZED (
    SELECT l.id, l.consumed_lot_id, l.produced_lot_id, l.quantity, l.for_kind, l.for_id, l.movement_id
      FROM materials_lotlink l
     WHERE NOT EXISTS (SELECT 1 FROM materials_movement r WHERE r.reverses_id = l.movement_id)
), walk AS (
    SELECT links.* FROM links WHERE {near} = %(lot)s
    UNION
    SELECT links.* FROM walk JOIN links ON links.{near} = walk.{far}
)
SELECT consumed_lot_id, produced_lot_id, quantity, for_kind, for_id, movement_id FROM walk ORDER BY id
"""
FORWARD = GENEALOGY.format(near="consumed_lot_id", far="produced_lot_id")
BACKWARD = GENEALOGY.format(near="produced_lot_id", far="consumed_lot_id")


def where_used(lot: Lot) -> list[LotStep]:
    """All that this lot went into, near before far; what was reversed is left out. One query."""
    return _walk(FORWARD, lot.pk, forward=True)


def made_from(lot: Lot) -> list[LotStep]:
    """All that went into this lot, near before far; what was reversed is left out. One query."""
    return _walk(BACKWARD, lot.pk, forward=False)


def _walk(query: str, lot_id: int, *, forward: bool) -> list[LotStep]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"lot": lot_id})
        rows = cursor.fetchall()
    near, far = (0, 1) if forward else (1, 0)
    leaving: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        leaving[row[near]].append(row[far])
    depth = {lot_id: 0}
    waiting = [lot_id]
    for here in waiting:
        for there in leaving[here]:
            if there not in depth:
                depth[there] = depth[here] + 1
                waiting.append(there)
    steps = [replace(LotStep(*row), depth=depth[row[near]] + 1) for row in rows]
    return sorted(steps, key=lambda step: step.depth)


def next_receipt(item_id: int, site_id: int) -> ExpectedReceipt | None:
    """What comes next from a supplier; what has no date comes last."""
    expected = ExpectedReceipt.objects.filter(item=item_id, site=site_id)
    return expected.order_by(F("due_on").asc(nulls_last=True), "pk").first()


def find_lots(item_id: int, number: str) -> list[Lot]:
    """Those with this number on the label: more than one where the ERP allows it."""
    return list(Lot.objects.filter(item=item_id, number=number).order_by("pk"))


def is_material(code: str) -> bool:
    """Whether any lot or item has this number."""
    return Lot.objects.filter(number=code).exists() or Item.objects.filter(code=code).exists()
