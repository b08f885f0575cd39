"""Resolved, open again, put off."""

from __future__ import annotations

from datetime import timedelta

from apps.andon.models import Remark
from apps.andon.rows import CAUSE, RESOLUTION, UNTIL, Standing, moved, standing
from apps.core.commands import Context, FreeText, command
from apps.workflows.definition import REASON


@command("andon.resolve")
def resolve(context: Context, *, exception_id: int, resolution: str, cause: str, note: FreeText = "") -> Standing:
    """What was done, and what it came from, as codes. It closes when the cause is gone, and opens again if it stays.

    Raises CommandRefused as the workflow does (input_missing, wrong_resolution, not_from_here), and for who may not.
    """
    exception = moved(context, exception_id, "resolve", {RESOLUTION: resolution, CAUSE: cause})
    if note.strip():
        Remark.objects.create(
            exception=exception, person_id=context.actor.person_id, text=note.strip()[:2000], at=context.now
        )
    return standing(exception)


@command("andon.reopen")
def reopen(context: Context, *, exception_id: int) -> Standing:
    """It was not solved after all."""
    return standing(moved(context, exception_id, "reopen", {}))


@command("andon.snooze")
def snooze(context: Context, *, exception_id: int, minutes: int, reason: str) -> Standing:
    """Nobody is asked until then; the clocks go on.  Raises CommandRefused: no_end, too_long, and as the workflow."""
    inputs = {UNTIL: context.now + timedelta(minutes=minutes), REASON: reason}
    return standing(moved(context, exception_id, "snooze", inputs))
