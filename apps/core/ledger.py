"""Writes the ledger, the only code that does; and reads back what was told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connection
from pydantic import TypeAdapter, ValidationError

from apps.core.errors import CommandRefused
from apps.core.events import EVENTS, Event, Heard
from apps.core.prepared import planned_once

if TYPE_CHECKING:
    from apps.core.commands import Context

ATTEMPT_REFUSED = "core.attempt_refused"
# Of many events so many go into one statement.
BATCH = 500


def append(events: Sequence[Event], context: Context, *, cause_id: int | None) -> list[int]:
    """The ids, in the order of the events."""
    rows = [
        {
            "kind": event.kind,
            "site_id": event.site_id,
            "subject_kind": event.subject_kind,
            "subject_id": str(event.subject_id),
            "thread": event.thread,
            "erp_reference": event.erp_reference,
            "cause_id": cause_id,
            "data": event.data(),
        }
        for event in events
    ]
    return [
        event_id for start in range(0, len(rows), BATCH) for event_id in _insert(rows[start : start + BATCH], context)
    ]


def still_there(event_ids: Sequence[int]) -> set[int]:
    """Those of the running transaction that no savepoint has undone since."""
    with planned_once() as cursor:
        cursor.execute("SELECT id FROM core_ledgerevent WHERE id = ANY(%s)", [list(event_ids)])
        return {event_id for (event_id,) in cursor.fetchall()}


# An event and what it follows from, the first cause first. Longer stories than these are none of ours.
_STORY = """
    WITH RECURSIVE story AS (
        SELECT 0 AS back, event.* FROM core_ledgerevent event WHERE event.id = %s
         UNION ALL
        SELECT story.back + 1, cause.* FROM story JOIN core_ledgerevent cause ON cause.id = story.cause_id
         WHERE story.back < 100
    )
    SELECT id, occurred_at, kind, data, subject_id, site_id, thread, erp_reference FROM story ORDER BY back DESC
"""


def heard_again(event_id: int) -> Heard | None:
    """An event as it was told, read back with what it follows from; None: no release that runs knows what it says."""
    with connection.cursor() as cursor:
        cursor.execute(_STORY, [event_id])
        rows = cursor.fetchall()
    causes: tuple[Heard, ...] = ()
    for row_id, occurred_at, kind, data, subject_id, site_id, thread, erp_reference in rows:
        columns = {"subject_id": subject_id, "site_id": site_id, "thread": thread, "erp_reference": erp_reference}
        event = _event_of(kind, {**(json.loads(data) if isinstance(data, str) else data), **columns})
        if event is not None:
            causes = (*causes, Heard(event, row_id, occurred_at, causes))
    return causes[-1] if causes and causes[-1].event_id == event_id else None


def _event_of(kind: str, values: dict[str, Any]) -> Event | None:
    try:
        return _reader_of(kind).validate_python(values)
    except (KeyError, ValidationError):
        return None


@cache
def _reader_of(kind: str) -> TypeAdapter[Event]:
    return TypeAdapter(EVENTS[kind])


def append_refusal(refusal: CommandRefused, context: Context, inputs: dict[str, Any]) -> None:
    """The attempt, without the sentence: a sentence may name a person, and the ledger never does."""
    row = {
        "kind": ATTEMPT_REFUSED,
        "site_id": None,
        "subject_kind": "command",
        "subject_id": context.name,
        "thread": "",
        "erp_reference": "",
        "cause_id": None,
        "data": {"code": refusal.code, "inputs": inputs, "facts": refusal.facts},
    }
    _insert([row], context)


def _insert(rows: Sequence[dict[str, Any]], context: Context) -> list[int]:
    """One statement without a model: every command pays for it, and the model costs four times as much."""
    common = _who_and_when(context)
    values = [row | common | {"data": json.dumps(row["data"])} for row in rows]
    columns, marks = ", ".join(values[0]), ", ".join(["%s"] * len(values[0]))
    # A plan is kept for the text of one row, not for each number of them.
    with planned_once() if len(rows) == 1 else connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO core_ledgerevent ({columns}) VALUES {', '.join([f'({marks})'] * len(values))} RETURNING id",  # noqa: S608 - names from here
            [value for row in values for value in row.values()],
        )
        return [event_id for (event_id,) in cursor.fetchall()]


def _who_and_when(context: Context) -> dict[str, Any]:
    actor = context.actor
    return {
        "actor_id": actor.person_id,
        "agent": actor.agent,
        "on_behalf_of_id": actor.on_behalf_of_id,
        "terminal_id": actor.terminal_id,
        "origin": actor.origin,
        "occurred_at": context.occurred_at,
        "command_id": context.command_id,
    }
