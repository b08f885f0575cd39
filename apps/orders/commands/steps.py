"""A step of standard work is done: read, confirmed, measured or scanned; with its last one a piece is good."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.materials.commands.rows import found
from apps.materials.models import Lot
from apps.orders.actions import CONFIRM
from apps.orders.commands.quantities import confirm_quantity
from apps.orders.commands.scans import scanned_lot
from apps.orders.events import StepRecorded
from apps.orders.models import DirectiveStep, DispatchStatus, Frequency, JobOrder, StepKind, StepRecord, StepRemark
from apps.orders.progress import Progress, Standing, is_last_of_piece, progress_of, why_not_record
from apps.workflows.judgement import raise_if

LIMIT = Decimal(10) ** 12
DECIMALS = Decimal("0.000001")


@dataclass(frozen=True, kw_only=True)
class StepAnswer:
    """
    is_within      of a measurement: whether it lies inside the limits; outside it is on record, and not done
    piece_is_good  whether with this step the piece was booked as good
    """

    record_id: int
    piece: int | None
    is_within: bool | None
    piece_is_good: bool
    good: Decimal
    scrap: Decimal


@command("orders.record_step")
def record_step(
    context: Context,
    *,
    job_order_id: int,
    step_id: int,
    piece: int | None = None,
    value: Decimal | None = None,
    text: FreeText = "",
    lot_number: str = "",
    left_out: bool = False,
) -> StepAnswer:
    """Records one step of the operation's directive on the occasion that is due now.

    piece     refused unless it is the piece in hand: the screen was out of date; None takes the piece in hand
    value     what was measured, in the step's unit      lot_number  what was scanned, letter by letter
    left_out  a step that is not required, and was not done
    """
    rows = JobOrder.objects.select_related("work_order", "work_center").select_for_update(of=("self",))
    job = found(context, rows, job_order_id)
    context.allow(CONFIRM, at=job.scope)
    progress = progress_of(job)
    standing = _standing(context, progress, step_id)
    _check_possible(context, progress, standing, piece, left_out=left_out)
    done: dict[str, Any] = {"left_out": True} if left_out else _done(context, job, standing.step, value, lot_number)
    record = _save(context, progress, standing, done, text)
    with_it_good = record.counts and is_last_of_piece(progress, standing)
    good, scrap = job.good_quantity, job.scrap_quantity
    if with_it_good:
        state = confirm_quantity.within(context, job_order_id=job.pk, good=Decimal(1))
        good, scrap = state.good, state.scrap
    context.touch(*job.topics)
    return StepAnswer(
        record_id=record.pk,
        piece=record.piece,
        is_within=record.is_within,
        piece_is_good=with_it_good,
        good=good,
        scrap=scrap,
    )


def _standing(context: Context, progress: Progress, step_id: int) -> Standing:
    standing = next((s for s in progress.standings if s.step.pk == step_id), None)
    if standing is None:
        context.refuse("unknown_step", _("This is no step of this operation. Reload the screen."))
    return standing


def _check_possible(
    context: Context, progress: Progress, standing: Standing, piece: int | None, *, left_out: bool
) -> None:
    job = progress.job
    if job.status != DispatchStatus.RUNNING:
        context.refuse(
            "not_running",
            _("%(order)s operation %(sequence)s is %(status)s. Start it, then do its steps.")
            % {"order": job.work_order.number, "sequence": job.sequence, "status": job.status_label},
            status=job.status,
        )
    is_of_piece = standing.step.frequency == Frequency.PER_PIECE
    if piece is not None and is_of_piece and piece != progress.piece:
        context.refuse(
            "other_piece",
            _("Piece %(piece)s is in hand now, not %(other)s. Look again and repeat.")
            % {"piece": progress.piece, "other": piece},
            piece=progress.piece,
        )
    raise_if(why_not_record(progress, standing))
    if left_out and standing.step.required:
        context.refuse("required", _("This step is required: it can't be left out."))


def _done(
    context: Context, job: JobOrder, step: DirectiveStep, value: Decimal | None, lot_number: str
) -> dict[str, Any]:
    """What goes on record, by the kind of the step."""
    if step.kind == StepKind.MEASURE:
        return {"value": value, "is_within": _is_within(context, step, value)}
    if step.kind == StepKind.SCAN:
        lot: Lot | None = scanned_lot(context, job, step, lot_number)
        return {"lot": lot}
    return {}


def _is_within(context: Context, step: DirectiveStep, value: Decimal | None) -> bool:
    if value is None or not value.is_finite() or abs(value) >= LIMIT or value != value.quantize(DECIMALS):
        context.refuse("no_value", _("Type what you measured, at most 6 decimals."))
    return (step.low is None or value >= step.low) and (step.high is None or value <= step.high)


def _save(context: Context, progress: Progress, standing: Standing, done: dict[str, Any], text: str) -> StepRecord:
    job, step = progress.job, standing.step
    record = StepRecord.objects.create(
        site_id=job.site_id,
        job_order=job,
        step=step,
        occasion=standing.due,
        piece=standing.due if step.frequency == Frequency.PER_PIECE else None,
        person_id=context.actor.person_id,
        terminal_id=context.actor.terminal_id,
        command_id=context.command_id,
        occurred_at=context.occurred_at,
        **done,
    )
    if text.strip():
        StepRemark.objects.create(record=record, text=text.strip())
    context.record(
        StepRecorded(
            subject_id=job.pk,
            **job.work_order.story,
            record_id=record.pk,
            step_id=step.pk,
            work_order_id=job.work_order_id,
            work_center_id=job.work_center_id,
            occasion=record.occasion,
            piece=record.piece,
            value=record.value,
            is_within=record.is_within,
            left_out=record.left_out,
            lot_id=record.lot_id,
        )
    )
    return record
