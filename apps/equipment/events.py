"""What machines did, and what people said about it; people by id only."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event, declare_words


class MachineStateChanged(Event, subject="work_unit", label=_("Machine changes its state")):
    """What the machine does now; words about the past change the intervals only."""

    work_center_id: int
    from_state: str
    to_state: str
    since: datetime


class StopOpened(Event, subject="downtime", label=_("Stop of a machine begins")):
    """A stop has become a downtime; `ended_at` is known where signals came late."""

    work_unit_id: int
    work_center_id: int
    started_at: datetime
    ended_at: datetime | None
    by_hand: bool


class MachineStands(Event, subject="downtime", label=_("Machine stands"), dated_by="started_at"):
    """A downtime goes on: told when it opens, and when signals that came late have moved its start or its end away."""

    work_unit_id: int
    work_center_id: int
    started_at: datetime


class StopChanged(Event, subject="downtime", label=_("Stop of a machine changed")):
    """Signals that came late have moved its start or its end; None: it goes on after all."""

    work_unit_id: int
    work_center_id: int
    old_started_at: datetime
    old_ended_at: datetime | None
    started_at: datetime
    ended_at: datetime | None


class StopClosed(Event, subject="downtime", label=_("Stop of a machine ends")):
    work_unit_id: int
    work_center_id: int
    started_at: datetime
    ended_at: datetime


class StopWithdrawn(Event, subject="downtime", label=_("Stop of a machine withdrawn")):
    """Signals that came late have shown that it was no downtime, or was part of another."""

    work_unit_id: int
    work_center_id: int
    started_at: datetime
    ended_at: datetime | None


class StopClassified(Event, subject="downtime", label=_("Stop of a machine gets its reason")):
    """`old_reason_id` None: it was not explained before."""

    part_id: int
    work_unit_id: int
    work_center_id: int
    reason_id: int
    old_reason_id: int | None


class StopSplit(Event, subject="downtime", label=_("Stop of a machine split")):
    """One part has become two at `at`."""

    part_id: int
    new_part_id: int
    work_unit_id: int
    work_center_id: int
    at: datetime


class MaintenanceRequested(Event, subject="maintenance_request", label=_("Maintenance asked for")):
    work_unit_id: int
    work_center_id: int
    downtime_id: int | None


class TechnicianArrived(Event, subject="maintenance_request", label=_("Technician has arrived")):
    work_unit_id: int
    work_center_id: int


class MaintenanceCauseFound(Event, subject="maintenance_request", label=_("Technician has found the cause")):
    work_unit_id: int
    work_center_id: int
    cause_id: int


class MaintenanceWaitsForPart(Event, subject="maintenance_request", label=_("Maintenance waits for a part")):
    work_unit_id: int
    work_center_id: int


class MaintenanceDone(Event, subject="maintenance_request", label=_("Maintenance done")):
    work_unit_id: int
    work_center_id: int
    cause_id: int | None


declare_words(
    {
        "at": _("at"),
        "by_hand": _("reported by hand"),
        "old_ended_at": _("ended at, before the change"),
        "old_reason": _("reason before"),
        "old_started_at": _("began at, before the change"),
        "since": _("since"),
    }
)
