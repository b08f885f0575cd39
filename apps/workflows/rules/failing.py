"""A rule that could not follow an event: a row, an event that calls the engineer, and off after three of them there.

The row is written first and by itself; that it is told is a second step, which the worker does where it could not be.
"""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from psycopg import errors

from apps.core.commands import Context, command
from apps.core.errors import CommandRefused
from apps.core.events import Heard
from apps.core.rights import EVERYWHERE
from apps.workflows.actions import STOP_RULE
from apps.workflows.effects import EffectFailed
from apps.workflows.guards import GuardError
from apps.workflows.rules.bounds import bounded
from apps.workflows.rules.events import RuleFailed, RuleSwitchedOff
from apps.workflows.rules.in_force import LiveRule, Place, changed
from apps.workflows.rules.models import FailureReason, RuleFailure, RuleStop

log = logging.getLogger(__name__)

FAILURES = 3
LONGEST_SENTENCE = 1_000


class BoundReached(Exception):
    """A rule that would go on without end, in the words for the engineer."""

    def __init__(self, reason: FailureReason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def note_failure(context: Context, rule: LiveRule, heard: Heard, place: Place, error: Exception) -> None:
    """Raises nothing: what has failed is the rule, not the fact.

    context  by the authority of the rule
    """
    reason, sentence = _words(error)
    if reason == FailureReason.OTHER:
        log.error("rule %s failed on %s", rule.spec.code, heard.event.kind, exc_info=error)
    try:
        with transaction.atomic():
            failure = RuleFailure.objects.create(
                version_id=rule.version_id,
                site_id=place.site_id,
                work_center_id=place.work_center_id,
                event_id=heard.event_id,
                event_kind=heard.event.kind,
                reason=reason,
                sentence=sentence[:LONGEST_SENTENCE],
                at=context.now,
            )
        # That it goes off does not hang on whether somebody can be called.
        with bounded():
            _switch_off_after_three(context, failure)
        with bounded():
            _tell(context, failure)
    except Exception:
        log.exception("failure of rule %s is not told yet", rule.spec.code)


@command("workflows.tell_rule_failure")
def tell_rule_failure(context: Context, *, failure_id: int) -> bool:
    """For the worker: one that could not be told when it happened. Whether it has been now."""
    context.allow(STOP_RULE, at=EVERYWHERE)
    rows = RuleFailure.objects.select_for_update(of=("self",), skip_locked=True)
    failure = rows.filter(pk=failure_id, told_at=None).first()
    if failure is None:
        return False
    _switch_off_after_three(context, failure)
    _tell(context, failure)
    return True


def untold() -> QuerySet[RuleFailure]:
    return RuleFailure.objects.filter(told_at=None).order_by("pk")


def unsettled_at(version_id: int, site_id: int | None, work_center_id: int | None) -> QuerySet[RuleFailure]:
    return RuleFailure.objects.unsettled().filter(version=version_id, site=site_id, work_center=work_center_id)


def _tell(context: Context, failure: RuleFailure) -> None:
    context.record(
        RuleFailed(
            subject_id=failure.version.rule_id,
            site_id=failure.site_id,
            version_id=failure.version_id,
            event_id=failure.event_id,
            event_kind=failure.event_kind,
            work_center_id=failure.work_center_id,
            reason=failure.reason,
            failure_id=failure.pk,
        )
    )
    failure.told_at = context.now
    failure.save(update_fields=["told_at"])


def _switch_off_after_three(context: Context, failure: RuleFailure) -> None:
    """One at a time for a rule at a place, so that three are three."""
    with connection.cursor() as cursor:
        name = f"rule failure:{failure.version_id}:{failure.site_id}:{failure.work_center_id}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
    version = failure.version
    count = unsettled_at(version.pk, failure.site_id, failure.work_center_id).count()
    there = {"version": version, "site": failure.site_id, "work_center": failure.work_center_id}
    if count < FAILURES or RuleStop.objects.in_force().filter(**there).exists():
        return
    stop = RuleStop.objects.create(
        rule_id=version.rule_id,
        version=version,
        site_id=failure.site_id,
        work_center_id=failure.work_center_id,
        stopped_at=context.now,
    )
    context.record(
        RuleSwitchedOff(
            subject_id=version.rule_id,
            site_id=failure.site_id,
            version_id=version.pk,
            work_center_id=failure.work_center_id,
            stop_id=stop.pk,
            failures=count,
        )
    )
    changed(context, version.rule_id)


def _words(error: Exception) -> tuple[FailureReason, str]:
    match error:
        case BoundReached():
            return error.reason, str(error)
        case GuardError():
            return FailureReason.CONDITION, _("The condition can't be answered: %(problem)s.") % {"problem": error}
        case EffectFailed() | CommandRefused():
            return FailureReason.ACTION, str(error)
        case DatabaseError() if isinstance(error.__cause__, errors.QueryCanceled | errors.LockNotAvailable):
            return FailureReason.SLOW, _("It would have kept the booking waiting, so it was given up.")
        case _:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            return FailureReason.OTHER, _("It went wrong: %(problem)s.") % {"problem": said}
