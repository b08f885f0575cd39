"""The ERP's own operations of an order: which of ours each is, and at which station it runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from apps.core.commands import Context
from apps.core.ownership import erp_authority
from apps.orders.commands.changing import locked_jobs, save
from apps.orders.commands.release import Operation
from apps.orders.models import JobOrder, WorkOrder
from apps.orders.models.statuses import OPEN
from apps.plant.models import WorkUnit


@dataclass(frozen=True, kw_only=True)
class OrderOperationRow:
    """The order's own operation at that place of its routing; `work_unit` empty: where the routing says."""

    sequence: int
    erp_key: str = ""
    work_unit: str = ""


# By their keys in the ERP: those of the site that the rows name.
Stations = Mapping[str, WorkUnit]


def placed(steps: list[Operation], rows: Collection[OrderOperationRow], stations: Stations) -> list[Operation]:
    """The routing's steps with the order's keys and stations."""
    named = {row.sequence: row for row in rows}
    return [_placed(step, named.get(step.sequence), stations) for step in steps]


def _placed(step: Operation, row: OrderOperationRow | None, stations: Stations) -> Operation:
    if row is None:
        return step
    if not row.work_unit:
        return replace(step, erp_key=row.erp_key)
    station = stations[row.work_unit]
    return replace(step, erp_key=row.erp_key, work_center_id=station.work_center_id, work_unit_id=station.pk)


def are_placed(jobs: Collection[JobOrder], rows: Collection[OrderOperationRow], stations: Stations) -> bool:
    """Whether place_operations has nothing to do."""
    named = {row.sequence: row for row in rows}
    return not any(_goes(job, named[job.sequence], stations) for job in jobs if job.sequence in named)


def place_operations(
    context: Context, order: WorkOrder, rows: Collection[OrderOperationRow], stations: Stations
) -> bool:
    """Whether anything is different now; one that has begun stays where it is."""
    named = {row.sequence: row for row in rows}
    changed = False
    for job in locked_jobs(order) if rows else []:
        row = named.get(job.sequence)
        left = job.topics
        if row is not None and _goes(job, row, stations):
            context.touch(*left)
            _place(job, row, stations)
            with erp_authority(context):
                save(context, job)
            context.touch(*job.topics)
            changed = True
    return changed


def _goes(job: JobOrder, row: OrderOperationRow, stations: Stations) -> bool:
    station = _new_station(job, row, stations)
    return job.erp_key != row.erp_key or (station is not None and station.pk != job.work_unit_id)


def _place(job: JobOrder, row: OrderOperationRow, stations: Stations) -> None:
    job.erp_key = row.erp_key
    station = _new_station(job, row, stations)
    if station is not None:
        job.work_center_id, job.work_unit = station.work_center_id, station


def _new_station(job: JobOrder, row: OrderOperationRow, stations: Stations) -> WorkUnit | None:
    return stations.get(row.work_unit) if job.status in OPEN and job.started_at is None else None
