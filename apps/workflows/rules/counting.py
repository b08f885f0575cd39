"""How often, and how soon again: from rows, alone with what is counted alike until the transaction ends.

Two that each bring the third of three meet at the lock; whoever comes second sees the first one's row, and what it has
been counted for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.core.pruning import prune
from apps.workflows.rules.definition import LONGEST_WAIT_SECONDS, WEEK_MINUTES
from apps.workflows.rules.facts import FactReader
from apps.workflows.rules.in_force import LiveRule, Place, spec_of
from apps.workflows.rules.models import RuleFiring, RuleOccurrence, RuleVersion

MINUTE = timedelta(minutes=1)
# Beyond the windows of minutes and shifts, also for what is counted after the longest wait, and beyond the longest
# rest. Windows of days keep what they count twice as long.
KEPT = timedelta(minutes=2 * WEEK_MINUTES, seconds=LONGEST_WAIT_SECONDS)
LONGEST_KEY = 200


def key_of(rule: LiveRule, reader: FactReader) -> str:
    """What is the same for it: the values of its facts, or their hash where they are long.  Raises GuardError."""
    values = reader.values(frozenset(rule.spec.same))
    text = json.dumps([str(values[name]) for name in rule.spec.same], ensure_ascii=False)
    return text if len(text) <= LONGEST_KEY else hashlib.sha256(text.encode()).hexdigest()


def is_due(rule: LiveRule, reader: FactReader, key: str, event_id: int, now: datetime) -> bool:
    """Counts the event, once; whether it makes the window full, and the rule does not rest."""
    if rule.spec.window is None and not rule.spec.cool_down_minutes:
        return True
    _alone_with(rule, key)
    is_full = rule.spec.window is None or _counted(rule, reader, key, event_id)
    return is_full and not _rests(rule, key, now)


def acts_within_a_minute(rule: LiveRule, place: Place, now: datetime) -> int:
    """Not alone: several at once may be one more than it should."""
    rows = RuleFiring.objects.filter(version=rule.version_id, at__gt=now - MINUTE)
    if place.work_center_id is None:
        return rows.filter(site=place.site_id, work_center=None).count()
    return rows.filter(work_center=place.work_center_id).count()


def note_act(rule: LiveRule, place: Place, key: str, event_id: int, now: datetime) -> RuleFiring:
    """What has been counted so far, of what is the same, is counted for this act."""
    firing = RuleFiring.objects.create(
        version_id=rule.version_id,
        event_id=event_id,
        key=key,
        site_id=place.site_id,
        work_center_id=place.work_center_id,
        at=now,
    )
    if rule.spec.window is not None:
        RuleOccurrence.objects.filter(version=rule.version_id, key=key, firing=None).update(firing=firing)
    return firing


def reaches_back_to(rule: LiveRule, reader: FactReader) -> datetime | None:
    """What it has counted for the event lies after this."""
    window = rule.spec.window
    if window is None:
        return None
    return reader.span_of_the_shift[0] if window.span is None else reader.occurred_at - window.span


def take_back(rule: LiveRule, reader: FactReader) -> None:
    """What the event is about is none of it any more: where things are counted, it was not there."""
    if rule.counts_things:
        RuleOccurrence.objects.filter(version=rule.version_id, thing=reader.subject_id, firing=None).delete()


def hand_over(before: RuleVersion, version: RuleVersion) -> None:
    """What has been counted goes on to the version that counts the same, however many it wants of it and how soon.

    A thing that the version has counted itself, where it was tried first, counts as it has counted it.
    """
    if _what_is_counted(before) == _what_is_counted(version):
        own = RuleOccurrence.objects.filter(version=version, firing=None).exclude(thing="").values("thing")
        counted = RuleOccurrence.objects.filter(version=before, firing=None)
        counted.exclude(thing__in=own).update(version=version)


def hand_over_timers(before: RuleVersion, version: RuleVersion | None) -> None:
    """What `before` was to look at again, `version` looks at, by its own words; where it follows other events or there
    is none, nobody does.
    """
    if version is not None and version.event == before.event:
        before.timers.update(version=version)
    else:
        before.timers.all().delete()


def _what_is_counted(version: RuleVersion) -> tuple[Any, ...]:
    """Of one that counts nothing, or can't be read any more, nothing that another one counts."""
    spec = spec_of(version)
    if spec is None or spec.window is None:
        return (version.pk,)
    return spec.event, spec.conditions, spec.expression, spec.scope, spec.same, spec.window.of


def prune_counted(now: datetime) -> int:
    """Some of what no window can see any more; how many. To be called until it is 0."""
    days_of = RuleVersion.objects.published().values_list("pk", "content__window__days")
    kept_for = {version_id: 2 * timedelta(days=days) for version_id, days in days_of if days}
    longer = {version_id: kept for version_id, kept in kept_for.items() if kept > KEPT}
    rows = RuleOccurrence.objects
    return prune(rows.filter(occurred_at__lt=now - KEPT).exclude(version__in=longer)) + sum(
        prune(rows.filter(version=version_id, occurred_at__lt=now - kept)) for version_id, kept in longer.items()
    )


def _alone_with(rule: LiveRule, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rule:{rule.rule_id}:{key}"])


def _rests(rule: LiveRule, key: str, now: datetime) -> bool:
    """From an act of any of its versions: another one in force does not ring again at once."""
    rest = timedelta(minutes=rule.spec.cool_down_minutes)
    return bool(rest) and RuleFiring.objects.filter(version__rule=rule.rule_id, key=key, at__gt=now - rest).exists()


def _counted(rule: LiveRule, reader: FactReader, key: str, event_id: int) -> bool:
    window, at = rule.spec.window, reader.occurred_at
    assert window, "asked only where there is one"
    take_back(rule, reader)
    counted = RuleOccurrence(
        version_id=rule.version_id,
        event_id=event_id,
        key=key,
        occurred_at=at,
        thing=reader.subject_id if rule.counts_things else "",
    )
    RuleOccurrence.objects.bulk_create([counted], ignore_conflicts=True)
    rows = RuleOccurrence.objects.filter(version=rule.version_id, key=key, firing=None)
    span = window.span
    if span is None:
        begins, ends = reader.span_of_the_shift
        return rows.filter(occurred_at__gte=begins, occurred_at__lt=ends).count() >= window.count
    near = rows.filter(occurred_at__gt=at - span, occurred_at__lt=at + span).order_by("occurred_at")
    return is_full(list(near.values_list("occurred_at", flat=True)), at, window.count, span)


def is_full(times: Sequence[datetime], at: datetime, count: int, span: timedelta) -> bool:
    """Whether `count` of the times, `at` among them, lie within one span: what is reported late counts where it was.

    times  in order
    """
    return any(
        times[first] <= at <= times[first + count - 1] and times[first + count - 1] - times[first] < span
        for first in range(len(times) - count + 1)
    )
