"""What the commands of all versions have in common, whatever they are versions of (a workflow, a rule, a playbook)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.commands import Context
from apps.core.rights import Action
from apps.plant.models import WorkCenter
from apps.plant.shifts_calendar import next_shift_of_site
from apps.workflows.actions import PUBLISH
from apps.workflows.check import Problem, errors_in
from apps.workflows.judgement import can_be_done_by
from apps.workflows.models import VersionStatus
from apps.workflows.models.life import VersionLife

V = TypeVar("V", bound=VersionLife)


def locked_version(context: Context, rows: QuerySet[V], version_id: int, *expected: VersionStatus) -> V:
    """Refuses where it is not there, or not in one of the `expected` statuses."""
    version = rows.select_for_update(of=("self",)).filter(pk=version_id).first()
    if version is None:
        context.refuse("not_found", _("This does not exist any more. Reload the screen."))
    if expected:
        expect_status(context, version, *expected)
    return version


def expect_status(context: Context, version: VersionLife, *expected: VersionStatus) -> None:
    if version.status not in expected:
        context.refuse(
            "wrong_status",
            _("The version is %(status)s, so this is not possible.") % {"status": VersionStatus(version.status).label},
            _what_to_do(VersionStatus(version.status), expected),
            status=version.status,
        )


def _what_to_do(status: VersionStatus, expected: Sequence[VersionStatus]) -> str:
    if status == VersionStatus.DRAFT and VersionStatus.IN_REVIEW in expected:
        return _("Submit it for review first.")
    if status == VersionStatus.IN_REVIEW and VersionStatus.DRAFT in expected:
        return _("Have it returned to the author first.")
    return _("Make a new draft of it.") if VersionStatus.DRAFT in expected else ""


def next_number(rows: QuerySet[V]) -> int:
    """Of the versions of one thing, which the caller has locked: a number is given once."""
    return int(rows.aggregate(last=Max("number"))["last"] or 0) + 1


def refuse_if_changed(context: Context, version: VersionLife, based_on: str) -> None:
    """`based_on`: the checksum of what was edited; "" asks nothing."""
    if based_on and version.checksum != based_on:
        context.refuse(
            "changed_meanwhile",
            _("Somebody else has saved this draft meanwhile. Reload it and enter the change again."),
        )


def refuse_errors(context: Context, problems: Sequence[Problem]) -> None:
    errors = errors_in(problems)
    if errors:
        shown = " ".join(str(problem) for problem in errors[:5])
        context.refuse(
            "check_failed", _("The check has found %(n)s errors. %(shown)s") % {"n": len(errors), "shown": shown}
        )


def refuse_other_content(context: Context, version: VersionLife, checksum: str) -> None:
    """`checksum`: of what it says now; another one was written past the commands, by nobody knows whom."""
    if version.checksum != checksum:
        context.refuse("checksum", _("The stored checksum does not fit the content. Save the draft again."))


def approve(context: Context, version: VersionLife, note: str, action: Action = PUBLISH) -> None:
    """By somebody who has written nothing of it, with a word about what changes; saves nothing.

    action  what the caller has asked for: whoever holds it could approve as well
    """
    if not note.strip():
        context.refuse("note_missing", _("Say in a sentence what changes and why."))
    approver = context.actor.person_id
    if approver in version.editor_ids or (approver is None and version.editor_ids):
        context.refuse(
            "own_work",
            _("Who has written it can't approve it."),
            can_be_done_by(", ".join(rights.holders(action))),
        )
    version.approver_id, version.note, version.published_at = approver, note.strip(), context.now


def set_status(version: VersionLife, status: VersionStatus) -> str:
    version.status = status
    version.save()
    return version.status


def start_of(context: Context, effective_from: datetime | None, next_shift_of: int | None) -> datetime:
    """When a publication begins to hold: at a time, with the next shift of a site, or now."""
    if next_shift_of is None:
        return effective_from or context.now
    shift = next_shift_of_site(next_shift_of, context.now)
    if shift is None:
        context.refuse("no_shift", _("This site has no shift ahead in its calendar: say a date, or publish it now."))
    return shift.start


def refuse_no_lines(context: Context, first_on: Collection[int] | None) -> None:
    """None: on all at once."""
    if first_on is not None and not first_on:
        context.refuse("no_line_chosen", _("Choose the lines that try it first, or publish it on all."))


def insist_on_lines(context: Context, line_ids: Collection[int]) -> None:
    if WorkCenter.objects.filter(pk__in=line_ids).count() != len(set(line_ids)):
        context.refuse("unknown_line", _("One of these lines is not there."))


def refuse_tried_already(context: Context, on_the_way: Iterable[VersionLife]) -> None:
    """`on_the_way`: other versions of the same thing that are not everywhere yet."""
    for version in on_the_way:
        context.refuse(
            "tried_already",
            _("%(version)s is on its way already and does not hold everywhere yet: widen it or take it back first.")
            % {"version": version},
        )
