"""Rules on their way to the floor: published now, later or on some lines first, widened, taken back, retired.

Of the published versions of a rule the one published last that has begun and holds at the place of an event follows
it. One that holds everywhere retires all that were published before it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max
from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE
from apps.workflows.actions import PUBLISH
from apps.workflows.models import VersionStatus
from apps.workflows.rules.check import check_rule, knows_its_line
from apps.workflows.rules.counting import hand_over, hand_over_timers
from apps.workflows.rules.events import (
    RulePublished,
    RuleReplaced,
    RuleRetired,
    RuleRolledBack,
    RuleTookEffect,
    RuleWidened,
)
from apps.workflows.rules.in_force import changed, in_force_beside, spec_of
from apps.workflows.rules.models import Rule, RuleRollout, RuleVersion
from apps.workflows.rules.switching import over_with
from apps.workflows.versioning import (
    approve,
    insist_on_lines,
    locked_version,
    next_number,
    refuse_errors,
    refuse_no_lines,
    refuse_other_content,
    refuse_tried_already,
    set_status,
    start_of,
)


@command("workflows.publish_rule")
def publish_rule(
    context: Context,
    *,
    version_id: int,
    note: FreeText,
    effective_from: datetime | None = None,
    next_shift_of: int | None = None,
    first_on: list[int] | None = None,
) -> str:
    """In the place of the versions before. Nobody approves own work.

    effective_from  None: now        next_shift_of  a site: from its next shift on
    first_on        work centers that try it before the others, until it is widened; what it counts begins there anew
    """
    context.allow(PUBLISH, at=EVERYWHERE)
    version = locked(context, version_id, VersionStatus.IN_REVIEW)
    approve(context, version, note)
    insist_on_clean(context, version)
    refuse_no_lines(context, first_on)
    version.published_at = _after_all_others(context, version)
    starts = start_of(context, effective_from, next_shift_of)
    if first_on or starts > context.now:
        _on_its_way(context, version, starts, sorted(set(first_on or [])))
    else:
        _put_in_force(context, version)
    return version.status


@command("workflows.widen_rule")
def widen_rule(context: Context, *, version_id: int) -> None:
    """From now on, or from its hour on, it holds on all lines."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version = locked(context, version_id, VersionStatus.PUBLISHED)
    rollout = RuleRollout.objects.select_for_update().filter(version=version).first()
    if rollout is None or rollout.widened_at is not None:
        context.refuse("everywhere_already", _("It holds on all lines already."))
    rollout.widened_at, rollout.widened_by_id = context.now, context.actor.person_id
    rollout.save(update_fields=["widened_at", "widened_by_id"])
    context.record(RuleWidened(subject_id=version.rule_id, version_id=version.pk))
    if rollout.took_effect_at is not None:
        _replace_all_before(context, version)
    changed(context, version.rule_id)


@command("workflows.rule_takes_effect")
def rule_takes_effect(context: Context, *, version_id: int) -> bool:
    """For the worker: the hour of a version has come. False: not yet, or another one has seen to it."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version = locked(context, version_id)
    waiting = RuleRollout.objects.to_be_announced().filter(version=version, starts_at__lte=context.now)
    rollout = waiting.select_for_update(of=("self",)).first()
    if rollout is None:
        return False
    rollout.took_effect_at = context.now
    rollout.save(update_fields=["took_effect_at"])
    context.record(RuleTookEffect(subject_id=version.rule_id, version_id=version_id))
    if rollout.widened_at is not None:
        _replace_all_before(context, version)
    changed(context, version.rule_id)
    return True


@command("workflows.roll_back_rule")
def roll_back_rule(context: Context, *, version_id: int, reason: FreeText) -> int:
    """Publishes the content of `version_id` anew, at once and everywhere, by one person. Answers the new version's id.
    What the versions before were to look at again, it looks at.

    Two people have approved this content before: it is that of a formerly published version, to the byte, and the
    database refuses any other that its author approves.
    """
    context.allow(PUBLISH, at=EVERYWHERE)
    former = locked(context, version_id, VersionStatus.PUBLISHED, VersionStatus.RETIRED)
    if not reason.strip():
        context.refuse("note_missing", _("Say in a sentence what is wrong, and why this version is the way back."))
    if RuleRollout.objects.filter(version=former, took_effect_at=None).exists():
        context.refuse("never_held", _("This version has never held: there is no way back to it."))
    insist_on_clean(context, former)
    person = context.actor.person_id
    version = RuleVersion.objects.create(
        rule=former.rule,
        number=next_number(former.rule.versions.all()),
        author_id=person,
        created_at=context.now,
        checksum=former.checksum,
        event=former.event,
        content=former.content,
    )
    set_status(version, VersionStatus.IN_REVIEW)
    version.approver_id, version.note = person, reason.strip()
    version.published_at = _after_all_others(context, version)
    for bad in former.rule.versions.published():
        hand_over_timers(bad, version)
    _put_in_force(context, version)
    context.record(RuleRolledBack(subject_id=version.rule_id, version_id=version.pk, back_to_id=former.pk))
    return version.pk


@command("workflows.retire_rule")
def retire_rule(context: Context, *, version_id: int) -> str:
    """It follows nothing any more; where it was tried on some lines, the version before it holds there again."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version = locked(context, version_id, VersionStatus.PUBLISHED)
    beside = in_force_beside(version, context.now)
    _out_of_force(context, version)
    hand_over_timers(version, beside)
    if beside is not None:
        hand_over(version, beside)
    context.record(RuleRetired(subject_id=version.rule_id, version_id=version.pk))
    changed(context, version.rule_id)
    return version.status


# ---- shared


def locked(context: Context, version_id: int, *expected: VersionStatus) -> RuleVersion:
    """With its rule, which is locked first: what changes one rule comes one after the other."""
    Rule.objects.select_for_update(of=("self",), no_key=True).filter(versions=version_id).first()
    return locked_version(context, RuleVersion.objects.select_related("rule"), version_id, *expected)


def insist_on_clean(context: Context, version: RuleVersion) -> None:
    spec = spec_of(version)
    if spec is None:
        context.refuse("unreadable", _("This release does not understand the rule any more: write it anew."))
    refuse_errors(context, check_rule(spec))
    refuse_other_content(context, version, spec.checksum if version.event == spec.event else "")


def _after_all_others(context: Context, version: RuleVersion) -> datetime:
    """Who has waited for the rule comes after the one that was waited for, whoever has begun first."""
    last: datetime | None = version.rule.versions.aggregate(last=Max("published_at"))["last"]
    return context.now if last is None or last < context.now else last + timedelta(microseconds=1)


def _put_in_force(context: Context, version: RuleVersion) -> None:
    set_status(version, VersionStatus.PUBLISHED)
    replaced = _replace_all_before(context, version)
    _published(context, version, replaced[-1] if replaced else None)


def _on_its_way(context: Context, version: RuleVersion, starts: datetime, lines: list[int]) -> None:
    if lines:
        if not knows_its_line(version.event):
            context.refuse("no_lines", _("No line is known of this event: publish it for all at once."))
        insist_on_lines(context, lines)
    other = RuleRollout.objects.on_the_way().filter(version__rule=version.rule_id).select_related("version__rule")
    refuse_tried_already(context, [rollout.version for rollout in other])
    set_status(version, VersionStatus.PUBLISHED)
    RuleRollout.objects.create(
        version=version,
        starts_at=starts,
        line_ids=lines,
        widened_at=None if lines else context.now,
        widened_by_id=None if lines else context.actor.person_id,
        took_effect_at=context.now if starts <= context.now else None,
    )
    _published(context, version, None)


def _published(context: Context, version: RuleVersion, replaced_id: int | None) -> None:
    context.record(
        RulePublished(
            subject_id=version.rule_id,
            version_id=version.pk,
            number=version.number,
            checksum=version.checksum,
            editor_ids=version.editor_ids,
            replaced_id=replaced_id,
        )
    )
    changed(context, version.rule_id)


def _replace_all_before(context: Context, version: RuleVersion) -> list[int]:
    """Their ids, the last one at the end; what they have counted goes on."""
    older = version.rule.versions.published().exclude(pk=version.pk).filter(published_at__lte=version.published_at)
    replaced = list(older.select_for_update(of=("self",)).order_by("published_at", "number"))
    for before in reversed(replaced):
        _out_of_force(context, before)
        hand_over(before, version)
        context.record(RuleReplaced(subject_id=version.rule_id, version_id=before.pk, by_id=version.pk))
    return [before.pk for before in replaced]


def _out_of_force(context: Context, version: RuleVersion) -> None:
    set_status(version, VersionStatus.RETIRED)
    over_with(context, version)
