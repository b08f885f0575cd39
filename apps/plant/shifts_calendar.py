"""Which shift a work center is in: its own calendar, else the site's own one, else none."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.plant import calendar_times
from apps.plant.calendar_times import Calendar, Shift, net_seconds
from apps.plant.models.calendars import WorkCalendar
from apps.plant.models.places import WorkCenter

__all__ = ["Calendar", "Shift", "calendar_of", "net_seconds", "next_shift", "shift_at", "shifts_between"]

# How far ahead the next shift is looked for: beyond the longest shutdown of a plant.
LOOK_AHEAD = timedelta(days=35)


def calendar_of(work_center: WorkCenter) -> Calendar | None:
    """All that is needed to work out shifts, read at once; None where neither work center nor site has a calendar.

    For many instants of one work center, read it once and ask apps.plant.calendar_times.
    """
    rows = WorkCalendar.objects.select_related("site").prefetch_related("patterns", "holidays")
    if work_center.calendar_id:
        row = rows.filter(pk=work_center.calendar_id).first()
    else:
        row = rows.filter(site=work_center.site_id, is_default=True).first()
    if row is None:
        return None
    return Calendar(
        zone=row.site.zone,
        patterns=tuple(pattern.as_pattern() for pattern in row.patterns.all()),
        days_off=frozenset(holiday.date for holiday in row.holidays.all()),
    )


def shift_at(work_center: WorkCenter, instant: datetime) -> Shift | None:
    """The shift that runs at `instant`; None outside all shifts."""
    calendar = calendar_of(work_center)
    return calendar_times.shift_at(calendar, instant) if calendar else None


def shifts_between(work_center: WorkCenter, start: datetime, end: datetime) -> list[Shift]:
    """Every shift that shares time with [start, end), in order, each in full length."""
    calendar = calendar_of(work_center)
    return calendar_times.shifts_between(calendar, start, end) if calendar else []


def next_shift(work_center: WorkCenter, instant: datetime) -> Shift | None:
    """The first shift that starts after `instant`, within LOOK_AHEAD."""
    found = shifts_between(work_center, instant, instant + LOOK_AHEAD)
    return next((shift for shift in found if shift.start > instant), None)
