"""Rules off and on: by somebody everywhere, by themselves where they have failed.

What is off at a place is switched on there; all else asks for its right everywhere.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.core.rights import EVERYWHERE, Scope
from apps.plant.models import Site, WorkCenter
from apps.workflows.actions import STOP_RULE
from apps.workflows.rules.events import RuleSwitchedOff, RuleSwitchedOn
from apps.workflows.rules.failing import unsettled_at
from apps.workflows.rules.in_force import changed
from apps.workflows.rules.models import Rule, RuleFailure, RuleStop, RuleVersion
from apps.workflows.versioning import locked_version


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
    changed(context, rule.pk)
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
    changed(context, stop.rule_id)


@command("workflows.settle_rule_failures")
def settle_rule_failures(
    context: Context, *, version_id: int, site_id: int | None, work_center_id: int | None = None
) -> int:
    """Somebody has looked at what failed there: it counts no more, and the rule goes on. How many there were."""
    context.allow(STOP_RULE, at=_scope(site_id, work_center_id))
    version = locked_version(context, RuleVersion.objects.all(), version_id)
    settled = _settle(context, version_id, site_id, work_center_id)
    stops = version.stops.in_force().filter(site=site_id, work_center=work_center_id)
    stop = stops.select_for_update(of=("self",)).first()
    if stop is not None:
        _resume(context, stop)
    else:
        _record_on(context, version.rule_id, version_id, site_id, work_center_id, stop_id=None)
    changed(context, version.rule_id)
    return settled


def over_with(context: Context, version: RuleVersion) -> None:
    """The version goes out of force: what it has failed at belongs to it, and is over with it."""
    RuleFailure.objects.unsettled().filter(version=version).update(settled_at=context.now)
    for stop in version.stops.in_force().select_for_update(of=("self",)):
        _resume(context, stop)


# ---- shared


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
