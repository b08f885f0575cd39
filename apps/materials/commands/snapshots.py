"""What the ERP says lies where."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.ownership import erp_authority
from apps.materials.actions import MANAGE_MATERIALS
from apps.materials.commands.candidates import References
from apps.materials.commands.erp_rows import MOST_ROWS, Outcome, Rejected, Report, RowReport, SnapshotRow
from apps.materials.commands.rows import alone_with, found
from apps.materials.commands.upsert import check_size, comes_from_erp
from apps.materials.conversion import CannotConvert, convert
from apps.materials.events import StockTaken
from apps.materials.models import Advance, Item, Location, Lot, Movement, StockSnapshot, Unit
from apps.plant.models import Site

# Which item lies in which place, of which lot.
Place = tuple[int, int, int | None]
WRITTEN = ["quantity", "unit", "stock_quantity", "as_of", "erp_version"]


@command("materials.set_stock_snapshot")
def set_stock_snapshot(
    context: Context,
    *,
    site_id: int,
    as_of: datetime,
    rows: list[SnapshotRow],
    complete: bool = False,
    all_or_none: bool = False,
    dry_run: bool = False,
) -> Report:
    """Replaces what was on record for these places and lots as of `as_of`; an older word than the known one is stale.

    What the ERP had confirmed by `as_of` is taken to be in these figures.
    complete  of the items in `rows` these are all places and lots of the site: whatever is not named holds nothing
    """
    site = found(context, Site.objects.all(), site_id)
    context.allow(MANAGE_MATERIALS, at=site.scope)
    check_size(context, rows)
    alone_with("snapshot", site.pk)
    taking = _Taking(site, as_of, from_erp=comes_from_erp(context))
    taking.load(rows)
    for index, row in enumerate(rows):
        try:
            taking.take(index, row)
        except Rejected as problem:
            taking.reports.append(
                RowReport(index=index, outcome=Outcome.REJECTED, field=problem.field, sentence=problem.sentence)
            )
    failed = any(report.outcome == Outcome.REJECTED for report in taking.reports)
    written = not dry_run and not (all_or_none and failed)
    if complete:
        rejected = {rows[report.index].item for report in taking.reports if report.outcome == Outcome.REJECTED}
        taking.empty_the_rest(rejected)
    if written:
        with erp_authority(context) if taking.from_erp else nullcontext():
            taking.write()
        items = sorted({item_id for item_id, _location, _lot in [*taking.created, *taking.updated]})
        if items:
            context.record(StockTaken(subject_id=site.pk, site_id=site.pk, items=items))
        context.touch(*[f"stock:{item_id}" for item_id in items])
    return Report(rows=[taking.with_id(report) for report in taking.reports], written=written)


class _Taking:
    """One delivery on its way into the table."""

    def __init__(self, site: Site, as_of: datetime, *, from_erp: bool) -> None:
        self.site = site
        self.as_of = as_of
        self.from_erp = from_erp
        self.references = References(from_erp=from_erp)
        self.lots: dict[tuple[int, str], Lot] = {}
        self.known: dict[Place, StockSnapshot] = {}
        self.created: dict[Place, StockSnapshot] = {}
        self.updated: dict[Place, StockSnapshot] = {}
        self.places: dict[int, Place] = {}
        self.taken: set[Place] = set()
        self.reports: list[RowReport] = []

    def load(self, rows: Sequence[SnapshotRow]) -> None:
        self.references.load(Item, {row.item for row in rows}, "unit", prefetch=["units__unit"])
        self.references.load(Location, {row.location for row in rows})
        self.references.load(Unit, {row.unit for row in rows})
        items = self.references.all(Item)
        named = {row.lot for row in rows} - {""}
        lots = Lot.objects.filter(item__in=items)
        lots = lots.filter(erp_key__in=named) if self.from_erp else lots.filter(number__in=named, erp_key="")
        self.lots = {(lot.item_id, lot.erp_key if self.from_erp else lot.number): lot for lot in lots}
        there = StockSnapshot.objects.select_for_update(no_key=True).filter(site=self.site, item__in=items)
        self.known = {(row.item_id, row.location_id, row.lot_id): row for row in there.order_by("pk")}

    def take(self, index: int, row: SnapshotRow) -> None:
        """Raises Rejected."""
        item: Item = self.references.get(Item, row.item, "item")
        location: Location = self.references.get(Location, row.location, "location")
        unit: Unit = self.references.get(Unit, row.unit, "unit")
        lot = self.lots.get((item.pk, row.lot))
        if location.site_id != self.site.pk:
            raise Rejected("location", _("This place is at another site."))
        if row.lot and lot is None:
            raise Rejected("lot", _("There is no lot %(lot)s of %(item)s here.") % {"lot": row.lot, "item": item.code})
        if not self.from_erp and item.is_erps:
            raise Rejected("item", _("Stock of this item is the ERP's."))
        place = (item.pk, location.pk, lot.pk if lot else None)
        if place in self.taken:
            raise Rejected("location", _("This place is in the list twice."))
        try:
            stock_quantity = convert(row.quantity, unit, item.unit, item)
        except CannotConvert as error:
            raise Rejected("unit", str(error)) from error
        if abs(stock_quantity) >= Decimal(10) ** 12 or round(row.quantity, 6) != row.quantity:
            raise Rejected("quantity", _("At most 12 digits before and 6 after the point are kept."))
        self.places[index] = place
        self.taken.add(place)
        values = {
            "quantity": row.quantity,
            "unit_id": unit.pk,
            "stock_quantity": stock_quantity,
            "as_of": self.as_of,
            "erp_version": row.version,
        }
        self.reports.append(RowReport(index=index, outcome=self._put(place, values)))

    def _put(self, place: Place, values: dict[str, Any]) -> Outcome:
        row = self.known.get(place)
        if row is None:
            item_id, location_id, lot_id = place
            self.created[place] = StockSnapshot(
                site=self.site, item_id=item_id, location_id=location_id, lot_id=lot_id, **values
            )
            return Outcome.CREATED
        if self.as_of < row.as_of:
            return Outcome.STALE
        if all(getattr(row, name) == value for name, value in values.items()):
            return Outcome.UNCHANGED
        for name, value in values.items():
            setattr(row, name, value)
        self.updated[place] = row
        return Outcome.UPDATED

    def empty_the_rest(self, without: Collection[str]) -> None:
        """Also where the ERP never said anything: our posted movements there, and its own advances, are in its nothing.

        without  items, by their names in the rows, of which not every row could be taken
        """
        known = [item for item in self.references.all(Item) if self.from_erp or not item.is_erps]
        items = {item.pk: item for item in known if (item.erp_key if self.from_erp else item.code) not in without}
        rest = {place for place in self.known if place[0] in items}
        for end in ("from_location", "to_location"):
            moved = Movement.objects.filter(Q(**{f"{end}__isnull": False}), site=self.site, item__in=items)
            rest |= set(moved.values_list("item", F(end), "lot").distinct())
        ahead = Advance.objects.filter(site=self.site, item__in=items, settled_at=None)
        rest |= set(ahead.values_list("item", "location", "lot").distinct())
        for place in rest - self.taken:
            nothing = {
                "quantity": Decimal(0),
                "unit_id": items[place[0]].unit_id,
                "stock_quantity": Decimal(0),
                "as_of": self.as_of,
                "erp_version": "",
            }
            self._put(place, nothing)

    def write(self) -> None:
        StockSnapshot.objects.bulk_create(self.created.values(), batch_size=MOST_ROWS)
        StockSnapshot.objects.bulk_update(self.updated.values(), WRITTEN, batch_size=MOST_ROWS)

    def with_id(self, report: RowReport) -> RowReport:
        place = self.places.get(report.index)
        row = (self.known.get(place) or self.created.get(place)) if place else None
        return RowReport(
            index=report.index,
            outcome=report.outcome,
            row_id=row.pk if row else None,
            field=report.field,
            sentence=report.sentence,
        )
