"""A rule that fails: an exception at the place, until an engineer has switched it on again or mended it."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.approvals import site_of_author
from apps.andon.causes import Cause, CauseKind
from apps.andon.causes import declare as declare_cause
from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.andon.models import ExceptionType, FloorException
from apps.andon.raising import end_causes, raise_exception
from apps.core.commands import Context
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE
from apps.workflows.actions import STOP_RULE
from apps.workflows.models import RuleFailure, RuleStop, RuleVersion
from apps.workflows.rules.switching import settle_rule_failures, stop_rule

log = logging.getLogger(__name__)

RULE_FAILS = "rule_fails"


def call_the_engineer(context: Context, failure_id: int) -> None:
    """Where the plant has no exceptions of this type, or no workflow for them, the page of the rule has to do."""
    if not ExceptionType.objects.filter(code=RULE_FAILS).exists():
        log.warning("nobody is called for rules that fail: the plant has no exceptions of type %s", RULE_FAILS)
        return
    failure = RuleFailure.objects.select_related("version__rule").get(pk=failure_id)
    cause = Cause(
        type=RULE_FAILS,
        kind=RULE_FAILS,
        key=_key(failure.version_id, failure.site_id, failure.work_center_id),
        site_id=failure.site_id or site_of_author(failure.version.author_id).pk,
        work_center_id=failure.work_center_id,
        facts={
            "rule": failure.version.rule.name,
            "version": failure.version_id,
            "site": failure.site_id,
            "line": failure.work_center_id,
        },
        thread=f"rule:{failure.version.rule_id}",
    )
    try:
        with transaction.atomic():
            raise_exception(context, cause)
    except CommandRefused as refusal:
        log.warning("nobody is called for %s: %s", failure.version, refusal)


def end_of(context: Context, rule_id: int) -> None:
    """What is open for any version of the rule closes where nothing of it is left to be looked at."""
    versions = {str(pk) for pk in RuleVersion.objects.filter(rule=rule_id).values_list("pk", flat=True)}
    rows = FloorException.objects.open().filter(cause_kind=RULE_FAILS).values_list("site", "cause_key")
    for site_id, key in rows:
        if key.partition(":")[0] in versions:
            end_causes(context, site_id=site_id, kind=RULE_FAILS, keys=[key])


def _key(version_id: int, site_id: int | None, work_center_id: int | None) -> str:
    return f"{version_id}:{site_id or ''}:{work_center_id or ''}"


def _failures(exception: FloorException) -> QuerySet[RuleFailure]:
    """Those that nobody has looked at, the last one first."""
    facts = exception.facts
    rows = RuleFailure.objects.unsettled().filter(
        version=facts["version"], site=facts["site"], work_center=facts["line"]
    )
    return rows.order_by("-at", "-pk")


def _is_off(exception: FloorException) -> bool:
    facts = exception.facts
    stops = RuleStop.objects.in_force().filter(version=facts["version"])
    return stops.filter(site=facts["site"], work_center=facts["line"]).exists()


def _headline(exception: FloorException) -> str:
    return _("Rule “%(rule)s” fails") % dict(exception.facts)


def _sentence(exception: FloorException) -> str:
    failures = list(_failures(exception))
    if not failures:
        return _("Rule “%(rule)s” has been looked at.") % dict(exception.facts)
    words = {"rule": exception.facts["rule"], "n": len(failures), "said": failures[0].sentence}
    if _is_off(exception):
        return _("Rule “%(rule)s” has failed %(n)s times and is switched off here. %(said)s") % words
    return _("Rule “%(rule)s” has failed %(n)s times here. What was booked stands. %(said)s") % words


CAUSE = declare_cause(
    CauseKind(
        code=RULE_FAILS,
        label=gettext_lazy("rule that fails"),
        headline=_headline,
        sentence=_sentence,
        is_present=lambda exception: _failures(exception).exists(),
    )
)


# ---- what the engineer can do


def _again(subjects: Subjects) -> Offers:
    """Queries by exception: few rules fail at once."""
    return {
        subject: [
            Offer(
                label=_("Switch it on again") if _is_off(subject.exception) else _("Let it go on"),
                cost=_("What has failed counts no more; after three more it is off again."),
            )
        ]
        for subject in subjects
    }


def _switch_on(context: Context, subject: Subject, _inputs: Inputs, _reason: str) -> None:
    facts = subject.exception.facts
    settle_rule_failures.within(
        context, version_id=facts["version"], site_id=facts["site"], work_center_id=facts["line"]
    )


def _off(subjects: Subjects) -> Offers:
    return {
        subject: [
            Offer(label=_("Switch it off everywhere"), cost=_("It follows nothing until somebody switches it on."))
        ]
        for subject in subjects
    }


def _switch_off(context: Context, subject: Subject, _inputs: Inputs, reason: str) -> None:
    version = RuleVersion.objects.get(pk=subject.exception.facts["version"])
    stop_rule.within(context, rule_id=version.rule_id, reason=reason)
    _switch_on(context, subject, _inputs, reason)


declare(
    Cure(
        code="switch_rule_on",
        cause_kinds=frozenset({RULE_FAILS}),
        label=gettext_lazy("Switch the rule on again"),
        permission=STOP_RULE,
        offers=_again,
        run=_switch_on,
        needs_person=True,
    )
)
declare(
    Cure(
        code="switch_rule_off",
        cause_kinds=frozenset({RULE_FAILS}),
        label=gettext_lazy("Switch the rule off"),
        permission=STOP_RULE,
        offers=_off,
        scopes=lambda subjects: dict.fromkeys(subjects, EVERYWHERE),
        run=_switch_off,
        asks_reason=True,
        needs_person=True,
    )
)
