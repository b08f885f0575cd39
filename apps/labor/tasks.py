"""Ends the time of people who went home without saying so."""

from __future__ import annotations

from collections import defaultdict
from uuid import uuid4

from apps.core import clock
from apps.core.actors import Actor
from apps.core.worker import task
from apps.labor.commands import end_by_rule
from apps.labor.models import TimeEntry
from apps.plant.end_rule import GRACE, ends_at
from apps.plant.models import WorkCenter
from apps.plant.shifts_calendar import calendar_of

WORKER = Actor.system("labor")


@task("labor.end_by_rule", every_seconds=30)
def end_silent_entries() -> int:
    """How many it ended. Each is claimed, read again and judged again in a transaction of its own."""
    return sum(end_by_rule(WORKER, uuid4(), entry_id=entry_id) for entry_id in silent_entries())


def silent_entries() -> list[int]:
    """Ids of open entries that the rule ends now, as far as can be said without a lock."""
    now = clock.now()
    by_line: defaultdict[int, list[TimeEntry]] = defaultdict(list)
    quiet = TimeEntry.objects.open().filter(last_evidence_at__lte=now - GRACE).select_related("job_order")
    for entry in quiet.order_by("pk"):
        by_line[entry.job_order.work_center_id].append(entry)
    calendars = {line.pk: calendar_of(line) for line in WorkCenter.objects.filter(pk__in=by_line)}
    return [
        entry.pk
        for line_id, entries in by_line.items()
        for entry in entries
        if ends_at(calendars[line_id], started_at=entry.started_at, last_evidence_at=entry.last_evidence_at, now=now)
    ]
