"""A step of a playbook that acts alone: once for an exception, visibly, and never in the way of the raise.

What is to be tried is a row, made with the exception; the worker tries it afterwards, by the command that a person
would press.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils.translation import gettext as _

from apps.andon.actions import ANSWER
from apps.andon.commands.curing import apply_cure
from apps.andon.cures import CURES, Subjects
from apps.andon.events import ActedAlone
from apps.andon.models import AloneOutcome, AloneRun, FloorException, PlaybookStep, Remark
from apps.andon.playbooks import first_way
from apps.andon.rows import READS
from apps.andon.switched import is_off, switch_off
from apps.core.actors import Actor
from apps.core.commands import Context, command
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE

log = logging.getLogger(__name__)
PLAYBOOK = Actor.system("playbook")


@command("andon.act_alone")
def act_alone(context: Context, *, run_id: int) -> str:
    """Tries what is to be tried; how it ended, "" where there is nothing to try.  For the worker."""
    context.allow(ANSWER, at=EVERYWHERE)
    rows = AloneRun.objects.select_for_update(of=("self",), skip_locked=True).select_related("step__version__playbook")
    run = rows.filter(pk=run_id, outcome=AloneOutcome.DUE).first()
    if run is None:
        return ""
    exception = FloorException.objects.select_related(*READS).get(pk=run.exception_id)
    if exception.closed_at is not None or is_off(run.step):
        return _over(context, run, exception, AloneOutcome.NEEDLESS)
    try:
        # What goes wrong in it is undone alone; that it was tried stays.
        with transaction.atomic():
            _try(context, exception, run.step)
    except CommandRefused as refusal:
        return _over(context, run, exception, AloneOutcome.FAILED, refusal.sentence)
    except Exception:
        log.exception("step %s of a playbook failed alone for exception %s", run.step_id, exception.pk)
        return _over(context, run, exception, AloneOutcome.FAILED, _("It went wrong; the log of the server says how."))
    return _over(context, run, exception, AloneOutcome.DONE)


def _try(context: Context, exception: FloorException, step: PlaybookStep) -> None:
    cure, subject = CURES.get(step.cure), first_way(exception, step)
    if cure is None or cure.needs_person or subject is None:
        raise CommandRefused("not_possible", _("It is not possible here."))
    offers = cure.offers(Subjects([subject]))[subject]
    offer = next(each for each in offers if not each.why_not and step.takes(each.inputs))
    apply_cure.within(
        context,
        exception_id=exception.pk,
        cure=cure.code,
        inputs=dict(offer.inputs),
        part_id=subject.part_id,
        step_id=step.pk,
    )
    text = _("Done by playbook %(playbook)s: %(way)s.") % {"playbook": step.version, "way": offer.label}
    Remark.objects.create(exception=exception, person=None, text=text, at=context.now)


def _over(context: Context, run: AloneRun, exception: FloorException, outcome: AloneOutcome, sentence: str = "") -> str:
    run.outcome, run.done_at, run.sentence = outcome, context.now, sentence[:400]
    run.save()
    context.record(ActedAlone(subject_id=exception.pk, **exception.story, step_id=run.step_id, outcome=outcome.value))
    context.touch(*exception.topics)
    if outcome == AloneOutcome.FAILED and is_off(run.step):
        switch_off(context, run.step, exception)
    return outcome.value
