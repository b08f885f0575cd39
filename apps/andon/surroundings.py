"""What is around an exception, for rules; order and lot are upper floors', known by their ids. And around a version of
a workflow, which holds for the whole plant: where who has written it is at home.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.andon.approvals import site_of
from apps.andon.models import FloorException
from apps.core.prepared import Given, Prepared
from apps.plant.models import Site
from apps.workflows.models import Version
from apps.workflows.surroundings import Surroundings, around

_EXCEPTION = Prepared(
    lambda: FloorException.objects.select_related("site", "work_center", "work_unit").filter(pk=Given("pk"))
)


@around("exception", gives={"site_id", "work_center_id", "work_unit_id", "exception_id", "work_order_id", "lot_id"})
def _exception(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    exception = _EXCEPTION.first(pk=int(subject_id))
    if exception is None:
        return None
    line, unit = exception.work_center, exception.work_unit
    return Surroundings(
        site_id=exception.site_id,
        site=exception.site.code,
        work_center_id=line.pk if line else None,
        line=line.code if line else "",
        work_unit_id=unit.pk if unit else None,
        station=unit.code if unit else "",
        exception_id=exception.pk,
        work_order_id=exception.work_order_id,
        work_order=exception.erp_reference,
        lot_id=exception.lot_id,
        thread=exception.thread,
    )


@around("workflow_version", gives={"site_id", "workflow_version_id"})
def _version(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    version = Version.objects.filter(pk=subject_id).first()
    if version is None:
        return None
    site = site_of(version) if Site.objects.exists() else None
    return Surroundings(
        site_id=site.pk if site else None,
        site=site.code if site else "",
        thread=f"workflow_version:{version.pk}",
        workflow_version_id=version.pk,
    )
