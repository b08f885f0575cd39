"""What every publication has in common: checked, with a whole plan for the items under way, then in force."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from apps.core.commands import Context
from apps.workflows.check import check
from apps.workflows.events import VersionPublished
from apps.workflows.kinds import KINDS
from apps.workflows.life.following import is_superseded
from apps.workflows.life.planning import dry_run, lines_of, policy_of
from apps.workflows.models import MoveLine, Policy, Rollout, Version, VersionStatus, Workflow
from apps.workflows.rows import to_definition
from apps.workflows.versioning import (
    insist_on_lines,
    locked_version,
    refuse_errors,
    refuse_tried_already,
    set_status,
)

# What wakes the worker when items may have to move.
MOVES = "workflow-moves"


def locked(context: Context, version_id: int, *expected: VersionStatus) -> Version:
    return locked_version(context, Version.objects.select_related("workflow"), version_id, *expected)


def insist_on_clean(context: Context, version: Version) -> None:
    definition = to_definition(version)
    refuse_errors(context, check(definition, KINDS.get(version.workflow.kind)))
    if version.checksum != definition.checksum:
        context.refuse("checksum", _("The stored checksum does not fit the states and edges. Save the draft again."))


def insist_on_a_plan(context: Context, version: Version) -> None:
    """Completes the plan of a draft, so that the whole of it is reviewed; refused while it is wrong or has gaps."""
    policy = policy_of(version)
    if policy == Policy.PIN:
        return
    if version.is_draft:
        lines = lines_of(version, policy)
        version.move_lines.all().delete()
        MoveLine.objects.bulk_create(MoveLine(version=version, **line.model_dump()) for line in lines)
    found = dry_run(version, context)
    if found.problems:
        shown = " ".join(found.problems[:5])
        context.refuse(
            "plan_incomplete",
            _("The plan for the items under way has %(n)s gaps. %(shown)s")
            % {"n": len(found.problems), "shown": shown},
        )
    if version.is_draft and found.decide:
        context.refuse(
            "undecided",
            _("%(n)s items wait for a decision whether they move.") % {"n": found.decide},
            count=found.decide,
        )


def put_in_force(context: Context, version: Version, starts: datetime, first_on: list[int]) -> None:
    """The publication itself, of a version in review that is approved (versioning.approve)."""
    # Two workflows of a kind must not be published for the same new items at once.
    list(Workflow.objects.select_for_update(no_key=True).filter(kind=version.workflow.kind).order_by("pk"))
    insist_on_clean(context, version)
    if first_on:
        _insist_on_lines(context, version, first_on)
    version.effective_from = starts
    set_status(version, VersionStatus.PUBLISHED)
    is_now = starts <= context.now
    Rollout.objects.create(
        version=version,
        line_ids=sorted(set(first_on)),
        widened_at=None if first_on else context.now,
        widened_by_id=None if first_on else context.actor.person_id,
        took_effect_at=context.now if is_now else None,
        moves_ended_at=context.now if policy_of(version) == Policy.PIN else None,
    )
    context.record(
        VersionPublished(
            subject_id=version.pk,
            workflow_id=version.workflow_id,
            number=version.number,
            checksum=version.checksum,
            editor_ids=version.editor_ids,
        )
    )
    # Who looks at an item hears of it when the item itself goes over; nothing else looks different by a version.
    context.touch(MOVES)


def _insist_on_lines(context: Context, version: Version, first_on: list[int]) -> None:
    kind = KINDS.get(version.workflow.kind)
    if kind is None or not kind.line:
        context.refuse("no_lines", _("These items run on no line: publish it for all at once."))
    insist_on_lines(context, first_on)
    tried = Rollout.objects.filter(version__workflow=version.workflow_id, widened_at__isnull=True)
    others = [rollout.version for rollout in tried.select_related("version__workflow")]
    refuse_tried_already(context, [other for other in others if not is_superseded(other, context)])
