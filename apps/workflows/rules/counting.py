"""How often, and how soon again: from rows, alone with what is counted alike until the transaction ends.

Two that each bring the third of three meet at the lock; whoever comes second sees the first one's row, and what it has
been counted for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from apps.core.pruning import prune
from apps.workflows.rules.definition import LONGEST_WAIT_SECONDS, WEEK_MINUTES
from apps.workflows.rules.facts import FactReader
from apps.workflows.rules.in_force import LiveRule, Place
from apps.workflows.rules.models import RuleFiring, RuleOccurrence

MINUTE = timedelta(minutes=1)
# Beyond the longest window, also for what is counted after the longest wait; and beyond the longest rest.
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


def prune_counted(now: datetime) -> int:
    """Some of what no window can see any more; how many. To be called until it is 0."""
    return prune(RuleOccurrence.objects.filter(occurred_at__lt=now - KEPT))


def _alone_with(rule: LiveRule, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rule:{rule.version_id}:{key}"])


def _rests(rule: LiveRule, key: str, now: datetime) -> bool:
    rest = timedelta(minutes=rule.spec.cool_down_minutes)
    return bool(rest) and RuleFiring.objects.filter(version=rule.version_id, key=key, at__gt=now - rest).exists()


def _counted(rule: LiveRule, reader: FactReader, key: str, event_id: int) -> bool:
    window, at = rule.spec.window, reader.occurred_at
    assert window, "asked only where there is one"
    RuleOccurrence.objects.bulk_create(
        [RuleOccurrence(version_id=rule.version_id, event_id=event_id, key=key, occurred_at=at)], ignore_conflicts=True
    )
    rows = RuleOccurrence.objects.filter(version=rule.version_id, key=key, firing=None)
    if window.minutes is None:
        begins, ends = reader.span_of_the_shift
        return rows.filter(occurred_at__gte=begins, occurred_at__lt=ends).count() >= window.count
    span = timedelta(minutes=window.minutes)
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
