"""What happens to a request for maintenance leaves for the systems that have asked to hear of it."""

from __future__ import annotations

from apps.core.commands import Context
from apps.core.events import Event, subscribe
from apps.equipment.events import (
    MaintenanceCauseFound,
    MaintenanceDone,
    MaintenanceRequested,
    MaintenanceWaitsForPart,
    TechnicianArrived,
)
from apps.equipment.feeds import Step, tell_of

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
