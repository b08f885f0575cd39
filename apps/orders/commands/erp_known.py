"""What the orders of one delivery name, and what is here of them already: read once, and without a lock.

Other deliveries of orders wait meanwhile. What else may change is seen again, under its lock, by whoever writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from apps.materials.commands.erp_rows import Rejected
from apps.materials.models import Item, Location, Unit
from apps.orders.commands.erp_rows import WorkOrderRow
from apps.orders.commands.planning import Plan, operations_of, plan_for
from apps.orders.commands.release import Operation
from apps.orders.models import JobOrder, OrderPlan, PendingChange, WorkOrder
from apps.plant.models import Site, WorkUnit


@dataclass
class Known:
    """The number of queries does not grow with the number of rows, only with that of the items that they name."""

    site: Site
    rows: Sequence[WorkOrderRow]
    _plans: dict[tuple[int, str, str], Plan] = field(default_factory=dict)
    _steps: dict[tuple[int, int | None], list[Operation]] = field(default_factory=dict)

    @cached_property
    def orders(self) -> dict[str, WorkOrder]:
        """By key; this site's own should another site know the same."""
        rows = WorkOrder.objects.filter(erp_key__in={row.erp_key for row in self.rows} - {""})
        found = sorted(rows, key=lambda order: order.site_id == self.site.pk)
        return {order.erp_key: order for order in found}

    @cached_property
    def numbers(self) -> set[str]:
        """Those of the delivery that an order here bears, or bore."""
        numbers = {row.number for row in self.rows}
        return set(WorkOrder.objects.filter(site=self.site, number__in=numbers).values_list("number", flat=True))

    @cached_property
    def _ids(self) -> list[int]:
        return [order.pk for order in self.orders.values()]

    @cached_property
    def statuses(self) -> dict[int, set[str]]:
        """Of the operations, by order."""
        found: defaultdict[int, set[str]] = defaultdict(set)
        rows = JobOrder.objects.filter(work_order__in=self._ids).order_by().values_list("work_order_id", "status")
        for order_id, status in rows.distinct():
            found[order_id].add(status)
        return found

    @cached_property
    def jobs(self) -> dict[int, list[JobOrder]]:
        """By order; whoever sends no operations does not ask for them."""
        found: defaultdict[int, list[JobOrder]] = defaultdict(list)
        for job in JobOrder.objects.filter(work_order__in=self._ids):
            found[job.work_order_id].append(job)
        return found

    @cached_property
    def made_from(self) -> dict[int, OrderPlan]:
        rows = OrderPlan.objects.filter(work_order__in=self._ids).select_related("routing", "bom")
        return {plan.work_order_id: plan for plan in rows}

    @cached_property
    def to_be_decided(self) -> set[int]:
        """Orders with an open change."""
        return set(PendingChange.objects.open().filter(work_order__in=self._ids).values_list("work_order", flat=True))

    @cached_property
    def _places(self) -> dict[str, Location]:
        keys = {row.receipt_location for row in self.rows} - {""}
        return _by_key(Location.objects.filter(site=self.site, erp_key__in=keys))

    @cached_property
    def _stations(self) -> dict[str, WorkUnit]:
        keys = {operation.work_unit for row in self.rows for operation in row.operations} - {""}
        return _by_key(WorkUnit.objects.filter(site=self.site, erp_key__in=keys))

    @cached_property
    def _items(self) -> dict[str, Item]:
        items = Item.objects.select_related("unit").prefetch_related("units__unit")
        return _by_key(items.filter(erp_key__in={row.item for row in self.rows} - {""}))

    @cached_property
    def _units(self) -> dict[str, Unit]:
        return _by_key(Unit.objects.filter(erp_key__in={row.unit for row in self.rows} - {""}))

    def item(self, key: str) -> Item:
        """Raises Rejected."""
        if key not in self._items:
            raise Rejected("item", _("There is no item %(key)s here.") % {"key": key or "\u2013"})
        return self._items[key]

    def unit(self, key: str) -> Unit:
        """Raises Rejected."""
        if key not in self._units:
            raise Rejected("unit", _("There is no unit %(key)s here.") % {"key": key})
        return self._units[key]

    def place(self, key: str) -> Location:
        """Raises Rejected."""
        if key not in self._places:
            raise Rejected("receipt_location", _("There is no place %(key)s here.") % {"key": key})
        return self._places[key]

    def stations(self, row: WorkOrderRow) -> dict[str, WorkUnit]:
        """Those of its operations.  Raises Rejected."""
        wanted = {operation.work_unit for operation in row.operations} - {""}
        if missing := sorted(wanted - self._stations.keys()):
            raise Rejected("operations", _("There is no station %(key)s here.") % {"key": missing[0]})
        return {key: self._stations[key] for key in wanted}

    def plan(self, item: Item, routing: str, bom: str) -> Plan:
        """Raises Rejected."""
        asked = (item.pk, routing, bom)
        if asked not in self._plans:
            self._plans[asked] = plan_for(item, self.site.pk, routing=routing, bom=bom)
        return self._plans[asked]

    def steps(self, plan: Plan) -> list[Operation]:
        """Raises Rejected."""
        asked = (plan.routing.pk, plan.bom.pk if plan.bom else None)
        if asked not in self._steps:
            self._steps[asked] = operations_of(plan)
        return self._steps[asked]


def _by_key(rows: Collection[Any] | Any) -> dict[str, Any]:
    return {row.erp_key: row for row in rows}
