"""Ends the presence of people who went home without saying so."""

from __future__ import annotations

from uuid import uuid4

from apps.core import clock
from apps.core.actors import Actor
from apps.core.worker import task
from apps.plant.calendar_times import Calendar
from apps.plant.commands import end_presence_by_rule
from apps.plant.end_rule import GRACE, ends_at
from apps.plant.models import Presence
from apps.plant.shifts_calendar import calendar_of, calendar_of_site

WORKER = Actor.system("presence")


@task("plant.end_presence_by_rule", every_seconds=30)
def end_silent_presences() -> int:
    """How many it ended. Each is claimed, read again and judged again in a transaction of its own."""
    return sum(end_presence_by_rule(WORKER, uuid4(), presence_id=presence_id) for presence_id in silent_presences())


def silent_presences() -> list[int]:
    """Ids of open presences that the rule ends now, as far as can be said without a lock."""
    now = clock.now()
    calendars: dict[tuple[int, int | None], Calendar | None] = {}
    found = []
    quiet = Presence.objects.open().filter(last_evidence_at__lte=now - GRACE).select_related("work_center")
    for known in quiet.order_by("pk"):
        line = known.work_center
        key = known.site_id, line.pk if line else None
        if key not in calendars:
            calendars[key] = calendar_of(line) if line else calendar_of_site(known.site_id)
        calendar = calendars[key]
        if ends_at(calendar, started_at=known.started_at, last_evidence_at=known.last_evidence_at, now=now):
            found.append(known.pk)
    return found
