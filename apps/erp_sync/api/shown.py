"""The rows as the API shows them: under the same names as they are sent, and what is ours beside it."""

from __future__ import annotations

from typing import Any

from apps.core.ownership import ErpFed
from apps.erp_sync.api.serializers import text
from apps.materials.models import Bom, Item, Location, Lot, StockSnapshot, Unit
from apps.orders.models import Routing, WorkOrder
from apps.orders.models.changes import ChangeState
from apps.plant.models import WorkCenter

Shown = dict[str, Any]


def _head(row: ErpFed) -> Shown:
    return {"key": row.erp_key, "version": row.erp_version, "version_at": row.erp_version_at}


def unit(row: Unit) -> Shown:
    return _head(row) | {
        "code": row.code,
        "name": row.name,
        "category": row.category,
        "factor": text(row.factor),
        "digits": row.digits,
    }


def item(row: Item) -> Shown:
    return _head(row) | {
        "code": row.code,
        "name": row.name,
        "unit": row.unit.erp_key,
        "kind": row.kind,
        "lot_tracked": row.lot_tracked,
        "shelf_life_days": row.shelf_life_days,
        "active": row.active,
        "units": [{"unit": other.unit.erp_key, "factor": text(other.factor)} for other in row.units.all()],
    }


def bom(row: Bom) -> Shown:
    return _head(row) | {
        "item": row.item.erp_key,
        "code": row.code,
        "quantity": text(row.quantity),
        "active": row.active,
        "lines": [
            {
                "item": line.item.erp_key,
                "quantity": text(line.quantity),
                "unit": line.unit.erp_key,
                "position": line.position,
                "operation_sequence": line.operation_sequence,
            }
            for line in row.lines.all()
        ],
    }


def location(row: Location) -> Shown:
    return _head(row) | {
        "site": row.site.code,
        "code": row.code,
        "name": row.name,
        "kind": row.kind,
        "active": row.active,
    }


def lot(row: Lot) -> Shown:
    return _head(row) | {
        "item": row.item.erp_key,
        "number": row.number,
        "blocked": row.blocked_in_erp,
        "expires_on": row.expires_on,
        "status": row.status,
    }


def stock(row: StockSnapshot) -> Shown:
    return {
        "site": row.site.code,
        "item": row.item.erp_key,
        "location": row.location.erp_key,
        "lot": row.lot.erp_key if row.lot else "",
        "quantity": text(row.quantity),
        "unit": row.unit.erp_key,
        "as_of": row.as_of,
        "version": row.erp_version,
    }


def work_center(row: WorkCenter) -> Shown:
    return {
        "key": row.erp_key,
        "site": row.site.code,
        "area": row.area.code,
        "code": row.code,
        "name": row.name,
        "units": [
            {"key": unit.erp_key, "code": unit.code, "name": unit.name, "position": unit.position}
            for unit in row.work_units.all()
        ],
    }


def routing(row: Routing) -> Shown:
    return _head(row) | {
        "site": row.site.code,
        "item": row.item.erp_key,
        "code": row.code,
        "active": row.active,
        "steps": [
            {
                "key": step.erp_key,
                "sequence": step.sequence,
                "name": step.name,
                "work_center": step.work_center.erp_key,
                "work_unit": step.work_unit.erp_key if step.work_unit else "",
                "set_up_minutes": text(step.set_up_minutes),
                "run_minutes_per_piece": text(step.run_minutes_per_piece),
                "transfer_quantity": text(step.transfer_quantity),
                "is_count_point": step.is_count_point,
            }
            for step in row.steps.all()
        ],
    }


def work_order(row: WorkOrder) -> Shown:
    return _head(row) | {
        "site": row.site.code,
        "number": row.number,
        "item": row.item.erp_key if row.item else "",
        "quantity": text(row.quantity),
        "unit": row.unit,
        "due_at": row.due_at,
        "priority": row.priority,
        "customer": row.customer,
        "receipt_location": row.receipt_location.erp_key if row.receipt_location else "",
        "operations": [
            {
                "key": job.erp_key,
                "sequence": job.sequence,
                "name": job.name,
                "work_center": job.work_center.erp_key,
                "work_unit": job.work_unit.erp_key if job.work_unit else "",
                "status": job.status,
                "good": text(job.good_quantity),
                "scrap": text(job.scrap_quantity),
            }
            for job in sorted(row.job_orders.all(), key=lambda job: job.sequence)
        ],
        "to_be_decided": [change.field for change in row.pending_changes.all() if change.state == ChangeState.OPEN],
    }


def commit_date(row: WorkOrder) -> Shown:
    return _head(row) | {"site": row.site.code, "due_at": row.due_at}
