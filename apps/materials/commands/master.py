"""Units, items, parts lists, places and lots, as the ERP sends them; the shapes are in `erp_rows`.

Every command answers a report per row. all_or_none: one rejected row, and none is written. dry_run: none is written,
the report says what would be. adopt: a row of ours of the same name becomes the ERP's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.materials.actions import MANAGE_MATERIALS
from apps.materials.commands.candidates import Candidate, Children, References, Spec, Values, nothing_to_load
from apps.materials.commands.erp_rows import BomRow, ItemRow, LocationRow, LotRow, Rejected, Report, UnitRow
from apps.materials.commands.rows import found
from apps.materials.commands.upsert import Options, upsert
from apps.materials.conversion import CannotConvert, convert
from apps.materials.models import Bom, BomLine, Item, ItemUnit, Location, Lot, Movement, StockSnapshot, Unit
from apps.materials.structure import find_cycle
from apps.plant.models import Site


@command("materials.upsert_units")
def upsert_units(
    context: Context,
    *,
    rows: list[UnitRow],
    all_or_none: bool = False,
    dry_run: bool = False,
    adopt: bool = False,
) -> Report:
    context.allow(MANAGE_MATERIALS, at=EVERYWHERE)
    return upsert(context, UNITS, rows, Options(all_or_none=all_or_none, dry_run=dry_run, adopt=adopt))


@command("materials.upsert_items")
def upsert_items(
    context: Context,
    *,
    rows: list[ItemRow],
    all_or_none: bool = False,
    dry_run: bool = False,
    adopt: bool = False,
) -> Report:
    """Rejects another unit for an item that has stock or movements: their quantities are in the old one."""
    context.allow(MANAGE_MATERIALS, at=EVERYWHERE)
    return upsert(context, ITEMS, rows, Options(all_or_none=all_or_none, dry_run=dry_run, adopt=adopt))


@command("materials.upsert_boms")
def upsert_boms(
    context: Context,
    *,
    rows: list[BomRow],
    all_or_none: bool = False,
    dry_run: bool = False,
    adopt: bool = False,
) -> Report:
    """Rejects a list by which an item would go into itself, and says over which others."""
    context.allow(MANAGE_MATERIALS, at=EVERYWHERE)
    return upsert(context, BOMS, rows, Options(all_or_none=all_or_none, dry_run=dry_run, adopt=adopt))


@command("materials.upsert_locations")
def upsert_locations(
    context: Context,
    *,
    site_id: int,
    rows: list[LocationRow],
    all_or_none: bool = False,
    dry_run: bool = False,
    adopt: bool = False,
) -> Report:
    site = found(context, Site.objects.all(), site_id)
    context.allow(MANAGE_MATERIALS, at=site.scope)
    options = Options(all_or_none=all_or_none, dry_run=dry_run, adopt=adopt, site_id=site_id)
    return upsert(context, _locations_of(site), rows, options)


@command("materials.upsert_lots")
def upsert_lots(context: Context, *, rows: list[LotRow], all_or_none: bool = False, dry_run: bool = False) -> Report:
    """A lot stays one of its item."""
    context.allow(MANAGE_MATERIALS, at=EVERYWHERE)
    return upsert(context, LOTS, rows, Options(all_or_none=all_or_none, dry_run=dry_run))


def _above_zero(value: Decimal, field: str) -> Decimal:
    if not value > 0:
        raise Rejected(field, _("It has to be more than zero."))
    return value


# ---- units


def _unit(row: UnitRow, references: References) -> Values:  # noqa: ARG001  # the shape of all of them
    if row.digits > 6:
        raise Rejected("digits", _("At most 6 decimals are kept."))
    return {
        "code": row.code,
        "name": row.name,
        "category": row.category,
        "factor": _above_zero(row.factor, "factor"),
        "digits": row.digits,
    }


UNITS = Spec(model=Unit, load=nothing_to_load, values=_unit, name=("code",))


# ---- items


def _load_units(rows: Sequence[ItemRow], references: References) -> None:
    names = {row.unit for row in rows} | {other.unit for row in rows for other in row.units}
    references.load(Unit, names)


def _item(row: ItemRow, references: References) -> Values:
    return {
        "code": row.code,
        "name": row.name,
        "unit_id": references.get(Unit, row.unit, "unit").pk,
        "kind": row.kind,
        "lot_tracked": row.lot_tracked,
        "shelf_life_days": row.shelf_life_days,
        "active": row.active,
    }


def _item_units(row: ItemRow, references: References) -> list[Values]:
    own = references.get(Unit, row.unit, "unit")
    units = [references.get(Unit, other.unit, "units") for other in row.units]
    if any(unit.category == own.category for unit in units):
        raise Rejected("units", _("Units of one category convert by themselves; leave them out."))
    _each_once([unit.pk for unit in units], "units")
    return [
        {"unit_id": unit.pk, "factor": _above_zero(other.factor, "units")}
        for unit, other in zip(units, row.units, strict=True)
    ]


def _each_once(keys: Iterable[object], field: str) -> None:
    listed = list(keys)
    if len(set(listed)) < len(listed):
        raise Rejected(field, _("One of them is in the list twice."))


def _keep_units(candidates: list[Candidate]) -> None:
    moved = {c.target.pk: c for c in candidates if c.is_open and c.before and "unit_id" in c.changed}
    if not moved:
        return
    used = set(Movement.objects.filter(item__in=moved).values_list("item", flat=True).distinct())
    used |= set(StockSnapshot.objects.filter(item__in=moved).values_list("item", flat=True).distinct())
    for item_id in used:
        moved[item_id].reject(Rejected("unit", _("Stock of this item is kept in another unit already.")))


ITEMS = Spec(
    model=Item,
    load=_load_units,
    values=_item,
    name=("code",),
    children=Children(model=ItemUnit, parent="item", key="unit_id", values=_item_units),
    also=_keep_units,
)


# ---- parts lists


def _load_parts(rows: Sequence[BomRow], references: References) -> None:
    lines = [line for row in rows for line in row.lines]
    items = {row.item for row in rows} | {line.item for line in lines}
    references.load(Item, items, "unit", prefetch=["units__unit"])
    references.load(Unit, {line.unit for line in lines})


def _bom(row: BomRow, references: References) -> Values:
    return {
        "item_id": references.get(Item, row.item, "item").pk,
        "code": row.code,
        "quantity": _above_zero(row.quantity, "quantity"),
        "active": row.active,
    }


def _bom_lines(row: BomRow, references: References) -> list[Values]:
    _each_once([line.position for line in row.lines], "lines")
    found_lines: list[Values] = []
    for line in row.lines:
        item = references.get(Item, line.item, "lines")
        unit = references.get(Unit, line.unit, "lines")
        try:
            convert(Decimal(1), unit, item.unit, item)
        except CannotConvert as error:
            raise Rejected("lines", str(error)) from error
        found_lines.append(
            {
                "item_id": item.pk,
                "quantity": _above_zero(line.quantity, "lines"),
                "unit_id": unit.pk,
                "position": line.position,
                "operation_sequence": line.operation_sequence,
            }
        )
    return found_lines


def _no_cycles(candidates: list[Candidate]) -> None:
    """All lists at once, so that two of one delivery may exchange their parts; one that closes a cycle is rejected."""
    lists: dict[object, tuple[int, list[int]]] = {}
    for bom_id, whole, part in BomLine.objects.filter(bom__active=True).values_list("bom", "bom__item", "item"):
        lists.setdefault(bom_id, (whole, []))[1].append(part)
    going = {
        candidate.target.pk or ("new", candidate.index): candidate for candidate in candidates if candidate.is_open
    }
    before = {key: lists.pop(key, None) for key in going}
    for key, candidate in going.items():
        if candidate.target.active:
            lists[key] = (candidate.target.item_id, [line["item_id"] for line in candidate.lines])
    paths: dict[int, list[int]] = {}
    while closing := _first_cycle(lists, going):
        key, path = closing
        candidate = going.pop(key)
        candidate.reject(Rejected("lines", ""))
        paths[candidate.index] = path
        del lists[key]
        if (old := before[key]) is not None:
            lists[key] = old
    _name_cycles(candidates, paths)


def _first_cycle(
    lists: dict[object, tuple[int, list[int]]], going: dict[object, Candidate]
) -> tuple[object, list[int]] | None:
    uses: defaultdict[int, list[int]] = defaultdict(list)
    for whole, parts in lists.values():
        uses[whole] += parts
    for key, candidate in going.items():
        if key in lists and (path := find_cycle(uses, candidate.target.item_id)):
            return key, path
    return None


def _name_cycles(candidates: list[Candidate], paths: dict[int, list[int]]) -> None:
    if not paths:
        return
    items = {item_id for path in paths.values() for item_id in path}
    codes = dict(Item.objects.filter(pk__in=items).values_list("pk", "code"))
    for index, path in paths.items():
        way = " \u2192 ".join(codes[item_id] for item_id in path)
        sentence = _("The item would go into itself: %(way)s.") % {"way": way}
        candidates[index].reject(Rejected("lines", sentence))


BOMS = Spec(
    model=Bom,
    load=_load_parts,
    values=_bom,
    name=("item_id", "code"),
    children=Children(model=BomLine, parent="bom", key="position", values=_bom_lines),
    also=_no_cycles,
)


# ---- places


def _locations_of(site: Site) -> Spec:
    def values(row: LocationRow, references: References) -> Values:  # noqa: ARG001
        return {"site_id": site.pk, "code": row.code, "name": row.name, "kind": row.kind, "active": row.active}

    def stay(candidates: list[Candidate]) -> None:
        for candidate in candidates:
            if candidate.is_open and "site_id" in candidate.changed and candidate.before:
                candidate.reject(Rejected("erp_key", _("This place is known at another site.")))

    return Spec(model=Location, load=nothing_to_load, values=values, name=("site_id", "code"), also=stay)


# ---- lots


def _load_items(rows: Sequence[Any], references: References) -> None:
    references.load(Item, {row.item for row in rows})


def _lot(row: LotRow, references: References) -> Values:
    return {
        "item_id": references.get(Item, row.item, "item").pk,
        "number": row.number,
        "blocked_in_erp": row.blocked,
        "expires_on": row.expires_on,
    }


def _stay_with_item(candidates: list[Candidate]) -> None:
    for candidate in candidates:
        if candidate.is_open and candidate.before and "item_id" in candidate.changed:
            candidate.reject(Rejected("item", _("This lot is known as one of another item.")))


LOTS = Spec(
    model=Lot,
    load=_load_items,
    values=_lot,
    name=("item_id", "number"),
    unique=False,
    adopts=True,
    also=_stay_with_item,
)
