"""The exception as a kind that runs on workflows: what no configuration can bypass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.actions import ANSWER
from apps.andon.models import ExceptionStatus, FloorException, OwnerLevel, Timer
from apps.andon.planning import plan_anew, restart_ladder, save_with_plan, set_clocks
from apps.andon.rows import (
    ARRIVES,
    CAUSE,
    CAUSE_ENDED,
    MINUTE,
    OWNER,
    RESOLUTION,
    UNTIL,
    hand_to,
    moved,
    note_on_the_way,
    refuse_longer_way,
)
from apps.andon.storms import STORM
from apps.core.commands import Context
from apps.plant.models import Purpose, ReasonCode
from apps.workflows.engine import fire
from apps.workflows.kinds import GuardField, Kind, Move, Refusal, ValueType, Warrant, declare

S = ExceptionStatus
# The system's own edge: the cause is gone.
END = "end"


def snoozed_within_bounds(
    exception: FloorException, move: Move, context: Context, inputs: Mapping[str, Any]
) -> Refusal | None:
    if move.to_status != S.SNOOZED or not inputs:
        return None
    until: datetime | None = inputs.get(UNTIL)
    longest = context.now + timedelta(minutes=exception.policy_version.snooze_minutes)
    if until is None or until <= context.now:
        return Refusal("no_end", _("Say until when: a snooze has an end."))
    if until > longest:
        minutes = exception.policy_version.snooze_minutes
        return Refusal("too_long", _("It can be snoozed for %(minutes)s minutes at most.") % {"minutes": minutes})
    return None


def closed_only_without_its_cause(
    exception: FloorException, move: Move, _context: Context, _inputs: Mapping[str, Any]
) -> Refusal | None:
    if move.to_status != S.CLOSED or not exception.cause.is_present(exception):
        return None
    sentence = _("%(what)s It closes by itself when that is over.") % {"what": exception.sentence}
    return Refusal("still_there", sentence, facts={"cause": exception.cause_kind})


def resolved_by_a_code_of_its_type(
    exception: FloorException, move: Move, _context: Context, inputs: Mapping[str, Any]
) -> Refusal | None:
    if move.to_status != S.RESOLVED or not inputs.get(RESOLUTION):
        return None
    codes = set(exception.type.resolution_codes.values_list("code", flat=True))
    if not codes or inputs[RESOLUTION] in codes:
        return None
    return Refusal("wrong_resolution", _("This resolution is not one of this type. Choose another one."))


def keep_times(exception: FloorException, move: Move, context: Context, inputs: Mapping[str, Any]) -> None:
    at = context.occurred_at
    match S(move.to_status):
        case S.ACKNOWLEDGED | S.IN_PROGRESS:
            exception.acknowledged_at = exception.acknowledged_at or at
            exception.progress_at, exception.accept_by = at, None
            exception.reminded += 1
            exception.arrives_at = inputs.get(ARRIVES, exception.arrives_at)
        case S.SNOOZED:
            exception.snoozed_until = inputs[UNTIL]
        case S.RESOLVED:
            exception.resolved_at, exception.accept_by = at, None
            exception.resolution = _reason(Purpose.RESOLUTION, inputs.get(RESOLUTION))
            exception.cause_reason = _reason(Purpose.ROOT_CAUSE, inputs.get(CAUSE))
        case S.CLOSED:
            exception.closed_at, exception.accept_by = max(at, exception.raised_at), None
            exception.cause_ended_at = inputs.get(CAUSE_ENDED, exception.cause_ended_at)
        case S.OPEN:
            restart_ladder(exception, context.now)
            exception.acknowledged_at = exception.arrives_at = exception.resolved_at = None
    if move.to_status != S.SNOOZED:
        exception.snoozed_until = None
    if owner_id := inputs.get(OWNER):
        hand_to(exception, owner_id, OwnerLevel.TAKEN, "", context.now)


def plan(exception: FloorException, _move: Move, context: Context, _inputs: Mapping[str, Any]) -> None:
    """The status is the new one already, and the row is saved after this."""
    set_clocks(exception, context.occurred_at)
    exception.__dict__["_planned"] = plan_anew(exception, context.now)


def save_plan(exception: FloorException, _move: Move, _context: Context, _inputs: Mapping[str, Any]) -> None:
    Timer.objects.bulk_create(exception.__dict__.pop("_planned"))


def take(context: Context, exception_id: int, edge: str, inputs: Mapping[str, Any], warrant: Warrant | None) -> str:
    """As the answers do; what the warrant has kept of times is read from text."""
    given = dict(inputs)
    given |= {name: datetime.fromisoformat(given[name]) for name in (UNTIL, ARRIVES) if name in given}
    if ARRIVES in given:
        refuse_longer_way(context, (given[ARRIVES] - context.now) / MINUTE)
    exception = moved(context, exception_id, edge, given, warrant=warrant)
    if ARRIVES in given:
        note_on_the_way(context, exception)
    return str(exception.state)


def part_ways(exception: FloorException, move: Move, context: Context, _inputs: Mapping[str, Any]) -> None:
    """A parent that closes leaves its children to themselves; the last child of a storm ends it."""
    if move.to_status != S.CLOSED:
        return
    children = FloorException.objects.not_done().filter(parent=exception).select_for_update(of=("self",))
    for child in children.select_related("policy_version", "work_center").order_by("pk"):
        child.parent = None
        restart_ladder(child, context.now)
        save_with_plan(context, child)
    parent = exception.parent
    if parent is not None and parent.is_open and parent.cause_kind == STORM and not parent.cause.is_present(parent):
        fire(context, FloorException, parent.pk, END, as_system=True)


def _reason(purpose: Purpose, code: str | None) -> ReasonCode | None:
    return ReasonCode.objects.filter(purpose=purpose, code=code).first() if code else None


EXCEPTION = declare(
    Kind(
        code="exception",
        label=gettext_lazy("exception"),
        model_name="andon.FloorException",
        statuses=ExceptionStatus,
        initial_statuses=frozenset({S.OPEN}),
        final_statuses=frozenset({S.CLOSED}),
        abandoned=frozenset({S.CLOSED}),
        moves={
            S.OPEN: frozenset({S.ACKNOWLEDGED, S.IN_PROGRESS, S.SNOOZED, S.RESOLVED, S.CLOSED}),
            S.ACKNOWLEDGED: frozenset({S.OPEN, S.IN_PROGRESS, S.SNOOZED, S.RESOLVED, S.CLOSED}),
            S.IN_PROGRESS: frozenset({S.OPEN, S.ACKNOWLEDGED, S.SNOOZED, S.RESOLVED, S.CLOSED}),
            S.SNOOZED: frozenset({S.OPEN, S.ACKNOWLEDGED, S.IN_PROGRESS, S.RESOLVED, S.CLOSED}),
            S.RESOLVED: frozenset({S.OPEN, S.CLOSED}),
        },
        permission=ANSWER,
        scope=lambda exception: exception.scope,
        own_inputs=frozenset({OWNER, ARRIVES, UNTIL, CAUSE_ENDED}),
        fields={
            "type": GuardField(
                type=ValueType.TEXT,
                label=gettext_lazy("type"),
                read=lambda e: e.type.code,
                codes_of="exception_type",
            ),
            "severity": GuardField(type=ValueType.NUMBER, label=gettext_lazy("severity"), read=lambda e: e.severity),
            "impact": GuardField(type=ValueType.TEXT, label=gettext_lazy("impact"), read=lambda e: e.impact),
            "level": GuardField(type=ValueType.NUMBER, label=gettext_lazy("level"), read=lambda e: e.level),
        },
        invariants=[snoozed_within_bounds, closed_only_without_its_cause, resolved_by_a_code_of_its_type],
        prepare=[keep_times, plan],
        on_move=[save_plan, part_ways],
        take=take,
        is_signed=False,
        thread=lambda exception: exception.thread,
        topics=lambda exception: exception.topics,
        site_id=lambda exception: exception.site_id,
        erp_reference=lambda exception: exception.erp_reference,
        line="work_center",
        reads=["policy_version", "type", "site", "area", "work_center"],
    )
)
