"""Somebody is at work, is seen, and leaves: what commands and the end rule do with presences alike.

Locks: whoever holds rows of working times takes those of presences after them, never before.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.core.commands import Context
from apps.core.prepared import planned_once
from apps.plant.events import PresenceBegan, PresenceEnded, WentOffDuty
from apps.plant.models.duty import EndedBy, Presence

TOPIC = "duty"

# Shared, so that two who begin never wait for one another; one that is just being ended is waited for, and not found.
_OPEN = "SELECT id FROM plant_presence WHERE person_id = %s AND ended_at IS NULL FOR SHARE"
_BEGIN = """
WITH given AS (
    SELECT greatest(%s::timestamptz, (SELECT max(ended_at) FROM plant_presence WHERE person_id = %s)) AS started_at
)
INSERT INTO plant_presence (site_id, work_center_id, person_id, by_hand, started_at, last_evidence_at, ended_by)
SELECT %s, %s, %s, %s, started_at, started_at, '' FROM given
ON CONFLICT DO NOTHING RETURNING id
"""

# Part of one statement `WITH hurry AS (...), ...`, written after an act: takes the person, and twice the instant.
SEEN_AT_WORK = """
here AS (
    SELECT presence.id FROM plant_presence AS presence, hurry
     WHERE presence.person_id = %s AND presence.ended_at IS NULL AND presence.last_evidence_at < %s
       FOR NO KEY UPDATE OF presence SKIP LOCKED
),
seen_at_work AS (UPDATE plant_presence SET last_evidence_at = %s FROM here WHERE plant_presence.id = here.id)
"""


def begin(
    context: Context, *, person_id: int, site_id: int, work_center_id: int | None = None, by_hand: bool = False
) -> int | None:
    """Begins at the context's `occurred_at`, but not within an earlier one; the new id, None where one goes on."""
    inputs: list[Any] = [
        _not_ahead(context, context.occurred_at),
        person_id,
        site_id,
        work_center_id,
        person_id,
        by_hand,
    ]
    presence_id = None
    # Tried again where another one was begun, or ended, between the two statements.
    for _attempt in range(3):
        with planned_once() as cursor:
            cursor.execute(_OPEN, [person_id])
            if cursor.fetchone():
                return None
            cursor.execute(_BEGIN, inputs)
            if row := cursor.fetchone():
                presence_id = int(row[0])
                break
    if presence_id is None:
        return None
    context.record(
        PresenceBegan(subject_id=presence_id, site_id=site_id, person_id=person_id, work_center_id=work_center_id)
    )
    context.touch(TOPIC)
    return presence_id


def leave(context: Context, person_id: int) -> bool:
    """The person goes, and all that hangs on being at work ends with it.  False: was not at work."""
    if not Presence.objects.open().filter(person=person_id).exists():
        return False
    context.record(WentOffDuty(subject_id=person_id))
    presence = locked_open(person_id)
    if presence:
        end(context, presence, context.occurred_at, EndedBy.PERSON)
    return True


def locked_open(person_id: int) -> Presence | None:
    return Presence.objects.open().select_for_update(of=("self",)).filter(person=person_id).first()


def end(context: Context, presence: Presence, at: datetime, ended_by: EndedBy) -> None:
    """Ends at `at`, or at its start should that be later. The presence is locked by the caller."""
    presence.ended_at, presence.ended_by = max(_not_ahead(context, at), presence.started_at), ended_by
    presence.save(update_fields=["ended_at", "ended_by"])
    context.record(
        PresenceEnded(
            subject_id=presence.pk,
            site_id=presence.site_id,
            person_id=presence.person_id,
            work_center_id=presence.work_center_id,
            ended_by=ended_by.value,
            started_at=presence.started_at,
            ended_at=presence.ended_at,
        )
    )
    context.touch(TOPIC)


def _not_ahead(context: Context, at: datetime) -> datetime:
    """The clock of a terminal may be ahead of ours: who has come or gone has done so by now."""
    return min(at, context.now)
