"""Routings as the ERP sends them; every row with the steps that there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.ownership import owned_fields
from apps.materials.commands.candidates import Candidate, Children, References, Spec, Values
from apps.materials.commands.erp_rows import Rejected, Report, Row
from apps.materials.commands.rows import found
from apps.materials.commands.upsert import Options, upsert
from apps.materials.models import Item
from apps.orders.actions import MANAGE_ORDERS
from apps.orders.models import Routing, RoutingStep
from apps.plant.models import Site, WorkCenter, WorkUnit

OFFERED = ("set_up_minutes", "run_minutes_per_piece", "transfer_quantity", "is_count_point")


@dataclass(frozen=True, kw_only=True)
class RoutingStepRow:
    """The last four are taken only where a switch has given them to the ERP; None: it says nothing about it."""

    erp_key: str = ""
    sequence: int
    name: str
    work_center: str
    work_unit: str = ""
    set_up_minutes: Decimal | None = None
    run_minutes_per_piece: Decimal | None = None
    transfer_quantity: Decimal | None = None
    is_count_point: bool | None = None


@dataclass(frozen=True, kw_only=True)
class RoutingRow(Row):
    item: str
    code: str
    active: bool = True
    steps: tuple[RoutingStepRow, ...]


@command("orders.upsert_routings")
def upsert_routings(
    context: Context,
    *,
    site_id: int,
    rows: list[RoutingRow],
    all_or_none: bool = False,
    dry_run: bool = False,
    adopt: bool = False,
) -> Report:
    """Orders that are here already keep the operations they have."""
    site = found(context, Site.objects.all(), site_id)
    context.allow(MANAGE_ORDERS, at=site.scope)
    options = Options(all_or_none=all_or_none, dry_run=dry_run, adopt=adopt, site_id=site_id)
    return upsert(context, _Routings(site).spec, rows, options)


class _Routings:
    """Lines and stations are looked up at the site only: their keys are unique there and not elsewhere."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.lines: dict[str, WorkCenter] = {}
        self.stations: dict[str, WorkUnit] = {}
        self.given = [name for name in OFFERED if name in owned_fields(RoutingStep, site.pk)]
        self.spec = Spec(
            model=Routing,
            load=self._load,
            values=self._values,
            name=("site_id", "item_id", "code"),
            children=Children(model=RoutingStep, parent="routing", key="sequence", values=self._steps),
            also=self._stay,
        )

    def _load(self, rows: Sequence[RoutingRow], references: References) -> None:
        references.load(Item, {row.item for row in rows})
        steps = [step for row in rows for step in row.steps]
        lines = WorkCenter.objects.filter(site=self.site, erp_key__in={step.work_center for step in steps} - {""})
        self.lines = {line.erp_key: line for line in lines}
        stations = WorkUnit.objects.filter(site=self.site, erp_key__in={step.work_unit for step in steps} - {""})
        self.stations = {station.erp_key: station for station in stations}

    def _values(self, row: RoutingRow, references: References) -> Values:
        return {
            "site_id": self.site.pk,
            "item_id": references.get(Item, row.item, "item").pk,
            "code": row.code,
            "active": row.active,
        }

    def _steps(self, row: RoutingRow, references: References) -> list[Values]:  # noqa: ARG002
        if not row.steps:
            raise Rejected("steps", _("A routing has at least one step."))
        sequences = [step.sequence for step in row.steps]
        if len(set(sequences)) < len(sequences):
            raise Rejected("steps", _("A number is given twice."))
        return [self._step(step) for step in row.steps]

    def _step(self, step: RoutingStepRow) -> Values:
        line = self.lines.get(step.work_center)
        if line is None:
            raise Rejected("steps", _("There is no work center %(key)s here.") % {"key": step.work_center or "\u2013"})
        station = self.stations.get(step.work_unit)
        if step.work_unit and (station is None or station.work_center_id != line.pk):
            raise Rejected("steps", _("There is no station %(key)s at this work center.") % {"key": step.work_unit})
        given = {name: getattr(step, name) for name in self.given}
        return {
            "sequence": step.sequence,
            "name": step.name,
            "work_center_id": line.pk,
            "work_unit_id": station.pk if station else None,
            "erp_key": step.erp_key,
            **{name: value for name, value in given.items() if value is not None},
        }

    @staticmethod
    def _stay(candidates: list[Candidate]) -> None:
        for candidate in candidates:
            moved: set[Any] = candidate.changed & {"site_id", "item_id"}
            if candidate.is_open and candidate.before and moved:
                candidate.reject(Rejected("item", _("This routing is known for another item or site.")))
