"""Resolved, open again, put off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apps.andon.actions import ANSWER
from apps.andon.commands.rows import Standing, at_work, locked, owner_changed, person_of, standing
from apps.andon.kinds import CAUSE, OWNER, RESOLUTION, UNTIL
from apps.andon.models import FloorException, Remark
from apps.core.commands import Context, FreeText, command
from apps.workflows.definition import REASON
from apps.workflows.engine import fire


@command("andon.resolve")
def resolve(context: Context, *, exception_id: int, resolution: str, cause: str, note: FreeText = "") -> Standing:
    """What was done, and what it came from, as codes. It closes when the cause is gone, and opens again if it stays.

    Raises CommandRefused as the workflow does (input_missing, wrong_resolution, not_from_here), and for who may not.
    """
    exception = _moved(context, exception_id, "resolve", {RESOLUTION: resolution, CAUSE: cause})
    if note.strip():
        Remark.objects.create(
            exception=exception, person_id=context.actor.person_id, text=note.strip()[:2000], at=context.now
        )
    return standing(exception)


@command("andon.reopen")
def reopen(context: Context, *, exception_id: int) -> Standing:
    """It was not solved after all."""
    return standing(fire(context, FloorException, exception_id, "reopen").item)


@command("andon.snooze")
def snooze(context: Context, *, exception_id: int, minutes: int, reason: str) -> Standing:
    """Nobody is asked until then; the clocks go on.  Raises CommandRefused: no_end, too_long, and as the workflow."""
    inputs = {UNTIL: context.now + timedelta(minutes=minutes), REASON: reason}
    return standing(_moved(context, exception_id, "snooze", inputs))


def _moved(context: Context, exception_id: int, edge: str, inputs: dict[str, Any]) -> FloorException:
    """Whoever moves it owns it."""
    person_id = person_of(context)
    before = locked(context, exception_id)
    context.allow(ANSWER, at=before.scope)
    at_work(context, person_id, before.site_id)
    exception = fire(context, FloorException, exception_id, edge, {**inputs, OWNER: person_id}).item
    if before.owner_id != person_id:
        context.record(owner_changed(exception, before.owner_id, "taken"))
        context.touch(f"person:{before.owner_id}")
    return exception
