"""What is around an operation and an order, for rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.core.prepared import Given, Prepared
from apps.materials.models import Lot
from apps.orders.models import ChangeRequest, JobOrder, WorkOrder
from apps.workflows.surroundings import Surroundings, around

# What `around_job` reads of an operation.
JOB_READS = ("work_order", "site", "work_center", "work_unit")

_JOB = Prepared(lambda: JobOrder.objects.select_related(*JOB_READS).filter(pk=Given("pk")))
_ORDER = Prepared(lambda: WorkOrder.objects.select_related("site").filter(pk=Given("pk")))
_REQUEST = Prepared(lambda: ChangeRequest.objects.select_related("site", "work_center", "item").filter(pk=Given("pk")))
_LOT = Prepared(lambda: Lot.objects.filter(pk=Given("pk")))


AROUND_ORDER = frozenset({"site_id", "work_order_id"})
AROUND_JOB = AROUND_ORDER | {"work_center_id", "work_unit_id", "job_order_id"}


@around("job_order", gives=AROUND_JOB | {"lot_id"})
def _job_order(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:
    """With the lot that a step has recorded."""
    job = _JOB.first(pk=int(subject_id))
    if job is None:
        return None
    lot = _LOT.first(pk=data["lot_id"]) if data.get("lot_id") else None
    return replace(around_job(job), lot_id=lot.pk, lot=lot.number) if lot else around_job(job)


@around("work_order", gives=AROUND_ORDER)
def _work_order(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    order = _ORDER.first(pk=int(subject_id))
    return around_order(order) if order else None


@around("change_request", gives={"site_id", "work_center_id", "workflow_version_id"})
def _change_request(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    request = _REQUEST.first(pk=int(subject_id))
    if request is None:
        return None
    return Surroundings(
        site_id=request.site_id,
        site=request.site.code,
        work_center_id=request.work_center_id,
        line=request.work_center.code if request.work_center else "",
        item=request.item.code,
        workflow_version_id=request.workflow_version_id,
    )


def around_order(order: WorkOrder) -> Surroundings:
    """An order is on no line: its operations may be on several."""
    return Surroundings(
        site_id=order.site_id,
        site=order.site.code,
        work_order_id=order.pk,
        work_order=order.number,
        item=order.item_code,
        customer=order.customer,
        thread=order.thread,
    )


def around_job(job: JobOrder) -> Surroundings:
    order, unit = job.work_order, job.work_unit
    return Surroundings(
        site_id=job.site_id,
        site=job.site.code,
        work_center_id=job.work_center_id,
        line=job.work_center.code,
        work_unit_id=job.work_unit_id,
        station=unit.code if unit else "",
        work_order_id=order.pk,
        work_order=order.number,
        job_order_id=job.pk,
        operation=str(job.sequence),
        item=order.item_code,
        customer=order.customer,
        thread=order.thread,
    )
