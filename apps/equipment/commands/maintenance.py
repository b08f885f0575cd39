"""Sending for maintenance, and what the technician says: there, why, waiting for a part, done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.core.events import Story
from apps.equipment.actions import MAINTAIN
from apps.equipment.events import (
    MaintenanceCauseFound,
    MaintenanceDone,
    MaintenanceRequested,
    MaintenanceWaitsForPart,
    TechnicianArrived,
)
from apps.equipment.models import Downtime, MaintenanceRequest, RequestStatus
from apps.plant.models import Person, Purpose, ReasonCode, WorkUnit


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request after a command."""

    request_id: int
    status: str
    requested_at: datetime
    arrived_at: datetime | None
    done_at: datetime | None


@command("equipment.request_maintenance")
def request_maintenance(context: Context, *, work_unit_id: int, note: FreeText = "") -> Request:
    """Sends for maintenance, for everybody, at a locked terminal too; a second call joins the request that is open.

    Raises CommandRefused: not_found.
    """
    context.allow_anyone()
    units = WorkUnit.objects.select_related("work_center").select_for_update(of=("self",))
    unit = units.filter(pk=work_unit_id).first()
    if unit is None:
        context.refuse("not_found", _("This machine does not exist any more. Reload the screen."))
    request = MaintenanceRequest.objects.filter(work_unit=unit, done_at=None).first()
    if request is None:
        request = MaintenanceRequest(
            site_id=unit.site_id,
            work_unit=unit,
            downtime=Downtime.objects.open().filter(work_unit=unit).first(),
            requested_at=context.occurred_at,
            requested_by_id=context.actor.person_id,
            note=note.strip(),
        )
        _save(context, request)
        context.record(MaintenanceRequested(subject_id=request.pk, **_about(request), downtime_id=request.downtime_id))
    elif note.strip():
        request.note = f"{request.note}\n{note.strip()}".strip()
        _save(context, request)
    return _told(request)


@command("equipment.technician_arrived")
def technician_arrived(context: Context, *, request_id: int) -> Request:
    """Raises CommandRefused: not_found, done_already, there_already, and for who may not."""
    request = _taken_on(context, request_id)
    if request.arrived_at is not None:
        context.refuse(
            "there_already",
            _("Somebody is there since %(time)s.") % {"time": _clock(request, request.arrived_at)},
        )
    request.status, request.arrived_at = RequestStatus.ARRIVED, context.occurred_at
    request.technician_id = context.actor.person_id
    _save(context, request)
    context.record(TechnicianArrived(subject_id=request.pk, **_about(request)))
    return _told(request)


@command("equipment.name_cause")
def name_cause(context: Context, *, request_id: int, reason_id: int) -> Request:
    """What the technician has found. Raises CommandRefused: not_found, done_already, no_reason, and for who may not."""
    request = _taken_on(context, request_id)
    reason = ReasonCode.objects.choosable(Purpose.DOWNTIME).filter(pk=reason_id).first()
    if reason is None:
        context.refuse("no_reason", _("Choose one of the reasons for a stop."))
    request.cause = reason
    _save(context, request)
    context.record(MaintenanceCauseFound(subject_id=request.pk, **_about(request), cause_id=reason.pk))
    return _told(request)


@command("equipment.wait_for_part")
def wait_for_part(context: Context, *, request_id: int, note: FreeText = "") -> Request:
    """Raises CommandRefused: not_found, done_already, and for who may not."""
    request = _taken_on(context, request_id)
    request.status = RequestStatus.WAITING_FOR_PART
    request.arrived_at = request.arrived_at or context.occurred_at
    request.note = f"{request.note}\n{note.strip()}".strip()
    _save(context, request)
    context.record(MaintenanceWaitsForPart(subject_id=request.pk, **_about(request)))
    return _told(request)


@command("equipment.finish_maintenance")
def finish_maintenance(context: Context, *, request_id: int) -> Request:
    """Raises CommandRefused: not_found, done_already, and for who may not."""
    request = _taken_on(context, request_id)
    request.status, request.done_at = RequestStatus.DONE, context.occurred_at
    request.arrived_at = request.arrived_at or context.occurred_at
    _save(context, request)
    context.record(MaintenanceDone(subject_id=request.pk, **_about(request), cause_id=request.cause_id))
    return _told(request)


def _taken_on(context: Context, request_id: int) -> MaintenanceRequest:
    rows = MaintenanceRequest.objects.select_related("work_unit__work_center", "work_unit__site")
    request = rows.select_for_update(of=("self",)).filter(pk=request_id).first()
    if request is None:
        context.refuse("not_found", _("This request does not exist any more. Reload the screen."))
    context.allow(MAINTAIN, at=request.scope)
    if request.done_at is not None:
        context.refuse(
            "done_already", _("It was finished at %(time)s already.") % {"time": _clock(request, request.done_at)}
        )
    return request


def _clock(request: MaintenanceRequest, at: datetime) -> str:
    return date_format(at.astimezone(request.work_unit.site.zone), "TIME_FORMAT")


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


def _save(context: Context, request: MaintenanceRequest) -> None:
    request._history_user = Person(pk=context.actor.person_id)  # type: ignore[attr-defined]  # read by simple-history
    request.save()
    unit = request.work_unit
    context.touch(f"machine:{unit.pk}", f"station:{unit.pk}", unit.work_center.place)


def _told(request: MaintenanceRequest) -> Request:
    return Request(
        request_id=request.pk,
        status=request.status,
        requested_at=request.requested_at,
        arrived_at=request.arrived_at,
        done_at=request.done_at,
    )
