"""Who is on which operation; people by id only, so that the ledger stays whole when one is erased."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event, declare_words


class ClockedOn(Event, subject="time_entry", label=_("Somebody clocks on")):
    person_id: int
    job_order_id: int
    work_center_id: int
    phase: str


class ClockedOff(Event, subject="time_entry", label=_("Somebody clocks off")):
    """`closed_by` is "person", "job" or "rule"; what a rule has closed is flagged until somebody corrects it."""

    person_id: int
    job_order_id: int
    work_center_id: int
    phase: str
    closed_by: str
    started_at: datetime
    ended_at: datetime


class TimeEntryCorrected(Event, subject="time_entry", label=_("Working time corrected")):
    person_id: int
    job_order_id: int
    work_center_id: int
    old_started_at: datetime
    old_ended_at: datetime
    new_started_at: datetime
    new_ended_at: datetime


declare_words(
    {
        "closed_by": _("ended by what"),
        "new_ended_at": _("ended at, after the correction"),
        "new_started_at": _("began at, after the correction"),
        "phase": _("phase"),
    }
)
