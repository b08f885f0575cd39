"""Somebody qualified agrees to work together with who is not, and ends it."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.orders import together
from apps.orders.actions import RUN_JOB
from apps.orders.models import JobOrder, PartedBy, Partnership
from apps.orders.together import lends, ways_for_partners
from apps.plant.access import has_proved
from apps.plant.commands import begin_presence
from apps.plant.models import Person
from apps.workflows.models import Signature


@command("orders.work_together")
def work_together(context: Context, *, job_order_id: int, with_person_id: int, proof: UUID) -> int:
    """The signed-in person works on the operation together with another one who lacks a qualification, from now on;
    the id of the partnership. Theirs alone to agree to; once more is the same one.

    proof  command id of a sign-in of this person by badge and PIN within the last minute

    Raises CommandRefused: not_found, nobody, same_person, no_partner_needed, cannot_lend, not_proved, and for who may
    not run operations there.
    """
    job = _locked(context, job_order_id)
    context.allow(RUN_JOB, at=job.scope)
    person_id = _signed_in(context)
    _check_they_fit(context, job, person_id, with_person_id)
    known = Partnership.objects.open().filter(job_order=job, person=person_id).first()
    if known is not None:
        return known.pk
    if not has_proved(person_id, proof, context.now, by_badge=True) or _is_used(proof):
        context.refuse("not_proved", _("Give badge and PIN here to say that you work together."))
    partnership = Partnership(
        site_id=job.site_id,
        job_order=job,
        person_id=person_id,
        asked_by_id=with_person_id,
        proof=proof,
        started_at=context.occurred_at,
    )
    begin_presence.within(context.consequence(), person_id=person_id, work_center_id=job.work_center_id)
    together.begin(context, job, partnership)
    return partnership.pk


@command("orders.stop_working_together")
def stop_working_together(context: Context, *, job_order_id: int, person_id: int | None = None) -> None:
    """The signed-in person, or another partner (`person_id`), no longer lends a qualification to the operation.

    By whoever may run it: it takes away what was lent, and nobody's working time. Refused: not_found, nobody,
    not_together, and for who may not.
    """
    job = _locked(context, job_order_id)
    context.allow(RUN_JOB, at=job.scope)
    partner_id = _signed_in(context) if person_id is None else person_id
    if not together.end_all(context, PartedBy.PERSON, context.occurred_at, job_order_id=job.pk, person_id=partner_id):
        context.refuse("not_together", _("Nobody works together here any more. Reload the screen."))


def _locked(context: Context, job_order_id: int) -> JobOrder:
    rows = JobOrder.objects.select_for_update(of=("self",), no_key=True)
    job = rows.select_related("work_order", "workflow_version", "work_center__site").filter(pk=job_order_id).first()
    if job is None:
        context.refuse("not_found", _("This operation does not exist any more. Reload the screen."))
    return job


def _signed_in(context: Context) -> int:
    if context.actor.person_id is None:
        context.refuse("nobody", _("Sign in: whoever works together has a name."))
    return context.actor.person_id


def _check_they_fit(context: Context, job: JobOrder, person_id: int, with_person_id: int) -> None:
    if person_id == with_person_id:
        context.refuse("same_person", _("Somebody else has to work together with you: hold their badge to the reader."))
    if not Person.objects.filter(pk=with_person_id, is_active=True).exists():
        context.refuse("not_found", _("This person does not exist any more. Reload the screen."))
    ways = ways_for_partners(job)
    if not ways:
        context.refuse("no_partner_needed", _("Nothing can be done together here now. Reload the screen."))
    if not lends(person_id, with_person_id, ways, context.occurred_at):
        context.refuse("cannot_lend", _("You do not have the qualification that is missing here. Call somebody else."))


def _is_used(proof: UUID) -> bool:
    return Partnership.objects.filter(proof=proof).exists() or Signature.objects.filter(proof=proof).exists()
