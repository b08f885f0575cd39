"""Looks each minute whether what must always hold for exceptions holds; and whether anybody has looked.

The rules are those of the promise: every open exception has an owner who is on duty (or the fallback), a clock, and a
next timer. A finding is a fault of ours or of the set-up, and red on every board; silence of the watchdog is as red.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from apps.andon.models import (
    Clock,
    ClockInterval,
    ExceptionStatus,
    FloorException,
    OwnerLevel,
    Timer,
    WatchRound,
)
from apps.core import clock
from apps.plant.duty import is_on_duty

PERIOD = timedelta(seconds=60)
# A timer may fire as late as this after a worker was lost; an owner is followed within a quarter of a minute.
GRACE = timedelta(seconds=60)
# How many are named of each rule, and how many rounds are kept.
NAMED, KEPT = 20, 1_000


class Rule(StrEnum):
    NO_OWNER = "no_owner"  # inactive, or off duty and no fallback
    NO_CLOCK = "no_clock"  # nobody has answered, and no clock runs
    PAUSE_OVER = "pause_over"  # a clock stands longer than it may
    NO_TIMER = "no_timer"  # nothing is going to happen
    LATE_TIMER = "late_timer"  # what should have happened did not


@dataclass(frozen=True)
class Finding:
    rule: Rule
    exceptions: list[int]
    count: int

    def as_json(self) -> dict[str, Any]:
        return {"rule": self.rule.value, "exceptions": self.exceptions, "count": self.count}


def look(at: datetime) -> list[Finding]:
    """What does not hold at `at`."""
    found = []
    for rule, broken in _RULES.items():
        ids = sorted(broken(at))
        if ids:
            found.append(Finding(rule, ids[:NAMED], len(ids)))
    return found


def _open() -> QuerySet[FloorException]:
    return FloorException.objects.open()


def _no_owner(at: datetime) -> Iterable[int]:
    settled = _open().filter(owner_since__lt=at - GRACE)
    owners = (
        settled.exclude(owner_level=OwnerLevel.DEFAULT).values_list("owner", flat=True).distinct().order_by("owner")
    )
    gone = [
        person_id for person_id in owners if not is_on_duty(person_id, at) and not is_on_duty(person_id, at - GRACE)
    ]
    lost = settled.filter(owner__in=gone)
    inactive = _open().filter(owner__is_active=False)
    return {*lost.values_list("pk", flat=True), *inactive.values_list("pk", flat=True)}


def _no_clock(_at: datetime) -> Iterable[int]:
    runs = ClockInterval.objects.running().filter(exception=OuterRef("pk"), clock=Clock.RESPONSE)
    return _open().filter(~Exists(runs), status=ExceptionStatus.OPEN).values_list("pk", flat=True)


def _pause_over(at: datetime) -> Iterable[int]:
    over = ClockInterval.objects.running().filter(is_pause=True, pause_until__lt=at - GRACE)
    return over.values_list("exception", flat=True)


def _no_timer(_at: datetime) -> Iterable[int]:
    """A child follows its parent, which has one."""
    next_ones = Timer.objects.waiting().filter(exception=OuterRef("pk"), round=OuterRef("round"))
    return _open().filter(~Exists(next_ones), parent=None).values_list("pk", flat=True)


def _late_timer(at: datetime) -> Iterable[int]:
    late = Timer.objects.waiting().filter(due_at__lt=at - GRACE, round=F("exception__round"))
    return set(late.filter(exception__closed_at=None).values_list("exception", flat=True))


_RULES: dict[Rule, Callable[[datetime], Iterable[int]]] = {
    Rule.NO_OWNER: _no_owner,
    Rule.NO_CLOCK: _no_clock,
    Rule.PAUSE_OVER: _pause_over,
    Rule.NO_TIMER: _no_timer,
    Rule.LATE_TIMER: _late_timer,
}


def make_round() -> WatchRound:
    now = clock.now()
    done = WatchRound.objects.create(at=now, findings=[finding.as_json() for finding in look(now)])
    WatchRound.objects.filter(pk__lte=done.pk - KEPT).delete()
    return done


@dataclass(frozen=True)
class Health:
    """`is_silent`: nobody has looked for two periods; then nothing is known."""

    at: datetime | None
    findings: list[dict[str, Any]]
    is_silent: bool

    @property
    def is_well(self) -> bool:
        return not self.is_silent and not self.findings


def health() -> Health:
    """The last round, for boards and for whoever watches from outside.  One query."""
    last = WatchRound.objects.first()
    is_silent = last is None or clock.now() - last.at > 2 * PERIOD
    return Health(at=last.at if last else None, findings=list(last.findings) if last else [], is_silent=is_silent)
