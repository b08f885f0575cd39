"""The drafts of rules: made, copied, saved, undone, handed in for review, returned.

A rule holds for the whole plant, so each of these asks for its right everywhere.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.workflows.actions import EDIT
from apps.workflows.models import VersionStatus
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import RuleDraftCreated, RuleDraftReturned, RuleDraftSaved, RuleReviewRequested
from apps.workflows.rules.models import Rule, RuleVersion
from apps.workflows.rules.publishing import insist_on_clean, locked
from apps.workflows.studio.steps import keep, redone, undone
from apps.workflows.versioning import next_number, refuse_if_changed, set_status


@command("workflows.draft_rule")
def draft_rule(context: Context, *, spec: RuleSpec) -> int:
    """A draft of a new rule, or a new one of the rule whose code it has. Answers the version's id."""
    context.allow(EDIT, at=EVERYWHERE)
    rule, __ = Rule.objects.get_or_create(code=spec.code, defaults={"name": spec.name})
    return _new_draft(context, rule, spec, copy_of_id=None)


@command("workflows.copy_rule")
def copy_rule(context: Context, *, version_id: int) -> int:
    """A new draft that is a copy of any version, retired ones too: that is how one goes back. Answers its id."""
    context.allow(EDIT, at=EVERYWHERE)
    copied = locked(context, version_id)
    return _new_draft(context, copied.rule, RuleSpec.model_validate(copied.content), copy_of_id=copied.pk)


@command("workflows.copy_rule_as")
def copy_rule_as(context: Context, *, version_id: int, code: str, name: str) -> int:
    """A draft of another rule with the content of this version; the rule it comes from stays as it is, and in force.

    Answers the id of the draft. Raises CommandRefused: no_code, code_taken.
    """
    context.allow(EDIT, at=EVERYWHERE)
    copied = locked(context, version_id)
    if not code or not name.strip():
        context.refuse("no_code", _("Give the new rule a name with letters in it: its code is made from that."))
    rule, is_new = Rule.objects.get_or_create(code=code, defaults={"name": name.strip()})
    if not is_new:
        sentence = _("There is a rule “%(name)s” with this code already. Name the new one otherwise.")
        context.refuse("code_taken", sentence % {"name": rule.name}, rule_id=rule.pk)
    spec = RuleSpec.model_validate({**copied.content, "code": code, "name": name.strip()})
    return _new_draft(context, rule, spec, copy_of_id=copied.pk)


@command("workflows.save_rule_draft")
def save_rule_draft(context: Context, *, version_id: int, spec: RuleSpec, based_on: str = "", label: str = "") -> str:
    """`based_on`: the checksum that was edited; another one since is refused. Answers the new checksum.

    label  of the step, in words: what undo is called
    """
    context.allow(EDIT, at=EVERYWHERE)
    version = _edited(context, version_id, based_on)
    before = RuleSpec.model_validate(version.content)
    _fill(context, version, spec)
    keep(version, before, spec, label=label, person_id=context.actor.person_id, at=context.now)
    return _saved(context, version, label)


@command("workflows.undo_rule_step")
def undo_rule_step(context: Context, *, version_id: int, based_on: str = "") -> str:
    """The draft as it was before its last step, whoever made that. Answers the checksum."""
    context.allow(EDIT, at=EVERYWHERE)
    version = _edited(context, version_id, based_on)
    label, before = undone(context, version)
    _fill(context, version, RuleSpec.model_validate(before))
    return _saved(context, version, f"- {label}")


@command("workflows.redo_rule_step")
def redo_rule_step(context: Context, *, version_id: int, based_on: str = "") -> str:
    """What was undone last, again. Answers the checksum."""
    context.allow(EDIT, at=EVERYWHERE)
    version = _edited(context, version_id, based_on)
    label, after = redone(context, version)
    _fill(context, version, RuleSpec.model_validate(after))
    return _saved(context, version, label)


@command("workflows.submit_rule_for_review")
def submit_rule_for_review(context: Context, *, version_id: int) -> str:
    """From here on the version is fixed, until it is returned. Refused while the check finds errors."""
    context.allow(EDIT, at=EVERYWHERE)
    version = locked(context, version_id, VersionStatus.DRAFT)
    insist_on_clean(context, version)
    set_status(version, VersionStatus.IN_REVIEW)
    context.record(RuleReviewRequested(subject_id=version.rule_id, version_id=version.pk, checksum=version.checksum))
    return version.status


@command("workflows.return_rule_to_draft")
def return_rule_to_draft(context: Context, *, version_id: int) -> str:
    context.allow(EDIT, at=EVERYWHERE)
    version = locked(context, version_id, VersionStatus.IN_REVIEW)
    set_status(version, VersionStatus.DRAFT)
    context.record(RuleDraftReturned(subject_id=version.rule_id, version_id=version.pk))
    return version.status


# ---- shared


def _edited(context: Context, version_id: int, based_on: str) -> RuleVersion:
    version = locked(context, version_id, VersionStatus.DRAFT)
    refuse_if_changed(context, version, based_on)
    return version


def _saved(context: Context, version: RuleVersion, label: str) -> str:
    saved = RuleDraftSaved(subject_id=version.rule_id, version_id=version.pk, checksum=version.checksum, what=label)
    context.record(saved)
    return version.checksum


def _new_draft(context: Context, rule: Rule, spec: RuleSpec, *, copy_of_id: int | None) -> int:
    Rule.objects.select_for_update().get(pk=rule.pk)  # the next number is given once
    version = RuleVersion.objects.create(
        rule=rule,
        number=next_number(rule.versions.all()),
        author_id=context.actor.person_id,
        created_at=context.now,
    )
    _fill(context, version, spec)
    context.record(RuleDraftCreated(subject_id=rule.pk, version_id=version.pk, copy_of_id=copy_of_id))
    return version.pk


def _fill(context: Context, version: RuleVersion, spec: RuleSpec) -> None:
    rule = version.rule
    if spec.code != rule.code:
        context.refuse("other_rule", _("This is a definition of %(code)s.") % {"code": spec.code})
    if rule.name != spec.name:
        rule.name = spec.name
        rule.save(update_fields=["name"])
    version.event, version.content = spec.event, spec.model_dump(mode="json")
    credited = version.credit(context.actor.person_id, spec.checksum)
    version.save(update_fields=[*credited, "event", "content"])
