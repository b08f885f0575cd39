"""What is around a machine, its stops and its requests for maintenance, for rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.prepared import Given, Prepared
from apps.equipment.models import Downtime, MaintenanceRequest
from apps.plant.models import WorkUnit
from apps.workflows.surroundings import Surroundings, around

_UNIT = Prepared(lambda: WorkUnit.objects.select_related("site", "work_center").filter(pk=Given("pk")))
_STOP = Prepared(
    lambda: Downtime.objects.select_related("work_unit__site", "work_unit__work_center").filter(pk=Given("pk"))
)
_REQUEST = Prepared(
    lambda: MaintenanceRequest.objects.select_related("work_unit__site", "work_unit__work_center").filter(
        pk=Given("pk")
    )
)


@around("work_unit")
def _work_unit(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    unit = _UNIT.first(pk=int(subject_id))
    return _around(unit) if unit else None


@around("downtime")
def _downtime(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    stop = _STOP.first(pk=int(subject_id))
    return _around(stop.work_unit, thread=f"downtime:{stop.pk}") if stop else None


@around("maintenance_request")
def _maintenance_request(subject_id: str, data: Mapping[str, Any]) -> Surroundings | None:  # noqa: ARG001
    request = _REQUEST.first(pk=int(subject_id))
    if request is None:
        return None
    return _around(request.work_unit, exception_id=request.exception_id)


def _around(unit: WorkUnit, *, thread: str = "", exception_id: int | None = None) -> Surroundings:
    return Surroundings(
        site_id=unit.site_id,
        site=unit.site.code,
        work_center_id=unit.work_center_id,
        line=unit.work_center.code,
        work_unit_id=unit.pk,
        station=unit.code,
        thread=thread,
        exception_id=exception_id,
    )
