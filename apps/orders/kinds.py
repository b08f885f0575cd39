"""The operation as a kind that runs on workflows: what no configuration can bypass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.commands import Context
from apps.core.numbers import plain
from apps.equipment.queries import open_downtime
from apps.orders.actions import RUN_JOB
from apps.orders.aftermath import aftermath, customers_known, items_known
from apps.orders.change_requests import CHANGE_REQUEST
from apps.orders.commands.moves import take
from apps.orders.models import DispatchStatus, JobOrder
from apps.orders.models.statuses import BEGUN, MOVES
from apps.orders.progress import progress_of, why_not_complete
from apps.orders.readiness import blocker_before
from apps.orders.together import partners_at
from apps.workflows.definition import REASON
from apps.workflows.kinds import GuardField, Kind, Move, Refusal, ValueType, declare
from apps.workflows.models import Phases

__all__ = ["CHANGE_REQUEST", "JOB_ORDER"]

S = DispatchStatus


def keep_times(job: JobOrder, move: Move, context: Context, _inputs: Mapping[str, Any]) -> None:
    if move.to_status == S.RUNNING and job.started_at is None:
        job.started_at = context.occurred_at
    if move.to_status == S.COMPLETED:
        job.completed_at = context.occurred_at


def short_only_with_reason(job: JobOrder, move: Move, _context: Context, _inputs: Mapping[str, Any]) -> Refusal | None:
    if move.to_status != S.COMPLETED or not job.to_do or not job.is_count_point or REASON in move.requires:
        return None
    sentence = _("Only %(good)s of %(quantity)s are good. Book the rest, or complete short with a reason.")
    numbers = {"good": plain(job.good_quantity), "quantity": plain(job.quantity)}
    return Refusal("short", sentence % numbers, facts={"missing": str(job.to_do)})


def not_past_a_blocker(job: JobOrder, move: Move, _context: Context, _inputs: Mapping[str, Any]) -> Refusal | None:
    if move.to_status != S.RUNNING or move.from_status == S.RUNNING:
        return None
    blocker = blocker_before(job, job.made + 1)
    if blocker is None:
        return None
    return Refusal("blocked", f"{blocker.reach}: {blocker.sentence}", facts={"blocker_id": blocker.pk})


def not_while_the_machine_stands(
    job: JobOrder, move: Move, _context: Context, _inputs: Mapping[str, Any]
) -> Refusal | None:
    """What a stop has suspended runs on when the machine does."""
    if move.from_phase != Phases.STOP or move.to_status != S.RUNNING or job.work_unit_id is None:
        return None
    downtime = open_downtime(job.work_unit_id)
    if downtime is None:
        return None
    since = date_format(downtime.started_at.astimezone(job.work_center.site.zone), "TIME_FORMAT")
    sentence = _("The machine has stood still since %(time)s. Say that it runs again; the operation follows by itself.")
    return Refusal("machine_stopped", sentence % {"time": since}, facts={"downtime_id": downtime.pk})


def done_without_running_only_uncounted(
    job: JobOrder, move: Move, _context: Context, _inputs: Mapping[str, Any]
) -> Refusal | None:
    if move.to_status != S.COMPLETED or move.from_status in BEGUN or not job.is_count_point:
        return None
    return Refusal("never_run", _("This operation counts by itself. Start it, book, then complete it."))


def no_step_left_open(job: JobOrder, move: Move, _context: Context, _inputs: Mapping[str, Any]) -> Refusal | None:
    return why_not_complete(progress_of(job)) if move.to_status == S.COMPLETED else None


JOB_ORDER = declare(
    Kind(
        code="job_order",
        label=gettext_lazy("operation"),
        model_name="orders.JobOrder",
        statuses=DispatchStatus,
        initial_statuses=frozenset({S.PENDING, S.WAITING}),
        final_statuses=frozenset({S.CANCELLED, S.CLOSED}),
        held_statuses=frozenset({S.HELD}),
        running_statuses=frozenset({S.RUNNING}),
        stop_statuses=frozenset({S.SUSPENDED}),
        abandoned=frozenset({S.CANCELLED}),
        moves=MOVES,
        permission=RUN_JOB,
        scope=lambda job: job.scope,
        fields={
            "quantity": GuardField(
                type=ValueType.NUMBER, label=gettext_lazy("quantity"), read=lambda job: job.quantity
            ),
            "good": GuardField(type=ValueType.NUMBER, label=gettext_lazy("good"), read=lambda job: job.good_quantity),
            "scrap": GuardField(
                type=ValueType.NUMBER, label=gettext_lazy("scrap"), read=lambda job: job.scrap_quantity
            ),
            "to_do": GuardField(type=ValueType.NUMBER, label=gettext_lazy("still to do"), read=lambda job: job.to_do),
            "item": GuardField(
                type=ValueType.TEXT, label=gettext_lazy("item"), read=lambda job: job.work_order.item_code
            ),
            "customer": GuardField(
                type=ValueType.TEXT, label=gettext_lazy("customer"), read=lambda job: job.work_order.customer
            ),
            "line": GuardField(
                type=ValueType.TEXT,
                label=gettext_lazy("line"),
                read=lambda job: job.work_center.code,
                codes_of="work_center",
            ),
        },
        invariants=[
            done_without_running_only_uncounted,
            short_only_with_reason,
            no_step_left_open,
            not_past_a_blocker,
            not_while_the_machine_stands,
        ],
        prepare=[keep_times],
        take=take,
        partners=partners_at,
        thread=lambda job: f"work_order:{job.work_order_id}",
        topics=lambda job: job.topics,
        site_id=lambda job: job.site_id,
        erp_reference=lambda job: job.work_order.number,
        line="work_center",
        aftermath=aftermath,
        known={"item": items_known, "customer": customers_known},
        reads=["work_order", "work_center"],
    )
)
