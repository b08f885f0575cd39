"""Good and scrap, booked and undone."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.numbers import plain
from apps.orders.actions import CONFIRM
from apps.orders.commands.answers import JobState, state_of
from apps.orders.events import QuantityConfirmed
from apps.orders.models import Confirmation, DispatchStatus, JobOrder
from apps.orders.progress import progress_of, why_not_book
from apps.plant.models import Purpose, ReasonCode
from apps.workflows.judgement import raise_if


@command("orders.confirm_quantity")
def confirm_quantity(
    context: Context,
    *,
    job_order_id: int,
    good: Decimal,
    scrap: Decimal = Decimal(0),
    scrap_reason_id: int | None = None,
) -> JobState:
    """Books good and scrap in one act, in the unit of the work order, on a running operation.

    Where pieces have steps, good is booked by the last of them; by hand only scrap of the piece in hand is.
    """
    job = (
        JobOrder.objects.select_related("work_order", "work_center")
        .select_for_update(of=("self",))
        .get(pk=job_order_id)
    )
    context.allow(CONFIRM, at=job.scope)
    _check_countable(context, job, good, scrap, scrap_reason_id)
    confirmation = Confirmation.objects.create(
        site_id=job.site_id,
        job_order=job,
        good=good,
        scrap=scrap,
        scrap_reason_id=scrap_reason_id if scrap else None,
        person_id=context.actor.person_id,
        terminal_id=context.actor.terminal_id,
        command_id=context.command_id,
        occurred_at=context.occurred_at,
    )
    job.good_quantity += good
    job.scrap_quantity += scrap
    job.save(update_fields=["good_quantity", "scrap_quantity"])
    context.record(
        QuantityConfirmed(
            subject_id=job.pk,
            site_id=job.site_id,
            thread=job.work_order.thread,
            erp_reference=job.work_order.number,
            confirmation_id=confirmation.pk,
            work_order_id=job.work_order_id,
            work_center_id=job.work_center_id,
            good=good,
            scrap=scrap,
            scrap_reason_id=confirmation.scrap_reason_id,
        )
    )
    context.touch(*job.topics)
    return state_of(job)


def _check_countable(
    context: Context, job: JobOrder, good: Decimal, scrap: Decimal, scrap_reason_id: int | None
) -> None:
    if good < 0 or scrap < 0 or not good + scrap:
        context.refuse("no_quantity", _("Enter how many are good, or scrap, or both."))
    if job.status != DispatchStatus.RUNNING:
        context.refuse(
            "not_running",
            _("%(order)s operation %(sequence)s is %(status)s. Start it, then book.")
            % {"order": job.work_order.number, "sequence": job.sequence, "status": job.status_label},
            status=job.status,
        )
    reasons = ReasonCode.objects.choosable(Purpose.SCRAP)
    if scrap and (scrap_reason_id is None or not reasons.filter(pk=scrap_reason_id).exists()):
        context.refuse("no_scrap_reason", _("Say why it is scrap: choose a reason."))
    most = job.most_good
    if job.good_quantity + good > most:
        context.refuse(
            "too_many",
            _("%(total)s good would be more than the %(most)s ordered. Book at most %(rest)s good.")
            % {
                "total": plain(job.good_quantity + good),
                "most": plain(most),
                "rest": plain(max(Decimal(0), most - job.good_quantity)),
            },
            _("A planner can raise the order in the ERP."),
            booked=str(job.good_quantity),
        )
    raise_if(why_not_book(progress_of(job), good, scrap))
