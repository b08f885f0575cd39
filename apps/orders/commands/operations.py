"""The ERP's own operations of an order: which of ours each is, and at which station it runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from apps.core.commands import Context
from apps.core.ownership import erp_authority
from apps.materials.commands.erp_rows import Rejected
from apps.orders.commands.changing import locked_jobs, save
from apps.orders.commands.release import Operation
from apps.orders.models import JobOrder, WorkOrder
from apps.orders.models.statuses import OPEN
from apps.plant.models import Site, WorkUnit


@dataclass(frozen=True, kw_only=True)
class OrderOperationRow:
    """The order's own operation at that place of its routing; `work_unit` empty: where the routing says."""

    sequence: int
    erp_key: str = ""
    work_unit: str = ""


def placed(steps: list[Operation], rows: Collection[OrderOperationRow], site: Site) -> list[Operation]:
    """The routing's steps with the order's keys and stations.  Raises Rejected."""
    named = {row.sequence: row for row in rows}
    stations = _stations(site.pk, rows)
    found = []
    for step in steps:
        row = named.get(step.sequence)
        if row is not None:
            step = replace(step, erp_key=row.erp_key)  # noqa: PLW2901
            if row.work_unit:
                station = stations[row.work_unit]
                step = replace(step, work_center_id=station.work_center_id, work_unit_id=station.pk)  # noqa: PLW2901
        found.append(step)
    return found


def place_operations(context: Context, order: WorkOrder, rows: Collection[OrderOperationRow]) -> bool:
    """Whether anything is different now; one that has begun stays where it is.  Raises Rejected."""
    named = {row.sequence: row for row in rows}
    stations = _stations(order.site_id, rows)
    changed = False
    for job in locked_jobs(order) if rows else []:
        row = named.get(job.sequence)
        left = job.topics
        if row is not None and _place(job, row, stations.get(row.work_unit)):
            context.touch(*left)
            with erp_authority(context):
                save(context, job)
            context.touch(*job.topics)
            changed = True
    return changed


def _place(job: JobOrder, row: OrderOperationRow, station: WorkUnit | None) -> bool:
    before = (job.erp_key, job.work_unit_id)
    job.erp_key = row.erp_key
    if station is not None and job.status in OPEN and job.started_at is None:
        job.work_center_id, job.work_unit = station.work_center_id, station
    return (job.erp_key, job.work_unit_id) != before


def _stations(site_id: int, rows: Collection[OrderOperationRow]) -> dict[str, WorkUnit]:
    wanted = {row.work_unit for row in rows} - {""}
    found = {unit.erp_key: unit for unit in WorkUnit.objects.filter(site=site_id, erp_key__in=wanted)}
    if missing := sorted(wanted - set(found)):
        raise Rejected("operations", _("There is no station %(key)s here.") % {"key": missing[0]})
    return found
