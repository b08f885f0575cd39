"""Which shift a work center is in: its own calendar, else the site's own one, else none."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apps.core.prepared import planned_once
from apps.plant import calendar_times
from apps.plant.calendar_times import Calendar, Shift, net_seconds
from apps.plant.models.calendars import ShiftPattern
from apps.plant.models.places import WorkCenter

__all__ = [
    "Calendar",
    "Shift",
    "calendar_of",
    "calendar_of_site",
    "net_seconds",
    "next_shift",
    "next_shift_of_site",
    "shift_at",
    "shifts_between",
]

# How far ahead the next shift is looked for: beyond the longest shutdown of a plant.
LOOK_AHEAD = timedelta(days=35)

# By hand, as each rendering of a board asks: by models it was three queries and a third of the board's time.
_PATTERN = ("code", "name", "weekdays", "starts_at", "ends_at", "valid_from", "valid_until")
_CALENDAR = """
    SELECT site.timezone, (SELECT array_agg(date) FROM plant_holiday WHERE calendar_id = calendar.id), pattern.breaks,
           pattern.code, pattern.name, weekdays, starts_at, ends_at, valid_from, valid_until
    FROM plant_workcalendar AS calendar
    JOIN plant_site AS site ON site.id = calendar.site_id
    LEFT JOIN plant_shiftpattern AS pattern ON pattern.calendar_id = calendar.id
    WHERE calendar.id = %s OR (%s::bigint IS NULL AND calendar.site_id = %s AND calendar.is_default)
    ORDER BY starts_at, pattern.code
"""


def calendar_of(work_center: WorkCenter) -> Calendar | None:
    """All that is needed to work out shifts, read at once; None where neither work center nor site has a calendar.

    For many instants of one work center, read it once and ask apps.plant.calendar_times.
    """
    return _calendar(work_center.calendar_id, work_center.site_id)


def calendar_of_site(site_id: int) -> Calendar | None:
    """The site's own calendar; None where it has none."""
    return _calendar(None, site_id)


def _calendar(calendar_id: int | None, site_id: int) -> Calendar | None:
    with planned_once() as cursor:
        cursor.execute(_CALENDAR, [calendar_id, calendar_id, site_id])
        rows = cursor.fetchall()
    if not rows:
        return None
    zone, days_off = rows[0][:2]
    return Calendar(
        zone=ZoneInfo(zone),
        patterns=tuple(
            ShiftPattern(**{**dict(zip(_PATTERN, pattern, strict=True)), "breaks": json.loads(breaks)}).as_pattern()
            for _zone, _days_off, breaks, *pattern in rows
            if breaks is not None
        ),
        days_off=frozenset(days_off or ()),
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
    return _next(calendar_of(work_center), instant)


def next_shift_of_site(site_id: int, instant: datetime) -> Shift | None:
    """The same by the site's own calendar."""
    return _next(calendar_of_site(site_id), instant)


def _next(calendar: Calendar | None, instant: datetime) -> Shift | None:
    found = calendar_times.shifts_between(calendar, instant, instant + LOOK_AHEAD) if calendar else []
    return next((shift for shift in found if shift.start > instant), None)
