"""Writes the ledger; the only code that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.core.errors import CommandRefused
from apps.core.events import Event
from apps.core.models import LedgerEvent

if TYPE_CHECKING:
    from apps.core.commands import Context

ATTEMPT_REFUSED = "core.attempt_refused"


def append(event: Event, context: Context, *, cause_id: int | None) -> int:
    row = LedgerEvent(
        kind=event.kind,
        site_id=event.site_id,
        subject_kind=event.subject_kind,
        subject_id=str(event.subject_id),
        thread=event.thread,
        erp_reference=event.erp_reference,
        cause_id=cause_id,
        data=event.data(),
        **_who_and_when(context),
    )
    row.save(force_insert=True)
    return row.pk


def append_refusal(refusal: CommandRefused, context: Context, inputs: dict[str, Any]) -> None:
    """The attempt, without the sentence: a sentence may name a person, and the ledger never does."""
    LedgerEvent(
        kind=ATTEMPT_REFUSED,
        subject_kind="command",
        subject_id=context.name,
        data={"code": refusal.code, "inputs": inputs, "facts": refusal.facts},
        **_who_and_when(context),
    ).save(force_insert=True)


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
