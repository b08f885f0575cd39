"""Sending for maintenance, and what the technician says: there, why, waiting for a part, done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.equipment.actions import MAINTAIN
from apps.equipment.maintenance import arrive, await_part, find_cause, finish, locked_unit, send_for
from apps.equipment.models import MaintenanceRequest, RequestStatus
from apps.plant.models import Purpose, ReasonCode


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request after a command."""

    request_id: int
    status: str
    requested_at: datetime
    arrived_at: datetime | None
    done_at: datetime | None


@command("equipment.request_maintenance")
def request_maintenance(
    context: Context, *, work_unit_id: int, exception_id: int | None = None, note: FreeText = ""
) -> Request:
    """Sends for maintenance, for everybody, at a locked terminal too; a second call joins the request that is open.

    exception_id  whose answers move it on from now: there, waiting for a part, done

    Raises CommandRefused: not_found.
    """
    context.allow_anyone()
    unit = locked_unit(work_unit_id)
    if unit is None:
        context.refuse("not_found", _("This machine does not exist any more. Reload the screen."))
    return _told(send_for(context, unit, exception_id=exception_id, note=note.strip()))


@command("equipment.technician_arrived")
def technician_arrived(context: Context, *, request_id: int) -> Request:
    """Raises CommandRefused: not_found, done_already, there_already, and for who may not."""
    request = _taken_on(context, request_id)
    if request.status == RequestStatus.ARRIVED and request.arrived_at is not None:
        context.refuse(
            "there_already",
            _("Somebody is there since %(time)s.") % {"time": _clock(request, request.arrived_at)},
        )
    arrive(context, request)
    return _told(request)


@command("equipment.name_cause")
def name_cause(context: Context, *, request_id: int, reason_id: int) -> Request:
    """What the technician has found. Raises CommandRefused: not_found, done_already, no_reason, and for who may not."""
    request = _taken_on(context, request_id)
    reason = ReasonCode.objects.choosable(Purpose.DOWNTIME).filter(pk=reason_id).first()
    if reason is None:
        context.refuse("no_reason", _("Choose one of the reasons for a stop."))
    find_cause(context, request, reason)
    return _told(request)


@command("equipment.wait_for_part")
def wait_for_part(context: Context, *, request_id: int, note: FreeText = "") -> Request:
    """Raises CommandRefused: not_found, done_already, and for who may not."""
    request = _taken_on(context, request_id)
    await_part(context, request, note.strip())
    return _told(request)


@command("equipment.finish_maintenance")
def finish_maintenance(context: Context, *, request_id: int) -> Request:
    """Raises CommandRefused: not_found, done_already, and for who may not."""
    request = _taken_on(context, request_id)
    finish(context, request)
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


def _told(request: MaintenanceRequest) -> Request:
    return Request(
        request_id=request.pk,
        status=request.status,
        requested_at=request.requested_at,
        arrived_at=request.arrived_at,
        done_at=request.done_at,
    )
