"""What is still to come from suppliers: the whole list each time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.ownership import erp_authority
from apps.materials.actions import MANAGE_MATERIALS
from apps.materials.commands.erp_rows import Row
from apps.materials.commands.rows import alone_with, found
from apps.materials.commands.upsert import comes_from_erp
from apps.materials.conversion import CannotConvert, convert
from apps.materials.events import ReceiptsExpected
from apps.materials.models import ExpectedReceipt, Item, Unit
from apps.plant.models import Site

FIELDS = ("item_id", "stock_quantity", "due_on", "supplier", "document")


@dataclass(frozen=True, kw_only=True)
class ExpectedRow(Row):
    """`item` by its key in the ERP, `unit` by its code; `due_on` None: the ERP does not say."""

    item: str
    quantity: Decimal
    unit: str
    due_on: date | None
    supplier: str = ""
    document: str = ""


@command("materials.set_expected_receipts")
def set_expected_receipts(context: Context, *, site_id: int, rows: list[ExpectedRow]) -> int:
    """What is not in the list is not expected any more; how many have changed. Unknown items are left out.

    Refused: erp_owned.
    """
    site = found(context, Site.objects.all(), site_id)
    context.allow(MANAGE_MATERIALS, at=site.scope)
    if not comes_from_erp(context):
        context.refuse("erp_owned", _("Only the ERP changes this."))
    alone_with("expected", site.pk)
    wanted = {row.erp_key: values for row, values in zip(rows, _values_of(rows), strict=True) if values}
    known = {row.erp_key: row for row in ExpectedReceipt.objects.filter(site=site)}
    gone = [row.pk for key, row in known.items() if key not in wanted]
    other = {key for key, row in known.items() if key in wanted and _values(row) != wanted[key]}
    new = wanted.keys() - known.keys()
    with erp_authority(context):
        ExpectedReceipt.objects.filter(pk__in=[*gone, *(known[key].pk for key in other)]).delete()
        ExpectedReceipt.objects.bulk_create(
            ExpectedReceipt(site=site, erp_key=key, **wanted[key]) for key in sorted(other | new)
        )
    items = {known[key].item_id for key in other} | {wanted[key]["item_id"] for key in other | new}
    items |= {row.item_id for row in known.values() if row.pk in gone}
    if items:
        context.record(ReceiptsExpected(subject_id=site.pk, site_id=site.pk, items=sorted(items)))
    context.touch(*[item.topic for item in Item.objects.filter(pk__in=items)])
    return len(gone) + len(other) + len(new)


def _values_of(rows: list[ExpectedRow]) -> list[dict[str, Any]]:
    named = Item.objects.filter(erp_key__in={row.item for row in rows}).select_related("unit")
    items = {item.erp_key: item for item in named.prefetch_related("units__unit")}
    units = {unit.code: unit for unit in Unit.objects.filter(code__in={row.unit for row in rows})}
    return [_values_in_own_unit(row, items.get(row.item), units.get(row.unit)) for row in rows]


def _values_in_own_unit(row: ExpectedRow, item: Item | None, unit: Unit | None) -> dict[str, Any]:
    if item is None or unit is None or not row.quantity > 0:
        return {}
    try:
        quantity = convert(row.quantity, unit, item.unit, item)
    except CannotConvert:
        return {}
    values = (item.pk, quantity, row.due_on, row.supplier, row.document)
    return dict(zip(FIELDS, values, strict=True))


def _values(row: ExpectedReceipt) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}
