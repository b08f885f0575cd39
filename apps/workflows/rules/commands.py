"""Everything that changes a rule: draft, save, review, publish, retire; off and on.

A rule holds for the whole plant, so each asks for its right everywhere; what is off at a place is switched on there.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE, Scope
from apps.plant.models import Site, WorkCenter
from apps.workflows.actions import EDIT, PUBLISH, STOP_RULE
from apps.workflows.models import VersionStatus
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.counting import hand_over
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import (
    RuleDraftCreated,
    RuleDraftReturned,
    RuleDraftSaved,
    RulePublished,
    RuleRetired,
    RuleReviewRequested,
    RuleSwitchedOff,
    RuleSwitchedOn,
)
from apps.workflows.rules.failing import unsettled_at
from apps.workflows.rules.in_force import forget
from apps.workflows.rules.models import Rule, RuleFailure, RuleStop, RuleVersion
from apps.workflows.versioning import (
    approve,
    locked_version,
    next_number,
    refuse_errors,
    refuse_if_changed,
    refuse_other_content,
    set_status,
)


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
    copied = _locked(context, version_id)
    return _new_draft(context, copied.rule, RuleSpec.model_validate(copied.content), copy_of_id=copied.pk)


@command("workflows.copy_rule_as")
def copy_rule_as(context: Context, *, version_id: int, code: str, name: str) -> int:
    """A draft of another rule with the content of this version; the rule it comes from stays as it is, and in force.

    Answers the id of the draft. Raises CommandRefused: no_code, code_taken.
    """
    context.allow(EDIT, at=EVERYWHERE)
    copied = _locked(context, version_id)
    if not code or not name.strip():
        context.refuse("no_code", _("Give the new rule a name with letters in it: its code is made from that."))
    rule, is_new = Rule.objects.get_or_create(code=code, defaults={"name": name.strip()})
    if not is_new:
        sentence = _("There is a rule “%(name)s” with this code already. Name the new one otherwise.")
        context.refuse("code_taken", sentence % {"name": rule.name}, rule_id=rule.pk)
    spec = RuleSpec.model_validate({**copied.content, "code": code, "name": name.strip()})
    return _new_draft(context, rule, spec, copy_of_id=copied.pk)


@command("workflows.save_rule_draft")
def save_rule_draft(context: Context, *, version_id: int, spec: RuleSpec, based_on: str = "") -> str:
    """`based_on`: the checksum that was edited; another one since is refused. Answers the new checksum."""
    context.allow(EDIT, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.DRAFT)
    refuse_if_changed(context, version, based_on)
    _fill(context, version, spec)
    context.record(RuleDraftSaved(subject_id=version.rule_id, version_id=version.pk, checksum=version.checksum))
    return version.checksum


@command("workflows.submit_rule_for_review")
def submit_rule_for_review(context: Context, *, version_id: int) -> str:
    """From here on the version is fixed, until it is returned. Refused while the check finds errors."""
    context.allow(EDIT, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.DRAFT)
    _insist_on_clean(context, version)
    set_status(version, VersionStatus.IN_REVIEW)
    context.record(RuleReviewRequested(subject_id=version.rule_id, version_id=version.pk, checksum=version.checksum))
    return version.status


@command("workflows.return_rule_to_draft")
def return_rule_to_draft(context: Context, *, version_id: int) -> str:
    context.allow(EDIT, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.IN_REVIEW)
    set_status(version, VersionStatus.DRAFT)
    context.record(RuleDraftReturned(subject_id=version.rule_id, version_id=version.pk))
    return version.status


@command("workflows.publish_rule")
def publish_rule(context: Context, *, version_id: int, note: FreeText) -> str:
    """In force at once, in the place of the version before. Nobody approves own work."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.IN_REVIEW)
    approve(context, version, note)
    _insist_on_clean(context, version)
    Rule.objects.select_for_update().get(pk=version.rule_id)  # two that are published at once come one after the other
    before = version.rule.versions.in_force().select_for_update(of=("self",)).first()
    if before is not None:
        _out_of_force(context, before)
        hand_over(before, version)
    set_status(version, VersionStatus.PUBLISHED)
    context.record(
        RulePublished(
            subject_id=version.rule_id,
            version_id=version.pk,
            number=version.number,
            checksum=version.checksum,
            editor_ids=version.editor_ids,
            replaced_id=before.pk if before else None,
        )
    )
    _changed(context, version.rule_id)
    return version.status


@command("workflows.retire_rule")
def retire_rule(context: Context, *, version_id: int) -> str:
    """It follows nothing any more."""
    context.allow(PUBLISH, at=EVERYWHERE)
    version = _locked(context, version_id, VersionStatus.PUBLISHED)
    _out_of_force(context, version)
    context.record(RuleRetired(subject_id=version.rule_id, version_id=version.pk))
    _changed(context, version.rule_id)
    return version.status


# ---- off and on


@command("workflows.stop_rule")
def stop_rule(context: Context, *, rule_id: int, reason: FreeText) -> int:
    """Off everywhere and in every version, until somebody switches it on. Answers the id of the stop."""
    context.allow(STOP_RULE, at=EVERYWHERE)
    rule = Rule.objects.select_for_update().filter(pk=rule_id).first()
    if rule is None:
        context.refuse("not_found", _("This does not exist any more. Reload the screen."))
    if not reason.strip():
        context.refuse("reason_missing", _("Say why, in a sentence."))
    if rule.stops.in_force().filter(version=None).exists():
        context.refuse("stopped_already", _("It is switched off already."))
    stop = RuleStop.objects.create(
        rule=rule, reason=reason.strip(), stopped_by_id=context.actor.person_id, stopped_at=context.now
    )
    context.record(
        RuleSwitchedOff(subject_id=rule.pk, version_id=None, work_center_id=None, stop_id=stop.pk, failures=0)
    )
    _changed(context, rule.pk)
    return stop.pk


@command("workflows.resume_rule")
def resume_rule(context: Context, *, stop_id: int) -> None:
    """Somebody's stop ends; of one that it has made itself, its failures there are settled as well."""
    stop = RuleStop.objects.in_force().select_for_update(of=("self",)).filter(pk=stop_id).first()
    context.allow(STOP_RULE, at=_scope(stop.site_id, stop.work_center_id) if stop else EVERYWHERE)
    if stop is None:
        context.refuse("not_stopped", _("It is not switched off any more."))
    if stop.version_id is not None:
        _settle(context, stop.version_id, stop.site_id, stop.work_center_id)
    _resume(context, stop)
    _changed(context, stop.rule_id)


@command("workflows.settle_rule_failures")
def settle_rule_failures(
    context: Context, *, version_id: int, site_id: int | None, work_center_id: int | None = None
) -> int:
    """Somebody has looked at what failed there: it counts no more, and the rule goes on. How many there were."""
    context.allow(STOP_RULE, at=_scope(site_id, work_center_id))
    version = _locked(context, version_id)
    settled = _settle(context, version_id, site_id, work_center_id)
    stops = version.stops.in_force().filter(site=site_id, work_center=work_center_id)
    stop = stops.select_for_update(of=("self",)).first()
    if stop is not None:
        _resume(context, stop)
    else:
        _record_on(context, version.rule_id, version_id, site_id, work_center_id, stop_id=None)
    _changed(context, version.rule_id)
    return settled


# ---- shared


def _locked(context: Context, version_id: int, *expected: VersionStatus) -> RuleVersion:
    return locked_version(context, RuleVersion.objects.select_related("rule"), version_id, *expected)


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


def _insist_on_clean(context: Context, version: RuleVersion) -> None:
    spec = RuleSpec.model_validate(version.content)
    refuse_errors(context, check_rule(spec))
    refuse_other_content(context, version, spec.checksum if version.event == spec.event else "")


def _out_of_force(context: Context, version: RuleVersion) -> None:
    """What it has failed at belongs to it, and is over with it."""
    set_status(version, VersionStatus.RETIRED)
    RuleFailure.objects.unsettled().filter(version=version).update(settled_at=context.now)
    for stop in version.stops.in_force().select_for_update(of=("self",)):
        _resume(context, stop)


def _settle(context: Context, version_id: int, site_id: int | None, work_center_id: int | None) -> int:
    return unsettled_at(version_id, site_id, work_center_id).update(settled_at=context.now)


def _resume(context: Context, stop: RuleStop) -> None:
    stop.resumed_by_id, stop.resumed_at = context.actor.person_id, context.now
    stop.save(update_fields=["resumed_by_id", "resumed_at"])
    _record_on(context, stop.rule_id, stop.version_id, stop.site_id, stop.work_center_id, stop_id=stop.pk)


def _record_on(
    context: Context,
    rule_id: int,
    version_id: int | None,
    site_id: int | None,
    work_center_id: int | None,
    *,
    stop_id: int | None,
) -> None:
    context.record(
        RuleSwitchedOn(
            subject_id=rule_id,
            site_id=site_id,
            version_id=version_id,
            work_center_id=work_center_id,
            stop_id=stop_id,
        )
    )


def _scope(site_id: int | None, work_center_id: int | None) -> Scope:
    if work_center_id is not None:
        return WorkCenter.objects.get(pk=work_center_id).scope
    return Site.objects.get(pk=site_id).scope if site_id is not None else EVERYWHERE


def _changed(context: Context, rule_id: int) -> None:
    """This process follows at once, the others within a second."""
    context.touch(f"rule:{rule_id}")
    forget()
    transaction.on_commit(forget)
