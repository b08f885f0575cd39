"""Requests for maintenance as commands and exceptions change them alike; the request is locked by the caller."""

from __future__ import annotations

from apps.core.commands import Context
from apps.core.events import Event, Story
from apps.equipment.events import (
    MaintenanceCauseFound,
    MaintenanceDone,
    MaintenanceRequested,
    MaintenanceWaitsForPart,
    TechnicianArrived,
)
from apps.equipment.models import Downtime, MaintenanceRequest, RequestStatus
from apps.plant.models import Person, ReasonCode, WorkUnit


def locked_unit(work_unit_id: int) -> WorkUnit | None:
    """Whoever sends for maintenance of one machine does so one after the other."""
    rows = WorkUnit.objects.select_related("work_center", "site")
    return rows.select_for_update(of=("self",), no_key=True).filter(pk=work_unit_id).first()


def locked_of_exception(exception_id: int) -> MaintenanceRequest | None:
    """The one that is not done."""
    rows = MaintenanceRequest.objects.select_related("work_unit__work_center", "work_unit__site")
    return rows.select_for_update(of=("self",)).filter(exception=exception_id, done_at=None).first()


def send_for(
    context: Context, unit: WorkUnit, *, exception_id: int | None = None, note: str = ""
) -> MaintenanceRequest:
    """One of a machine at a time: a second one joins it. The unit is locked."""
    request = MaintenanceRequest.objects.filter(work_unit=unit, done_at=None).first()
    if request is None:
        request = MaintenanceRequest(
            site_id=unit.site_id,
            work_unit=unit,
            downtime=Downtime.objects.open().filter(work_unit=unit).first(),
            exception_id=exception_id,
            requested_at=context.occurred_at,
            requested_by_id=context.actor.person_id,
            note=note,
        )
        _save(context, request)
        context.record(MaintenanceRequested(subject_id=request.pk, **_about(request), downtime_id=request.downtime_id))
        return request
    if note or request.exception_id is None:
        request.exception_id = request.exception_id or exception_id
        request.note = f"{request.note}\n{note}".strip()
        _save(context, request)
    return request


def arrive(context: Context, request: MaintenanceRequest) -> None:
    """Also after a part has come."""
    request.status, request.arrived_at = RequestStatus.ARRIVED, request.arrived_at or context.occurred_at
    request.technician_id = context.actor.person_id
    _keep(context, request, TechnicianArrived(subject_id=request.pk, **_about(request)))


def find_cause(context: Context, request: MaintenanceRequest, reason: ReasonCode) -> None:
    request.cause = reason
    _keep(context, request, MaintenanceCauseFound(subject_id=request.pk, **_about(request), cause_id=reason.pk))


def await_part(context: Context, request: MaintenanceRequest, note: str = "") -> None:
    request.status = RequestStatus.WAITING_FOR_PART
    request.arrived_at = request.arrived_at or context.occurred_at
    request.note = f"{request.note}\n{note}".strip()
    _keep(context, request, MaintenanceWaitsForPart(subject_id=request.pk, **_about(request)))


def finish(context: Context, request: MaintenanceRequest) -> None:
    request.status, request.done_at = RequestStatus.DONE, context.occurred_at
    request.arrived_at = request.arrived_at or context.occurred_at
    _keep(context, request, MaintenanceDone(subject_id=request.pk, **_about(request), cause_id=request.cause_id))


class _About(Story):
    work_unit_id: int
    work_center_id: int


def _about(request: MaintenanceRequest) -> _About:
    thread = f"downtime:{request.downtime_id}" if request.downtime_id else f"maintenance_request:{request.pk}"
    return _About(
        site_id=request.site_id,
        thread=thread,
        erp_reference="",
        work_unit_id=request.work_unit_id,
        work_center_id=request.work_unit.work_center_id,
    )


def _keep(context: Context, request: MaintenanceRequest, event: Event) -> None:
    _save(context, request)
    context.record(event)


def _save(context: Context, request: MaintenanceRequest) -> None:
    request._history_user = Person(pk=context.actor.person_id)  # type: ignore[attr-defined]  # read by simple-history
    request.save()
    unit = request.work_unit
    context.touch(f"machine:{unit.pk}", f"station:{unit.pk}", unit.work_center.place)
    if request.exception_id:
        context.touch(f"exception:{request.exception_id}")
