"""Records of an ERP as the rows that our commands take, whatever the ERP; keys are "type,id"."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.erp_sync.api.work_centers import WorkCenterRow, WorkUnitRow
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.payloads import key_of
from apps.materials.commands import (
    BomLineRow,
    BomRow,
    ItemRow,
    LocationRow,
    LotRow,
    SnapshotRow,
    UnitRow,
)
from apps.materials.commands.erp_rows import Rejected
from apps.materials.models import Item, ItemKind, Location, LocationKind, Unit
from apps.orders.commands import OrderOperationRow, RoutingRow, RoutingStepRow, WorkOrderRow
from apps.plant.models import Site, WorkUnit

MOST_DIGITS = 6
CODE_LENGTH = 20
KINDS = {
    erp.LocationUse.STORAGE: LocationKind.STORAGE,
    erp.LocationUse.PRODUCTION: LocationKind.PRODUCTION,
    erp.LocationUse.SCRAP: LocationKind.SCRAP,
    erp.LocationUse.OUT_OF_REACH: LocationKind.QUARANTINE,
}
# Orders that nobody has released are plans; those that are over come to us only if we know them.
RUNNABLE = (erp.OrderState.RELEASED, erp.OrderState.RESERVED, erp.OrderState.RUNNING)


class Rows:
    """Of one site; looks up at most what a whole page names."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._units: Mapping[str, str] | None = None

    def unit(self, symbol: str) -> str:
        """The key of the unit with this symbol.  Raises Rejected."""
        if self._units is None:
            self._units = dict(Unit.objects.exclude(erp_key="").values_list("code", "erp_key"))
        if symbol not in self._units:
            raise Rejected("unit", _("There is no unit %(key)s here.") % {"key": symbol})
        return self._units[symbol]

    # ---- master data

    def of_unit(self, record: erp.UnitRecord) -> list[UnitRow]:
        if not record.active:
            return []
        return [
            UnitRow(
                erp_key=key_of(record.ref),
                version=record.ref.version,
                code=record.symbol,
                name=record.name,
                category=record.category,
                factor=record.factor,
                digits=min(record.digits, MOST_DIGITS),
            )
        ]

    def of_item(self, record: erp.ItemRecord) -> list[ItemRow]:
        return [
            ItemRow(
                erp_key=key_of(record.ref),
                version=record.ref.version,
                code=record.code or f"#{record.ref.id}",
                name=record.name,
                unit=self.unit(record.unit),
                kind=ItemKind.MADE if record.made else ItemKind.BOUGHT,
                lot_tracked=record.lot_controlled,
                active=record.active,
            )
        ]

    def of_location(self, record: erp.LocationRecord) -> list[LocationRow]:
        if record.use not in KINDS:
            return []
        return [
            LocationRow(
                erp_key=key_of(record.ref),
                version=record.ref.version,
                code=record.code or record.name,
                name=record.name,
                kind=KINDS[record.use],
                active=record.active,
            )
        ]

    def of_lot(self, record: erp.LotRecord) -> list[LotRow]:
        key = key_of(record.ref)
        return [LotRow(erp_key=key, version=record.ref.version, item=key_of(record.item), number=record.number)]

    def of_bom(self, record: erp.BomRecord) -> list[BomRow]:
        """A list makes its first output; what else comes out of it is not ours to plan."""
        if not record.outputs:
            raise Rejected("outputs", _("The parts list makes nothing."))
        made = record.outputs[0]
        lines = tuple(
            BomLineRow(
                item=key_of(line.item),
                quantity=line.quantity.value,
                unit=self.unit(line.quantity.unit),
                position=10 * number,
            )
            for number, line in enumerate(record.inputs, 1)
        )
        return [
            BomRow(
                erp_key=key_of(record.ref),
                version=record.ref.version,
                item=key_of(made.item),
                code=record.name,
                quantity=made.quantity.value,
                active=record.active,
                lines=lines,
            )
        ]

    def of_routing(self, record: erp.RoutingRecord) -> list[RoutingRow]:
        """One for each item that it makes."""
        steps = tuple(self._step(step) for step in record.steps)
        return [
            RoutingRow(
                erp_key=routing_key(record.ref, item),
                version=record.ref.version,
                item=key_of(item),
                code=record.name,
                active=record.active,
                steps=steps,
            )
            for item in record.items
        ]

    def _step(self, step: erp.RoutingStep) -> RoutingStepRow:
        """At the one station that can do it, or at any of the line."""
        keys = [key_of(place) for place in step.work_centers]
        units = list(WorkUnit.objects.filter(site=self.site, erp_key__in=keys).select_related("work_center"))
        if not units:
            raise Rejected("steps", _("No station here can do %(name)s.") % {"name": step.operation})
        return RoutingStepRow(
            sequence=step.sequence,
            name=step.operation,
            work_center=units[0].work_center.erp_key,
            work_unit=units[0].erp_key if len(units) == 1 else "",
            run_minutes_per_piece=None,
        )

    # ---- orders

    def of_order(self, record: erp.OrderRecord, promises: Mapping[str, erp.CommitDate]) -> list[WorkOrderRow]:
        cancelled = record.state is erp.OrderState.CANCELLED
        if record.item is None or not (cancelled or record.state in RUNNABLE):
            return []
        promise = promises.get(record.ref.id)
        return [
            WorkOrderRow(
                erp_key=key_of(record.ref),
                version=record.ref.version,
                number=record.reference or record.number,
                item=key_of(record.item),
                quantity=record.quantity.value,
                unit=self.unit(record.quantity.unit),
                due_at=self.end_of((promise.day if promise else None) or record.planned_end),
                customer=promise.customer if promise else "",
                routing=routing_key(record.routing, record.item) if record.routing else "",
                bom=key_of(record.bom),
                cancelled=cancelled,
                receipt_location=self._receipt_location(record),
                operations=tuple(
                    OrderOperationRow(
                        sequence=operation.sequence,
                        erp_key=key_of(operation.ref),
                        work_unit=key_of(operation.work_center),
                    )
                    for operation in record.operations
                ),
            )
        ]

    def _receipt_location(self, record: erp.OrderRecord) -> str:
        """Where the ERP means the pieces to go, should it be a place of ours."""
        meant = [move for move in record.receipts if record.item and move.item.same_record(record.item)]
        keys = [key_of(move.to_location) for move in meant if not move.to_waste]
        known = Location.objects.filter(site=self.site, erp_key__in=keys).values_list("erp_key", flat=True)
        return next(iter(known), "")

    def end_of(self, day: date | None) -> datetime | None:
        """What is due on a day is due when it ends at the site."""
        if day is None:
            return None
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=self.site.zone) - timedelta(minutes=1)

    # ---- stock

    def of_stock(self, record: erp.ItemStockRecord) -> list[SnapshotRow]:
        """An item of which nothing is left is said to lie nowhere by lying in none of the site's places."""
        rows = [
            SnapshotRow(
                item=key_of(record.ref),
                location=key_of(place.location),
                lot=key_of(place.lot),
                quantity=place.on_hand.value,
                unit=self.unit(place.on_hand.unit),
            )
            for place in record.places
        ]
        return rows or self._none_of(record)

    def _none_of(self, record: erp.ItemStockRecord) -> list[SnapshotRow]:
        item = Item.objects.filter(erp_key=key_of(record.ref)).select_related("unit").first()
        places = Location.objects.filter(site=self.site, kind=LocationKind.STORAGE).exclude(erp_key="")
        place = places.order_by("pk").first()
        if item is None or place is None:
            return []
        nowhere = SnapshotRow(item=item.erp_key, location=place.erp_key, quantity=Decimal(0), unit=item.unit.erp_key)
        return [nowhere]


def routing_key(routing: erp.ErpRef, item: erp.ErpRef) -> str:
    """A routing of an ERP makes several items, one of ours makes one."""
    return f"{key_of(routing)}/{item.id}"


def lines_of(records: Iterable[erp.WorkCenterRecord]) -> list[WorkCenterRow]:
    """Places with places below them are lines, these their stations; one that stands alone is both."""
    used = {record.ref.id: record for record in records if record.active}
    below: defaultdict[str, list[erp.WorkCenterRecord]] = defaultdict(list)
    for record in used.values():
        if record.parent is not None and record.parent.id in used:
            below[record.parent.id].append(record)
    leaves = {key for key in used if not below[key]}
    rows = []
    for key, record in used.items():
        stations = [child for child in below[key] if child.ref.id in leaves]
        alone = key in leaves and (record.parent is None or record.parent.id not in used)
        if stations or alone:
            rows.append(_line(record, stations or [record]))
    return rows


def _line(record: erp.WorkCenterRecord, stations: list[erp.WorkCenterRecord]) -> WorkCenterRow:
    units = tuple(
        WorkUnitRow(erp_key=key_of(unit.ref), code=_code(unit.name), name=unit.name, position=position)
        for position, unit in enumerate(stations)
    )
    return WorkCenterRow(erp_key=key_of(record.ref), code=_code(record.name), name=record.name, units=units)


def _code(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:CODE_LENGTH] or "ERP"
