"""What follows a draft on its way to the floor: the plan for items under way, widening, moving, deciding, going back.

Publication itself stands in apps.workflows.commands, beside the rest of a version's life.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE
from apps.workflows.actions import EDIT, PUBLISH
from apps.workflows.events import (
    ItemDecided,
    MovesEnded,
    MovesPlanned,
    VersionRolledBack,
    VersionTookEffect,
    VersionWidened,
)
from apps.workflows.graph import graph
from apps.workflows.judgement import can_be_done_by
from apps.workflows.kinds import KINDS
from apps.workflows.life.following import is_superseded
from apps.workflows.life.moving import Passage, step_of, take_over
from apps.workflows.life.planning import (
    DecisionSpec,
    LineSpec,
    forbidden,
    older_versions,
    policy_of,
    straight_lines,
    to_be_moved,
    under_way,
    why_not,
)
from apps.workflows.life.publishing import MOVES, locked, put_in_force
from apps.workflows.models import (
    Course,
    MoveDecision,
    MoveLine,
    MovePlan,
    Policy,
    Rollout,
    Version,
    VersionStatus,
    Workflow,
)
from apps.workflows.rows import replace_rows, to_definition
from apps.workflows.versioning import next_number, set_status

# So many items are moved, and locked, in one transaction.
BATCH = 500


@command("workflows.plan_moves")
def plan_moves(
    context: Context,
    *,
    version_id: int,
    policy: Policy,
    lines: list[LineSpec] | None = None,
    decisions: list[DecisionSpec] | None = None,
) -> str:
    """Writes the draft's plan for the items under way anew; whoever writes it can't approve it.

    What is missing or impossible is said by the dry run, and keeps the version from review; see planning.dry_run.
    """
    context.allow(EDIT, at=EVERYWHERE)
    version = locked(context, version_id, VersionStatus.DRAFT)
    states = {older.pk: graph(older).states for older in older_versions(version)}
    for line in lines or []:
        if line.from_state not in states.get(line.from_version_id, {}):
            context.refuse(
                "unknown_state",
                _("No published version of this workflow has the state %(state)s.") % {"state": line.from_state},
                version_id=line.from_version_id,
            )
    version.move_lines.all().delete()
    version.move_decisions.all().delete()
    MovePlan.objects.update_or_create(version=version, defaults={"policy": policy})
    MoveLine.objects.bulk_create(MoveLine(version=version, **line.model_dump()) for line in lines or [])
    person = context.actor.person_id
    MoveDecision.objects.bulk_create(
        MoveDecision(version=version, decided_by_id=person, decided_at=context.now, **decision.model_dump())
        for decision in decisions or []
    )
    if person is not None and person not in version.editor_ids:
        version.editor_ids = [*version.editor_ids, person]
        version.save(update_fields=["editor_ids"])
    context.record(MovesPlanned(subject_id=version.pk, policy=policy))
    return policy


@command("workflows.widen")
def widen(context: Context, *, version_id: int) -> None:
    """From now on new items start on it on all lines, and the items under way there follow the plan as well."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version = locked(context, version_id, VersionStatus.PUBLISHED)
    rollout = Rollout.objects.select_for_update().filter(version=version).first()
    if rollout is None or rollout.widened_at is not None:
        context.refuse("everywhere_already", _("It holds on all lines already."))
    if is_superseded(version, context):
        context.refuse("superseded", _("A newer version is in force: this one is not widened any more."))
    rollout.widened_at, rollout.widened_by_id = context.now, context.actor.person_id
    rollout.cursor, rollout.moves_ended_at = 0, None
    rollout.save()
    context.record(VersionWidened(subject_id=version.pk, workflow_id=version.workflow_id))
    context.touch(MOVES)


@command("workflows.roll_back")
def roll_back(
    context: Context,
    *,
    version_id: int,
    reason: FreeText,
    move_back: bool = True,
    renamed: dict[str, str] | None = None,
) -> int:
    """Publishes the content of `version_id` anew, at once, on all lines, by one person. Answers the new version's id.

    Two people have approved this content before: it is that of a formerly published version, to the byte, and the
    database refuses any other that its author approves. The plan for the items under way needs no second person
    either, as it only moves them between states of the same status and phase, which nothing outside the workflow sees:
    to the state of the same code, or to the one that `renamed` (old code -> new code) names. All others stay.
    """
    context.allow(PUBLISH, at=EVERYWHERE)
    former = locked(context, version_id, VersionStatus.PUBLISHED, VersionStatus.RETIRED)
    if not reason.strip():
        context.refuse("note_missing", _("Say in a sentence what is wrong, and why this version is the way back."))
    definition = to_definition(former)
    if definition.checksum != former.checksum:
        context.refuse("checksum", _("The content of this version is not the one that was published."))
    workflow = Workflow.objects.select_for_update().get(pk=former.workflow_id)  # the next number is given once
    person = context.actor.person_id
    version = Version.objects.create(
        workflow=workflow,
        number=next_number(workflow.versions.all()),
        author_id=person,
        created_at=context.now,
        checksum=former.checksum,
    )
    replace_rows(version, definition)
    version.save(update_fields=["applies_to"])
    if move_back:
        MovePlan.objects.create(version=version, policy=Policy.PLAN)
        lines = straight_lines(version, renamed)
        MoveLine.objects.bulk_create(MoveLine(version=version, **line.model_dump()) for line in lines)
    set_status(version, VersionStatus.IN_REVIEW)
    version.approver_id, version.note, version.published_at = person, reason.strip(), context.now
    put_in_force(context, version, context.now, [])
    context.record(VersionRolledBack(subject_id=version.pk, workflow_id=workflow.pk, back_to_id=former.pk))
    return version.pk


@command("workflows.take_effect")
def take_effect(context: Context, *, version_id: int) -> bool:
    """The hour of a version has come: the items under way begin to follow its plan."""
    context.allow(PUBLISH, at=EVERYWHERE)
    waiting = Rollout.objects.to_be_announced().select_for_update(of=("self",), skip_locked=True)
    rollout = waiting.select_related("version__workflow").filter(version=version_id).first()
    if rollout is None or not rollout.version.has_begun(context.now):
        return False
    rollout.took_effect_at = context.now
    rollout.save(update_fields=["took_effect_at"])
    context.record(VersionTookEffect(subject_id=version_id, workflow_id=rollout.version.workflow_id))
    context.touch(MOVES)
    return True


@command("workflows.move_some")
def move_some(context: Context, *, version_id: int) -> int:
    """The next batch of the items that the version's plan moves; answers how many it has looked at.

    What is left to do is read from the items themselves, so that whoever goes on after a crash does none twice. Items
    that somebody else holds are left for the next pass.
    """
    context.allow(PUBLISH, at=EVERYWHERE)
    running = Rollout.objects.moving().select_for_update(of=("self",), skip_locked=True)
    rollout = running.select_related("version__workflow", "version__move_plan").filter(version=version_id).first()
    if rollout is None:
        return 0
    version, kind = rollout.version, KINDS.get(rollout.version.workflow.kind)
    policy = policy_of(version)
    if kind is None or policy == Policy.PIN or is_superseded(version, context):
        return _ended(context, rollout)
    wanted = to_be_moved(kind, version, None if rollout.widened_at else rollout.line_ids)
    ids = list(wanted.filter(pk__gt=rollout.cursor).order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not ids:
        return _next_pass(context, rollout)
    rollout.moved += _move(Passage(context, kind, version, policy), rollout, wanted, ids)
    rollout.cursor = ids[-1]
    rollout.save(update_fields=["cursor", "skipped", "moved"])
    return len(ids)


def _move(passage: Passage, rollout: Rollout, wanted: QuerySet[Any], ids: list[int]) -> int:
    """How many of the items have moved."""
    version = passage.to
    rows = wanted.filter(pk__in=ids).select_for_update(of=("self",), skip_locked=True)
    items = list(rows.select_related(*passage.kind.reads).order_by("pk"))
    rollout.skipped += len(ids) - len(items)
    moves = version.move_lines.filter(course=Course.MOVE)
    targets = {(line.from_version_id, line.from_state): line.to_state for line in moves}
    decided = dict(version.move_decisions.values_list("item_id", "to_state"))
    versions = Version.objects.in_bulk({item.workflow_version_id for item in items})
    steps = [
        step_of(item, versions, version, targets.get((item.workflow_version_id, item.state)) or decided[item.pk])
        for item in items
    ]
    return take_over(passage, steps)


def _next_pass(context: Context, rollout: Rollout) -> int:
    if not rollout.skipped:
        return _ended(context, rollout)
    rollout.cursor = rollout.skipped = 0
    rollout.save(update_fields=["cursor", "skipped"])
    return 0


def _ended(context: Context, rollout: Rollout) -> int:
    rollout.moves_ended_at = context.now
    rollout.save(update_fields=["moves_ended_at"])
    context.record(MovesEnded(subject_id=rollout.version_id, moved=rollout.moved))
    return 0


@command("workflows.decide_item")
def decide_item(context: Context, *, version_id: int, item_id: int, to_state: str = "") -> str:
    """For an item of whose state the plan says "decide each": it moves at once, or (empty `to_state`) stays for good.

    Not by somebody who has written the version: for the plan of a draft that is what the approver is for.
    """
    context.allow(PUBLISH, at=EVERYWHERE)
    version = locked(context, version_id, VersionStatus.PUBLISHED)
    kind = KINDS.get(version.workflow.kind)
    if context.actor.person_id is None or context.actor.person_id in version.editor_ids:
        context.refuse(
            "own_work",
            _("Who has written a workflow does not decide this."),
            can_be_done_by(", ".join(rights.holders(PUBLISH))),
        )
    if kind is None or not version.has_begun(context.now) or is_superseded(version, context):
        context.refuse("not_in_force", _("This version is not in force: nothing moves to it."))
    older = {one.pk: one for one in older_versions(version)}
    rows = under_way(kind, older).filter(pk=item_id).select_for_update(of=("self",))
    item = rows.select_related(*kind.reads).first()
    asked = version.move_lines.filter(course=Course.DECIDE)
    if item is None or not asked.filter(from_version=item.workflow_version_id, from_state=item.state).exists():
        context.refuse("nothing_to_decide", _("The plan asks for no decision on this item."))
    if version.move_decisions.filter(item_id=item_id).exists():
        context.refuse("decided_already", _("That has been decided already."))
    MoveDecision.objects.create(
        version=version,
        item_id=item_id,
        to_state=to_state,
        decided_by_id=context.actor.person_id,
        decided_at=context.now,
    )
    if to_state:
        old = graph(older[item.workflow_version_id]).states[item.state]
        new = graph(version).states.get(to_state)
        reason = why_not(kind, Policy.PLAN, old, new)
        if reason or new is None:
            context.refuse("no_such_move", f"{item} → {to_state}: {reason}.")
        if refusal := forbidden(item, old, new, version, context):
            context.refuse("forbidden", refusal)
        take_over(Passage(context, kind, version, Policy.PLAN), [step_of(item, older, version, to_state)])
    context.record(ItemDecided(subject_id=version.pk, item_id=item_id, to_state=to_state))
    return to_state
