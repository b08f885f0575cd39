"""Good and scrap, booked and undone; a booking is never edited."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.numbers import plain
from apps.core.prepared import Given, Prepared
from apps.orders import consumption
from apps.orders.actions import CONFIRM, REVERSE
from apps.orders.commands.answers import JobState, state_of
from apps.orders.events import QuantityConfirmed, QuantityReversed
from apps.orders.flow import received, source_of, uncounted_before
from apps.orders.models import Confirmation, DispatchStatus, JobOrder
from apps.orders.models.statuses import OVER
from apps.orders.progress import progress_of, why_not_book
from apps.orders.readiness import blocker_before, reconsider, reconsider_next
from apps.plant.models import Purpose, ReasonCode
from apps.workflows.engine import fire
from apps.workflows.judgement import raise_if

REOPEN = "reopen"


@command("orders.confirm_quantity")
def confirm_quantity(
    context: Context,
    *,
    job_order_id: int,
    good: Decimal,
    scrap: Decimal = Decimal(0),
    scrap_reason_id: int | None = None,
) -> JobState:
    """Books good and scrap in one act, in the unit of the work order, on a running operation, its set-up included:
    the first piece is made there.

    Where pieces have steps, good is booked by the last of them; by hand only scrap of the piece in hand is.

    Uses up the material that the pieces needed; at the last operation the good ones come on stock. Operations before
    that are no count point are booked along.

    Refused: no_quantity, not_running, no_scrap_reason, too_many, not_received, blocked, material_short.
    """
    job = locked_with_source(job_order_id)
    context.allow(CONFIRM, at=job.scope)
    _check_entry(context, job, good, scrap, scrap_reason_id)
    _check_reach(context, job, good, scrap)
    confirmation = _book(context, job, good, scrap, scrap_reason_id=scrap_reason_id if scrap else None)
    for earlier in uncounted_before(job):
        behind = job.made - earlier.made
        if behind > 0 and earlier.status not in OVER:
            _book(context, earlier, behind, Decimal(0), booked_by=confirmation)
    consumption.use_material(context, job, confirmation)
    consumption.receive_pieces(context, job, confirmation)
    reconsider(context, job)
    reconsider_next(context, job)
    context.touch(*job.topics)
    return state_of(job)


@command("orders.reverse_confirmation")
def reverse_confirmation(context: Context, *, confirmation_id: int, reason_id: int) -> JobState:
    """Undoes a whole booking by its opposite; book what is right anew afterwards.

    Refused: reversed_already, is_a_reversal, booked_elsewhere, taken (the next operation has begun with the pieces),
    no_reason, not_found.
    """
    wrong = Confirmation.objects.filter(pk=confirmation_id).first()
    if wrong is None:
        context.refuse("not_found", _("There is no such booking any more. Reload the screen."))
    job = locked_with_source(wrong.job_order_id)
    context.allow(REVERSE, at=job.scope)
    _check_reversible(context, job, wrong, reason_id)
    for part in [wrong, *wrong.books_too.all()]:
        _reverse(context, part, reason_id)
    consumption.undo(context, wrong, reason_id=reason_id)
    job = locked_with_source(job.pk)
    if job.status == DispatchStatus.COMPLETED and job.to_do:
        fire(context, JobOrder, job.pk, REOPEN, as_system=True)
        job = locked_with_source(job.pk)
    reconsider(context, job)
    reconsider_next(context, job)
    context.touch(*job.topics)
    return state_of(job)


def locked_with_source(job_order_id: int) -> JobOrder:
    """The operation and those that it takes pieces from, back to the nearest that counts, locked in one query in the
    order of the pieces' way.
    """
    chain = {job.pk: job for job in _LOCKED_CHAIN(job_order=job_order_id)}
    for job in chain.values():
        if job.predecessor_id in chain:
            job.predecessor = chain[job.predecessor_id]
    return chain[job_order_id]


def _chain() -> QuerySet[JobOrder]:
    this = JobOrder.objects.filter(pk=Given("job_order"))
    order, sequence = this.values("work_order")[:1], this.values("sequence")[:1]
    counting = JobOrder.objects.filter(work_order=order, sequence__lt=sequence, is_count_point=True)
    source = counting.order_by("-sequence").values("sequence")[:1]
    return (
        JobOrder.objects.select_related("work_order__item", "work_center", "site")
        .select_for_update(of=("self",))
        .filter(work_order=order, sequence__lte=sequence, sequence__gte=Coalesce(source, 0))
        .order_by("sequence")
    )


_LOCKED_CHAIN = Prepared(_chain)


def _check_entry(context: Context, job: JobOrder, good: Decimal, scrap: Decimal, scrap_reason_id: int | None) -> None:
    if good < 0 or scrap < 0 or not good + scrap:
        context.refuse("no_quantity", _("Enter how many are good, or scrap, or both."))
    if job.status != DispatchStatus.RUNNING:
        context.refuse(
            "not_running",
            _("%(order)s operation %(sequence)s is %(status)s. Start it, then book.")
            % {"order": job.work_order.number, "sequence": job.sequence, "status": job.status_label},
            status=job.status,
        )
    if scrap and not ReasonCode.objects.choosable(Purpose.SCRAP).filter(pk=scrap_reason_id or 0).exists():
        context.refuse("no_scrap_reason", _("Say why it is scrap: choose a reason."))
    raise_if(why_not_book(progress_of(job), good, scrap))


def _check_reach(context: Context, job: JobOrder, good: Decimal, scrap: Decimal) -> None:
    """No operation books more good than ordered, nor more pieces than have come, nor past a blocker."""
    if job.good_quantity + good > job.most_good:
        context.refuse(
            "too_many",
            _("%(total)s good would be more than the %(most)s ordered. Book at most %(rest)s good.")
            % {
                "total": plain(job.good_quantity + good),
                "most": plain(job.most_good),
                "rest": plain(max(Decimal(0), job.most_good - job.good_quantity)),
            },
            _("A planner can raise the order in the ERP."),
            booked=str(job.good_quantity),
        )
    source, made = source_of(job), job.made + good + scrap
    if source is not None and made > received(job):
        context.refuse(
            "not_received",
            _("Only %(received)s pieces have come from operation %(operation)s, %(made)s of them are booked.")
            % {"received": plain(received(job)), "operation": source.sequence, "made": plain(job.made)},
            _("Book them there first."),
            received=str(received(job)),
        )
    blocker = blocker_before(job, made)
    if blocker is not None:
        context.refuse("blocked", f"{blocker.reach}: {blocker.sentence}", blocker_id=blocker.pk)


def _book(
    context: Context,
    job: JobOrder,
    good: Decimal,
    scrap: Decimal,
    *,
    scrap_reason_id: int | None = None,
    booked_by: Confirmation | None = None,
) -> Confirmation:
    confirmation = Confirmation.objects.create(
        site_id=job.site_id,
        job_order=job,
        good=good,
        scrap=scrap,
        scrap_reason_id=scrap_reason_id,
        booked_by=booked_by,
        **_entered(context),
    )
    _add(job, good, scrap)
    context.record(
        QuantityConfirmed(
            **_story(job),
            confirmation_id=confirmation.pk,
            good=good,
            scrap=scrap,
            scrap_reason_id=scrap_reason_id,
            booked_by_id=booked_by.pk if booked_by else None,
        )
    )
    return confirmation


def _check_reversible(context: Context, job: JobOrder, wrong: Confirmation, reason_id: int) -> None:
    if wrong.reverses_id is not None:
        context.refuse("is_a_reversal", _("This undoes another booking already. Book what is right anew."))
    if Confirmation.objects.filter(reverses=wrong).exists():
        context.refuse("reversed_already", _("This booking was undone before."))
    if wrong.booked_by_id is not None:
        context.refuse("booked_elsewhere", _("The next operation has booked this along. Undo it there."))
    if not ReasonCode.objects.choosable(Purpose.REVERSAL).filter(pk=reason_id).exists():
        context.refuse("no_reason", _("Say why it is undone: choose a reason."))
    following = _next_counting(job)
    if following is not None and following.made > job.good_quantity - wrong.good:
        context.refuse(
            "taken",
            _("%(made)s pieces are at operation %(operation)s already. Undo the booking there first.")
            % {"made": plain(following.made), "operation": following.sequence},
            operation=following.sequence,
            made=str(following.made),
        )


def _next_counting(job: JobOrder) -> JobOrder | None:
    """Locked: what it books meanwhile would be lost from sight."""
    following = JobOrder.objects.select_for_update().filter(predecessor=job).first()
    while following is not None and not following.is_count_point:
        following = JobOrder.objects.select_for_update().filter(predecessor=following).first()
    return following


def _reverse(context: Context, wrong: Confirmation, reason_id: int) -> None:
    job = JobOrder.objects.select_related("work_order", "work_center").get(pk=wrong.job_order_id)
    reversal = Confirmation.objects.create(
        site_id=job.site_id,
        job_order=job,
        good=-wrong.good,
        scrap=-wrong.scrap,
        reason_id=reason_id,
        reverses=wrong,
        **_entered(context),
    )
    _add(job, -wrong.good, -wrong.scrap)
    context.record(
        QuantityReversed(
            **_story(job),
            confirmation_id=reversal.pk,
            reverses_id=wrong.pk,
            good=wrong.good,
            scrap=wrong.scrap,
            reason_id=reason_id,
        )
    )


def _add(job: JobOrder, good: Decimal, scrap: Decimal) -> None:
    job.good_quantity += good
    job.scrap_quantity += scrap
    job.save(update_fields=["good_quantity", "scrap_quantity"])


def _entered(context: Context) -> dict[str, Any]:
    return {
        "person_id": context.actor.person_id,
        "terminal_id": context.actor.terminal_id,
        "command_id": context.command_id,
        "occurred_at": context.occurred_at,
    }


def _story(job: JobOrder) -> dict[str, Any]:
    return {
        "subject_id": job.pk,
        **job.work_order.story,
        "work_order_id": job.work_order_id,
        "work_center_id": job.work_center_id,
    }
