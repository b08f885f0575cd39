"""Writes the ledger; the only code that does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import connection

from apps.core.errors import CommandRefused
from apps.core.events import Event

if TYPE_CHECKING:
    from apps.core.commands import Context

ATTEMPT_REFUSED = "core.attempt_refused"


def append(event: Event, context: Context, *, cause_id: int | None) -> int:
    return _insert(
        {
            "kind": event.kind,
            "site_id": event.site_id,
            "subject_kind": event.subject_kind,
            "subject_id": str(event.subject_id),
            "thread": event.thread,
            "erp_reference": event.erp_reference,
            "cause_id": cause_id,
            "data": event.data(),
        },
        context,
    )


def append_refusal(refusal: CommandRefused, context: Context, inputs: dict[str, Any]) -> None:
    """The attempt, without the sentence: a sentence may name a person, and the ledger never does."""
    _insert(
        {
            "kind": ATTEMPT_REFUSED,
            "site_id": None,
            "subject_kind": "command",
            "subject_id": context.name,
            "thread": "",
            "erp_reference": "",
            "cause_id": None,
            "data": {"code": refusal.code, "inputs": inputs, "facts": refusal.facts},
        },
        context,
    )


def _insert(row: dict[str, Any], context: Context) -> int:
    """One statement without a model: every command pays for it, and the model costs four times as much."""
    values = row | _who_and_when(context) | {"data": json.dumps(row["data"])}
    columns, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO core_ledgerevent ({columns}) VALUES ({marks}) RETURNING id",  # noqa: S608 - names from here
            list(values.values()),
        )
        event_id: int = cursor.fetchone()[0]
    return event_id


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
