"""Doing something about an exception, from where it is shown."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from apps.andon.cures import CURES, Cure, Subject
from apps.andon.events import CureApplied
from apps.andon.models import AppliedCure, FloorException, PlaybookStep
from apps.andon.planning import note_progress, save_with_plan
from apps.andon.rows import READS, Standing, locked, standing, still_open
from apps.core.commands import Context, FreeText, command


@command("andon.apply_cure")
def apply_cure(
    context: Context,
    *,
    exception_id: int,
    cure: str,
    inputs: dict[str, Any],
    part_id: int | None = None,
    reason: FreeText = "",
    step_id: int | None = None,
) -> Standing:
    """Does what the cure says, if it is possible now as well; the exception closes by itself when its cause is gone.

    step_id  of the playbook that says so, where somebody follows one

    Raises CommandRefused: not_found, closed, no_cure, no_step, out_of_date, not_possible, no_reason, what the
    cure's own commands refuse, and for who may not.
    """
    exception = FloorException.objects.select_related(*READS).filter(pk=exception_id).first()
    if exception is None:
        context.refuse("not_found", _("This exception does not exist any more. Reload the screen."))
    chosen = CURES.get(cure)
    if chosen is None or not chosen.is_for(exception):
        context.allow_anyone()
        context.refuse("no_cure", _("There is no such way to solve this. Reload the screen."))
    subject = Subject(exception, part_id)
    context.allow(chosen.permission, at=chosen.scope(subject))
    chosen.lock(context, subject, inputs)
    exception = locked(context, exception_id)
    still_open(context, exception)
    _still_possible(context, chosen, Subject(exception, part_id), inputs, reason)
    steps = PlaybookStep.objects.filter(cure=cure, version__published_at__isnull=False)
    if step_id is not None and not steps.filter(pk=step_id).exists():
        context.refuse("no_step", _("The playbook has changed meanwhile. Reload the screen and look again."))
    AppliedCure.objects.create(
        site_id=exception.site_id,
        exception=exception,
        cure=cure,
        part_id=part_id,
        inputs=inputs,
        step_id=step_id,
        person_id=context.actor.person_id,
        at=context.now,
    )
    context.record(
        CureApplied(
            subject_id=exception.pk,
            **exception.story,
            cure=cure,
            part_id=part_id,
            inputs=inputs,
            step_id=step_id,
            owner_id=exception.owner_id,
        )
    )
    chosen.run(context, Subject(exception, part_id), inputs, reason.strip())
    return standing(_with_progress(context, exception_id))


def _still_possible(context: Context, cure: Cure, subject: Subject, inputs: dict[str, Any], reason: str) -> None:
    offer = cure.offer(subject, inputs)
    if offer is None:
        context.refuse("out_of_date", _("This has changed meanwhile. Reload the screen and look again."))
    if offer.why_not:
        context.refuse("not_possible", offer.why_not)
    if cure.asks_reason and not reason.strip():
        context.refuse("no_reason", _("Say why."))


def _with_progress(context: Context, exception_id: int) -> FloorException:
    exception = locked(context, exception_id)
    if exception.is_open:
        note_progress(exception, context.now)
        save_with_plan(context, exception)
    return exception
