"""What can be sent and read: for each kind of row its shape, its command, and who sees which rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from apps.core.commands import Command
from apps.erp_sync.api import serializers as shapes
from apps.erp_sync.api import shown
from apps.erp_sync.api.fields import Flag, Moment
from apps.erp_sync.api.scopes import RESOURCES as PLACES
from apps.erp_sync.api.work_centers import WorkCenterRow, WorkUnitRow, upsert_work_centers
from apps.materials import commands as materials
from apps.materials.models import Bom, Item, Location, Lot, StockSnapshot, Unit
from apps.orders import commands as orders
from apps.orders.models import Routing, WorkOrder
from apps.plant.models import WorkCenter

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """`per_site`: its rows lie at one site. `adopts`: it can be said that rows of ours become the ERP's.

    extras  further members of the body beside `rows`, which the command takes by the same names
    """

    name: str
    shape: type[serializers.Serializer[Any]]
    row: Callable[[dict[str, Any]], Any]
    command: Command[..., Any]
    rows: Callable[[], QuerySet[Any]]
    show: Callable[[Any], dict[str, Any]]
    key: str = "erp_key"
    adopts: bool = False
    extras: Mapping[str, Callable[[], serializers.Field[Any, Any, Any, Any]]] = field(default_factory=dict)

    @property
    def per_site(self) -> bool:
        return PLACES[self.name][2]

    @property
    def title(self) -> str:
        return "".join(part.title() for part in self.name.split("-"))


def keyed(kind: type[Any], **parts: type[Any]) -> Callable[[dict[str, Any]], Any]:
    """Makes the command's row of validated values; `parts` are lists of rows of their own."""

    def make(values: dict[str, Any]) -> Any:
        given = dict(values)
        if "key" in given:
            given["erp_key"] = given.pop("key")
        for name, part in parts.items():
            if name in given:
                given[name] = tuple(keyed(part)(line) for line in given[name])
        return kind(**given)

    return make


ALL = [
    Resource(
        name="units",
        shape=shapes.UnitIn,
        row=keyed(materials.UnitRow),
        command=materials.upsert_units,
        rows=Unit.objects.all,
        show=shown.unit,
        adopts=True,
    ),
    Resource(
        name="items",
        shape=shapes.ItemIn,
        row=keyed(materials.ItemRow, units=materials.ItemUnitRow),
        command=materials.upsert_items,
        rows=lambda: Item.objects.select_related("unit").prefetch_related("units__unit"),
        show=shown.item,
        adopts=True,
    ),
    Resource(
        name="boms",
        shape=shapes.BomIn,
        row=keyed(materials.BomRow, lines=materials.BomLineRow),
        command=materials.upsert_boms,
        rows=lambda: Bom.objects.select_related("item").prefetch_related("lines__item", "lines__unit"),
        show=shown.bom,
        adopts=True,
    ),
    Resource(
        name="locations",
        shape=shapes.LocationIn,
        row=keyed(materials.LocationRow),
        command=materials.upsert_locations,
        rows=lambda: Location.objects.select_related("site"),
        show=shown.location,
        adopts=True,
    ),
    Resource(
        name="lots",
        shape=shapes.LotIn,
        row=keyed(materials.LotRow),
        command=materials.upsert_lots,
        rows=lambda: Lot.objects.select_related("item"),
        show=shown.lot,
    ),
    Resource(
        name="stock",
        shape=shapes.StockIn,
        row=keyed(materials.SnapshotRow),
        command=materials.set_stock_snapshot,
        rows=lambda: StockSnapshot.objects.select_related("item", "location", "lot", "unit", "site"),
        show=shown.stock,
        key="item__erp_key",
        extras={"as_of": Moment, "complete": lambda: Flag(required=False)},
    ),
    Resource(
        name="work-centers",
        shape=shapes.WorkCenterIn,
        row=keyed(WorkCenterRow, units=WorkUnitRow),
        command=upsert_work_centers,
        rows=lambda: WorkCenter.objects.select_related("site", "area").prefetch_related("work_units"),
        show=shown.work_center,
    ),
    Resource(
        name="routings",
        shape=shapes.RoutingIn,
        row=keyed(orders.RoutingRow, steps=orders.RoutingStepRow),
        command=orders.upsert_routings,
        rows=lambda: Routing.objects.select_related("site", "item").prefetch_related(
            "steps__work_center", "steps__work_unit"
        ),
        show=shown.routing,
        adopts=True,
    ),
    Resource(
        name="work-orders",
        shape=shapes.WorkOrderIn,
        row=keyed(orders.WorkOrderRow, operations=orders.OrderOperationRow),
        command=orders.take_work_orders,
        rows=lambda: WorkOrder.objects.select_related("site", "item", "receipt_location").prefetch_related(
            "job_orders__work_center", "job_orders__work_unit", "pending_changes"
        ),
        show=shown.work_order,
    ),
    Resource(
        name="commit-dates",
        shape=shapes.CommitDateIn,
        row=keyed(orders.CommitDateRow),
        command=orders.take_commit_dates,
        rows=lambda: WorkOrder.objects.select_related("site"),
        show=shown.commit_date,
    ),
]
