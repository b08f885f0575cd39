"""A downtime that calls somebody sends for maintenance, and the answers move the request on; what happens to it leaves
for the systems that have asked to hear of it.
"""

from __future__ import annotations

from apps.andon.events import ExceptionRaised
from apps.andon.kinds import EXCEPTION
from apps.andon.models import ExceptionStatus, FloorException
from apps.core import rights
from apps.core.commands import Context
from apps.core.events import Event, subscribe
from apps.equipment.actions import MAINTAIN
from apps.equipment.causes import DOWNTIME
from apps.equipment.events import (
    MaintenanceCauseFound,
    MaintenanceDone,
    MaintenanceRequested,
    MaintenanceWaitsForPart,
    TechnicianArrived,
)
from apps.equipment.feeds import Step, tell_of
from apps.equipment.maintenance import (
    arrive,
    await_part,
    find_cause,
    finish,
    locked_of_exception,
    locked_unit,
    send_for,
)
from apps.equipment.models import Downtime, MaintenanceRequest, RequestStatus
from apps.equipment.words import machine_of
from apps.plant.models import ReasonCode
from apps.workflows.events import StateChanged

S = ExceptionStatus
# Why an exception is put off when a part is missing; shipped with the plant.
WAITS_FOR_PART = "waits_for_part"

_STEPS: dict[type[Event], Step] = {
    MaintenanceRequested: Step.REQUESTED,
    TechnicianArrived: Step.ARRIVED,
    MaintenanceCauseFound: Step.CAUSE,
    MaintenanceWaitsForPart: Step.WAITING_FOR_PART,
    MaintenanceDone: Step.DONE,
}


@subscribe(*_STEPS)
def tell_the_maintenance_system(event: Event, context: Context) -> None:
    tell_of(context, int(event.subject_id), _STEPS[type(event)])


@subscribe(ExceptionRaised)
def send_for_maintenance(event: ExceptionRaised, context: Context) -> None:
    if event.cause_kind == DOWNTIME and event.work_unit_id is not None:
        _send(context, int(event.subject_id), event.work_unit_id)


def _send(context: Context, exception_id: int, work_unit_id: int) -> None:
    unit = locked_unit(work_unit_id)
    if unit is not None and machine_of(unit).asks_for_maintenance:
        send_for(context, unit, exception_id=exception_id)


@subscribe(StateChanged)
def go_with_the_exception(event: StateChanged, context: Context) -> None:
    """Nobody says the same thing twice: what is answered to the exception holds of the request as well."""
    if event.item_kind != EXCEPTION.code:
        return
    exception_id = int(event.subject_id)
    request = locked_of_exception(exception_id)
    if request is not None:
        _move_on(context, request, event)
    elif event.from_status == S.RESOLVED and event.to_status == S.OPEN:
        exception = FloorException.objects.get(pk=exception_id)
        if exception.cause_kind == DOWNTIME and exception.work_unit_id is not None:
            _send(context, exception_id, exception.work_unit_id)


def _move_on(context: Context, request: MaintenanceRequest, event: StateChanged) -> None:
    match event.to_status:
        case S.IN_PROGRESS:
            if request.status != RequestStatus.ARRIVED and rights.may(context.actor, MAINTAIN, request.scope):
                arrive(context, request)
        case S.SNOOZED:
            if event.inputs.get("reason") == WAITS_FOR_PART:
                await_part(context, request)
        case S.RESOLVED | S.CLOSED:
            reason = _reason_of(request.downtime)
            if request.cause is None and reason is not None:
                find_cause(context, request, reason)
            finish(context, request)


def _reason_of(downtime: Downtime | None) -> ReasonCode | None:
    """What the stop was explained with, the last of it."""
    part = (
        downtime.parts.exclude(reason=None).select_related("reason").order_by("-started_at").first()
        if downtime
        else None
    )
    return part.reason if part else None
