"""The page "Publish" of a rule: what keeps it from the floor, from when and where it holds, and the way back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict

from apps.core import clock
from apps.core.actors import Actor
from apps.plant.administration import actor_of
from apps.plant.models import WorkCenter
from apps.workflows.check import errors_in
from apps.workflows.life.forms import Sent, when_and_where
from apps.workflows.life.pages import sent, whens_and_wheres, who_and_who
from apps.workflows.models import RuleVersion, VersionStatus
from apps.workflows.rules import commands, publishing
from apps.workflows.rules.check import check_rule, knows_its_line
from apps.workflows.rules.in_force import in_force_beside, spec_of
from apps.workflows.studio.rule_pages import shown

PAGE = "admin:workflows_ruleversion_publish"


def publish(request: HttpRequest, version: RuleVersion) -> HttpResponse:
    if request.method == "POST":
        return sent(request, version, SENT, PAGE)
    context = {
        "now": clock.now(),
        "missing": _missing(version),
        **whens_and_wheres(version, has_lines=knows_its_line(version.event)),
        **_rollout(version),
        **who_and_who(actor_of(request), version),
    }
    return shown(request, version, "publish", "workflows/life/publish_rule.html", context)


def _missing(version: RuleVersion) -> list[str]:
    spec = spec_of(version)
    if version.status not in {VersionStatus.DRAFT, VersionStatus.IN_REVIEW} or spec is None:
        return []
    return [problem.sentence for problem in errors_in(check_rule(spec))]


def _rollout(version: RuleVersion) -> dict[str, Any]:
    others = version.rule.versions.exclude(pk=version.pk).order_by("-number")
    rollout = getattr(version, "rollout", None)
    has_held = Q(rollout=None) | Q(rollout__took_effect_at__isnull=False)
    return {
        "rollout": rollout,
        "first_on": WorkCenter.objects.filter(pk__in=rollout.line_ids).order_by("code") if rollout else [],
        "beside": others.published(),
        "holds_again": in_force_beside(version, clock.now()) is not None,
        "ways_back": others.filter(has_held, published_at__isnull=False, published_at__lt=version.published_at)
        if version.published_at
        else [],
    }


def _submit(actor: Actor, command_id: UUID, version: RuleVersion, _form: QueryDict) -> None:
    commands.submit_rule_for_review(actor, command_id, version_id=version.pk)


def _return(actor: Actor, command_id: UUID, version: RuleVersion, _form: QueryDict) -> None:
    commands.return_rule_to_draft(actor, command_id, version_id=version.pk)


def _publish(actor: Actor, command_id: UUID, version: RuleVersion, form: QueryDict) -> None:
    note = form.get("note", "")
    publishing.publish_rule(actor, command_id, version_id=version.pk, note=note, **when_and_where(form))


def _widen(actor: Actor, command_id: UUID, version: RuleVersion, _form: QueryDict) -> None:
    publishing.widen_rule(actor, command_id, version_id=version.pk)


def _retire(actor: Actor, command_id: UUID, version: RuleVersion, _form: QueryDict) -> None:
    publishing.retire_rule(actor, command_id, version_id=version.pk)


def _roll_back(actor: Actor, command_id: UUID, _version: RuleVersion, form: QueryDict) -> int:
    version_id = int(form.get("back_to", ""))
    return publishing.roll_back_rule(actor, command_id, version_id=version_id, reason=form.get("reason", ""))


# What a button says it does -> the command; an answer is the id of the version whose page comes next.
SENT: dict[str, Sent] = {
    "submit": _submit,
    "return": _return,
    "publish": _publish,
    "widen": _widen,
    "retire": _retire,
    "roll_back": _roll_back,
}
