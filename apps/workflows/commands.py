"""Everything that changes a workflow: draft, save, review, publish, retire; and the kill switch.

Workflows hold for the whole plant, so each of these asks for its right everywhere.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q
from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE
from apps.workflows.actions import EDIT, PUBLISH, STOP_EDGE
from apps.workflows.definition import Definition
from apps.workflows.events import (
    DraftCreated,
    DraftReturned,
    DraftSaved,
    EdgeResumed,
    EdgeStopped,
    ReviewRequested,
    VersionRetired,
)
from apps.workflows.kinds import KINDS
from apps.workflows.life.planning import policy_of
from apps.workflows.life.publishing import insist_on_a_plan, insist_on_clean, put_in_force
from apps.workflows.life.seen import buttons_topic
from apps.workflows.models import Edge, EdgeStop, Policy, Version, VersionStatus, Workflow
from apps.workflows.rows import dangling, replace_rows, to_definition
from apps.workflows.studio.steps import keep, redone, undone
from apps.workflows.versioning import (
    approve,
    locked_version,
    next_number,
    refuse_if_changed,
    refuse_no_lines,
    set_status,
    start_of,
)


@command("workflows.create_draft")
def create_draft(context: Context, *, version_id: int) -> int:
    """A new draft that is a copy of any version, retired ones too: that is how one goes back. Answers its id."""
    context.allow(EDIT, at=EVERYWHERE)
    copied = _locked(context, version_id)
    return _new_draft(context, copied.workflow, to_definition(copied), copy_of_id=copied.pk)


@command("workflows.import_draft")
def import_draft(context: Context, *, definition: Definition) -> int:
    """A draft from a file, of a new workflow when its code is new. Answers the version's id."""
    context.allow(EDIT, at=EVERYWHERE)
    workflow, __ = Workflow.objects.get_or_create(
        code=definition.code, defaults={"kind": definition.kind, "name": definition.name}
    )
    return _new_draft(context, workflow, definition, copy_of_id=None)


@command("workflows.save_draft")
def save_draft(
    context: Context, *, version_id: int, definition: Definition, based_on: str = "", label: str = ""
) -> str:
    """Replaces the draft's states and edges. `based_on`: the checksum that was edited; another one since is refused.

    label  of the step, in words: what undo is called

    Answers the new checksum. A draft may be wrong in every way but those that rows can't hold.
    """
    context.allow(EDIT, at=EVERYWHERE)
    version = _edited(context, version_id, based_on)
    before = to_definition(version)
    _fill(context, version, definition)
    keep(version, before, definition, label=label, person_id=context.actor.person_id, at=context.now)
    context.record(DraftSaved(subject_id=version.pk, checksum=version.checksum, what=label))
    return version.checksum


@command("workflows.undo_step")
def undo_step(context: Context, *, version_id: int, based_on: str = "") -> str:
    """The draft as it was before its last step, whoever made that. Answers the checksum."""
    context.allow(EDIT, at=EVERYWHERE)
    version = _edited(context, version_id, based_on)
    label, before = undone(context, version)
    _fill(context, version, Definition.model_validate(before))
    context.record(DraftSaved(subject_id=version.pk, checksum=version.checksum, what=f"- {label}"))
    return version.checksum


@command("workflows.redo_step")
def redo_step(context: Context, *, version_id: int, based_on: str = "") -> str:
    """What was undone last, again. Answers the checksum."""
    context.allow(EDIT, at=EVERYWHERE)
    version = _edited(context, version_id, based_on)
    label, after = redone(context, version)
    _fill(context, version, Definition.model_validate(after))
    context.record(DraftSaved(subject_id=version.pk, checksum=version.checksum, what=label))
    return version.checksum


@command("workflows.submit_for_review")
def submit_for_review(context: Context, *, version_id: int) -> str:
    """From here on version and plan are fixed, until returned. Refused while the check or the plan has errors."""
    context.allow(EDIT, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.DRAFT)
    insist_on_clean(context, version)
    insist_on_a_plan(context, version)
    set_status(version, VersionStatus.IN_REVIEW)
    context.record(ReviewRequested(subject_id=version.pk, checksum=version.checksum))
    return version.status


@command("workflows.return_to_draft")
def return_to_draft(context: Context, *, version_id: int) -> str:
    context.allow(EDIT, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.IN_REVIEW)
    set_status(version, VersionStatus.DRAFT)
    if policy_of(version) == Policy.SAFE:
        version.move_lines.filter(from_state=F("to_state")).delete()  # they come again by themselves
    context.record(DraftReturned(subject_id=version.pk))
    return version.status


@command("workflows.publish")
def publish(
    context: Context,
    *,
    version_id: int,
    note: FreeText,
    effective_from: datetime | None = None,
    next_shift_of: int | None = None,
    first_on: list[int] | None = None,
) -> str:
    """New items start on it; those under way do what the version's plan says. Nobody approves own work.

    effective_from  None: now        next_shift_of  a site: from its next shift on
    first_on        work centers that try it before the others, until it is widened (apps.workflows.life)
    """
    context.allow(PUBLISH, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.IN_REVIEW)
    approve(context, version, note)
    refuse_no_lines(context, first_on)
    insist_on_a_plan(context, version)
    put_in_force(context, version, start_of(context, effective_from, next_shift_of), first_on or [])
    return version.status


@command("workflows.retire")
def retire(context: Context, *, version_id: int) -> str:
    """No new item starts on it. Refused while an item is on its way in it, or when nothing would take its place."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.PUBLISHED)
    kind = KINDS.get(version.workflow.kind)
    items = kind.model._base_manager.filter(workflow_version=version) if kind else None
    left = items.exclude(status__in=kind.final_statuses).count() if kind and items else 0
    if left:
        context.refuse(
            "items_on_it", _("%(count)s are still on their way in this version.") % {"count": left}, count=left
        )
    others = Version.objects.in_force(at=context.now).exclude(pk=version.pk)
    if version.applies_to:
        others = others.filter(Q(workflow=version.workflow_id) | Q(workflow__kind=version.workflow.kind, applies_to=[]))
    else:
        others = others.filter(workflow=version.workflow_id)
    if not others.exists():
        context.refuse("only_one", _("No other version is in force: publish one first."))
    set_status(version, VersionStatus.RETIRED)
    context.record(VersionRetired(subject_id=version.pk, workflow_id=version.workflow_id))
    return version.status


@command("workflows.stop_edge")
def stop_edge(context: Context, *, workflow_id: int, edge: str, reason: FreeText) -> int:
    """Nobody takes this edge, in any version, until it is resumed. `reason` is what operators read. Answers an id."""
    context.allow(STOP_EDGE, at=EVERYWHERE)
    workflow = Workflow.objects.select_for_update().filter(pk=workflow_id).first()
    published = Edge.objects.filter(version__workflow=workflow_id, version__published_at__isnull=False)
    if workflow is None or not published.filter(code=edge).exists():
        context.refuse("unknown_edge", _("No published version has an edge of this name."), edge=edge)
    if not reason.strip():
        context.refuse("reason_missing", _("Say why, in a sentence that operators understand."))
    if workflow.stops.in_force().filter(edge=edge).exists():
        context.refuse("stopped_already", _("It is stopped already."))
    stop = EdgeStop.objects.create(
        workflow=workflow,
        edge=edge,
        reason=reason.strip(),
        stopped_by_id=context.actor.person_id,
        stopped_at=context.now,
    )
    context.record(EdgeStopped(subject_id=workflow.pk, edge=edge, stop_id=stop.pk))
    context.touch(buttons_topic(workflow.kind))
    return stop.pk


@command("workflows.resume_edge")
def resume_edge(context: Context, *, stop_id: int) -> None:
    context.allow(STOP_EDGE, at=EVERYWHERE)
    stop = EdgeStop.objects.select_for_update().filter(pk=stop_id).in_force().first()
    if stop is None:
        context.refuse("not_stopped", _("It is not stopped any more."))
    stop.resumed_by_id, stop.resumed_at = context.actor.person_id, context.now
    stop.save(update_fields=["resumed_by_id", "resumed_at"])
    context.record(EdgeResumed(subject_id=stop.workflow_id, edge=stop.edge, stop_id=stop.pk))
    context.touch(buttons_topic(stop.workflow.kind))


# ---- shared


def _locked(context: Context, version_id: int, *expected: VersionStatus) -> Version:
    return locked_version(context, Version.objects.select_related("workflow"), version_id, *expected)


def _edited(context: Context, version_id: int, based_on: str) -> Version:
    version = _locked(context, version_id, VersionStatus.DRAFT)
    refuse_if_changed(context, version, based_on)
    return version


def _new_draft(context: Context, workflow: Workflow, definition: Definition, *, copy_of_id: int | None) -> int:
    Workflow.objects.select_for_update().get(pk=workflow.pk)  # the next number is given once
    version = Version.objects.create(
        workflow=workflow,
        number=next_number(workflow.versions.all()),
        author_id=context.actor.person_id,
        created_at=context.now,
    )
    _fill(context, version, definition)
    context.record(DraftCreated(subject_id=version.pk, workflow_id=workflow.pk, copy_of_id=copy_of_id))
    return version.pk


def _fill(context: Context, version: Version, definition: Definition) -> None:
    workflow = version.workflow
    if (definition.kind, definition.code) != (workflow.kind, workflow.code):
        context.refuse(
            "other_workflow",
            _("This is a definition of %(code)s (%(kind)s).") % {"code": definition.code, "kind": definition.kind},
        )
    problems = dangling(definition)
    if problems:
        context.refuse("not_a_graph", "; ".join(problems[:8]))
    replace_rows(version, definition)
    if workflow.name != definition.name:
        workflow.name = definition.name
        workflow.save(update_fields=["name"])
    credited = version.credit(context.actor.person_id, definition.checksum)
    version.save(update_fields=[*credited, "applies_to"])
