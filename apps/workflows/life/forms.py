"""What the Publish page sends: each button is one command, its inputs read from the page's fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.workflows import commands
from apps.workflows.life.commands import decide_item, plan_moves, roll_back, widen
from apps.workflows.life.planning import DecisionSpec, LineSpec
from apps.workflows.models import Course, Policy, Version

# Fields of the page: "line-7-ready" is the course of version 7's state "ready", "item-12" the decision on item 12.
LINE, ITEM = "line-", "item-"
# What a course is called in a select; a move names its state behind a colon.
STAY, DECIDE, MOVE_TO = "stay", "decide", "move:"

Sent = Callable[[Actor, UUID, Any, QueryDict], int | None]


class WhenAndWhere(TypedDict):
    effective_from: datetime | None
    next_shift_of: int | None
    first_on: list[int] | None


def _plan(actor: Actor, command_id: UUID, version: Version, form: QueryDict) -> None:
    policy = Policy(form.get("policy", Policy.PIN))
    plan_moves(
        actor,
        command_id,
        version_id=version.pk,
        policy=policy,
        lines=_lines(form) if policy != Policy.PIN else [],
        decisions=_decisions(form) if policy == Policy.PLAN else [],
    )


def _lines(form: QueryDict) -> list[LineSpec]:
    lines = []
    for name, value in form.items():
        if not (name.startswith(LINE) and value):
            continue
        version_id, __, state = name.removeprefix(LINE).partition("-")
        course = Course.MOVE if str(value).startswith(MOVE_TO) else Course(str(value))
        to_state = str(value).removeprefix(MOVE_TO) if course == Course.MOVE else ""
        lines.append(LineSpec(from_version_id=int(version_id), from_state=state, course=course, to_state=to_state))
    return lines


def _decisions(form: QueryDict) -> list[DecisionSpec]:
    """Of the items that somebody has said something about."""
    return [
        DecisionSpec(item_id=int(name.removeprefix(ITEM)), to_state=_target(str(value)))
        for name, value in form.items()
        if name.startswith(ITEM) and value
    ]


def _target(value: str) -> str:
    return value.removeprefix(MOVE_TO) if value.startswith(MOVE_TO) else ""


def _submit(actor: Actor, command_id: UUID, version: Version, _form: QueryDict) -> None:
    commands.submit_for_review(actor, command_id, version_id=version.pk)


def _return(actor: Actor, command_id: UUID, version: Version, _form: QueryDict) -> None:
    commands.return_to_draft(actor, command_id, version_id=version.pk)


def _publish(actor: Actor, command_id: UUID, version: Version, form: QueryDict) -> None:
    commands.publish(actor, command_id, version_id=version.pk, note=form.get("note", ""), **when_and_where(form))


def when_and_where(form: QueryDict) -> WhenAndWhere:
    """What the page asks of every publication."""
    when = form.get("when", "now")
    return {
        "effective_from": _date(form.get("at", "")) if when == "at" else None,
        "next_shift_of": int(when.removeprefix("shift-")) if when.startswith("shift-") else None,
        "first_on": [int(pk) for pk in form.getlist("first_on")] if form.get("where") == "first" else None,
    }


def _date(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None:
        raise CommandRefused("no_date", _("Say from when, as a date with a time."))
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _widen(actor: Actor, command_id: UUID, version: Version, _form: QueryDict) -> None:
    widen(actor, command_id, version_id=version.pk)


def _roll_back(actor: Actor, command_id: UUID, _version: Version, form: QueryDict) -> int:
    return roll_back(
        actor,
        command_id,
        version_id=int(form.get("back_to", "")),
        reason=form.get("reason", ""),
        move_back=bool(form.get("move_back")),
    )


def _decide(actor: Actor, command_id: UUID, version: Version, form: QueryDict) -> None:
    decision = form.get("decision", "")
    if not decision:
        raise CommandRefused("undecided", _("Say what becomes of the item."))
    decide_item(
        actor, command_id, version_id=version.pk, item_id=int(form.get("item_id", "")), to_state=_target(decision)
    )  # fmt: skip


def _stop(actor: Actor, command_id: UUID, version: Version, form: QueryDict) -> None:
    commands.stop_edge(
        actor,
        command_id,
        workflow_id=version.workflow_id,
        edge=form.get("edge", ""),
        reason=form.get("reason", ""),
    )


def _resume(actor: Actor, command_id: UUID, _version: Version, form: QueryDict) -> None:
    commands.resume_edge(actor, command_id, stop_id=int(form.get("stop_id", "")))


# What a button says it does -> the command; an answer is the id of the version whose page comes next.
SENT: dict[str, Sent] = {
    "plan": _plan,
    "submit": _submit,
    "return": _return,
    "publish": _publish,
    "widen": _widen,
    "roll_back": _roll_back,
    "decide": _decide,
    "stop": _stop,
    "resume": _resume,
}
