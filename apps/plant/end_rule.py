"""When a person who no longer does anything is taken to have gone home; pure, so that it can be tried by the thousand.

Only a person's time ends by rule, never an operation's or a machine's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.plant.calendar_times import Calendar, shift_at

# How long after the end of a shift somebody may still do something and count as staying on; also how long before the
# start of a shift somebody may come and count as coming for that shift.
GRACE = timedelta(minutes=30)

# Where no shift is planned, nothing says when people go: silence ends the time after a usual shift.
SILENCE_OUTSIDE_SHIFTS = timedelta(hours=8)


def ends_at(
    calendar: Calendar | None, *, started_at: datetime, last_evidence_at: datetime, now: datetime
) -> datetime | None:
    """When the time ended, as far as anybody can say; None while it goes on.

    A shift that is over by GRACE without anything done after its end: the time ended with the last thing done. What
    is done after the end of a shift is overtime, and the time goes on, until the shift that it reaches into ends the
    same way.
    """
    return max(started_at, last_evidence_at) if now >= deadline(calendar, started_at, last_evidence_at) else None


def deadline(calendar: Calendar | None, started_at: datetime, last_evidence_at: datetime) -> datetime:
    """The instant at which the time ends unless something is done before it."""
    seen = max(started_at, last_evidence_at)
    if calendar:
        shift = shift_at(calendar, max(seen, started_at + GRACE)) or shift_at(calendar, seen)
        if shift:
            return shift.end + GRACE
    return seen + SILENCE_OUTSIDE_SHIFTS
