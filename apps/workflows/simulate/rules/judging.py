"""One version of a rule and one event after the other, in the order in which rules follow them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from apps.core.actors import Origin
from apps.plant.calendar_times import Interval
from apps.workflows import guards
from apps.workflows.guards import GuardError
from apps.workflows.rules.counting import key_of
from apps.workflows.rules.facts import AROUND, EVENT
from apps.workflows.rules.in_force import LiveRule, Place
from apps.workflows.rules.running import MAX_DEPTH, holds
from apps.workflows.simulate.facts import Basis, Unknown
from apps.workflows.simulate.judging import Certainty, least
from apps.workflows.simulate.rules.counting import Counted
from apps.workflows.simulate.rules.facts import Happened, Memory, PastReader


class Outcome(StrEnum):
    """What came of an event for a rule: it acted, or why not."""

    ACTS = "acts"
    OTHER_EVENT = "other_event"
    SCOPE = "scope"
    CONDITION = "condition"
    NOT_STILL = "not_still"
    BROKEN = "broken"
    COUNT = "count"
    REST = "rest"
    DEPTH = "depth"
    RATE = "rate"
    WAITS = "waits"
    UNKNOWN = "unknown"


NOWHERE = Place(None, None)
# Facts that were taken for what they are not surely, and from where.
Guesses = frozenset[tuple[str, Basis]]


@dataclass(frozen=True, slots=True)
class Answer:
    """`detail`: the fact that nobody knows, or why the condition can't be answered; `at`: when it acts."""

    outcome: Outcome
    certainty: Certainty = Certainty.EXACT
    detail: str = ""
    at: datetime | None = None
    guesses: Guesses = frozenset()

    @property
    def acts(self) -> bool:
        return self.outcome == Outcome.ACTS


@dataclass(frozen=True, slots=True)
class Asked:
    """What the conditions say; `outcome` None: they hold, and `key`, `place` and `shift` are those to count by."""

    outcome: Outcome | None
    guesses: Guesses = frozenset()
    certainty: Certainty = Certainty.EXACT
    detail: str = ""
    key: str = ""
    place: Place = NOWHERE
    shift: Interval | None = None


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    due_at: datetime
    event_id: int
    thing: str
    happened_at: datetime
    depth: int
    asked: Asked


Resolved = tuple[int, Answer]


class Tried:
    """One version laid over the past."""

    def __init__(self, rule: LiveRule, memory: Memory) -> None:
        self.rule, self.memory = rule, memory
        self.counted = Counted(rule.spec)
        self._waiting: list[Waiting] = []
        spec = rule.spec
        self._scoped = frozenset(name for where in spec.scope for name, code in where.model_dump().items() if code)
        self._named = self._scoped | rule.names | frozenset(spec.same)
        self._told = frozenset(name for name in rule.names if name.startswith(EVENT))
        self.asks_beyond = not all(name.startswith(EVENT) for name in self._named)
        self._hangs_on_now = bool(spec.cool_down_minutes or spec.after_seconds)

    def follows(self, event: Happened) -> bool:
        return event.kind == self.rule.spec.event

    def due_at(self, reader: PastReader) -> datetime:
        return reader.occurred_at + self.rule.spec.after

    # ---- one event after the other

    def take(self, event: Happened, reader: PastReader, now: datetime) -> Answer | None:
        """None: it looks again later. What is due by now has been resolved before."""
        spec = self.rule.spec
        if not self.follows(event):
            return Answer(Outcome.OTHER_EVENT)
        depth, rules = self.memory.depth(event.id)
        due_at = self.due_at(reader)
        asked = self._ask(reader)
        # It would not have happened, perhaps, had the rule not acted; or the rule has heard of it nobody knows when.
        is_doubtful = self.rule.rule_id in rules or (self._hangs_on_now and _is_told_late(event, now))
        if is_doubtful and asked.outcome is None:
            asked = replace(asked, certainty=least(asked.certainty, Certainty.ESTIMATED))
        if not spec.after_seconds or due_at <= now:
            return self._run(asked, depth, reader.subject_id, reader.occurred_at, now)
        if asked.outcome is not None:
            return self._not(asked, reader.subject_id, now)
        again = self._ask(PastReader(event, due_at, self.memory), again=True)
        again = replace(again, certainty=least(asked.certainty, again.certainty))
        waiting = Waiting(due_at, event.id, reader.subject_id, reader.occurred_at, depth, again)
        heapq.heappush(self._waiting, waiting)
        return None

    def resolve(self, until: datetime) -> Iterator[Resolved]:
        """What is due by then."""
        while self._waiting and self._waiting[0].due_at <= until:
            due = heapq.heappop(self._waiting)
            yield due.event_id, self._run(due.asked, due.depth, due.thing, due.happened_at, due.due_at)

    def give_up(self) -> Iterator[Resolved]:
        """What waits still."""
        for waiting in self._waiting:
            yield waiting.event_id, Answer(Outcome.WAITS, Certainty.IMPOSSIBLE)
        self._waiting = []

    # ---- conditions

    def _ask(self, reader: PastReader, *, again: bool = False) -> Asked:
        try:
            asked = self._asked(reader)
        except Unknown as unknown:
            return Asked(Outcome.UNKNOWN, certainty=Certainty.IMPOSSIBLE, detail=str(unknown.args[0]))
        except GuardError as error:
            asked = _not_surely(Asked(Outcome.BROKEN, detail=str(error)), reader, reader.bases.keys())
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            # What an older release has told otherwise.
            asked = Asked(Outcome.BROKEN, detail=type(error).__name__)
        if not again:
            return asked
        if asked.outcome == Outcome.CONDITION:
            asked = replace(asked, outcome=Outcome.NOT_STILL)
        # What is known only as it is today says nothing about "still so".
        today = sorted(name for name, basis in asked.guesses if basis == Basis.NOW and name not in AROUND)
        return Asked(Outcome.UNKNOWN, certainty=Certainty.IMPOSSIBLE, detail=today[0]) if today else asked

    def _asked(self, reader: PastReader) -> Asked:
        """What the event says itself is asked first: where that decides, nobody need know more."""
        rule = self.rule
        if not self._scoped and not self._said(reader):
            return Asked(Outcome.CONDITION)
        if self._scoped:
            reader.values(self._scoped)
            if not rule.is_for(reader.around):
                return _not_surely(Asked(Outcome.SCOPE), reader, self._scoped)
        if not holds(rule, reader):
            return _not_surely(Asked(Outcome.CONDITION), reader, self._scoped | rule.names)
        key = key_of(rule, reader)
        around, window = reader.around, rule.spec.window
        shift = reader.span_of_the_shift if window is not None and window.span is None else None
        place = Place(around.site_id, around.work_center_id)
        asked = Asked(None, key=key, place=place, shift=shift)
        return _not_surely(asked, reader, self._named | ({"shift"} if shift else set()))

    def _said(self, reader: PastReader) -> bool:
        """Whether the conditions on the event's own fields hold."""
        own = [condition for condition in self.rule.spec.conditions if condition.field in self._told]
        values = reader.values(frozenset(condition.field for condition in own))
        return all(guards.holds(condition, values) for condition in own)

    # ---- counting, resting, bounds

    def _not(self, asked: Asked, thing: str, now: datetime) -> Answer:
        """It does not act, or nobody can say whether it does."""
        assert asked.outcome is not None, "asked only where it does not hold"
        if asked.outcome in (Outcome.CONDITION, Outcome.NOT_STILL) and self.rule.counts_things:
            self.counted.take_back(thing)
        if asked.certainty != Certainty.EXACT:
            self.counted.doubt(now)
        return Answer(asked.outcome, asked.certainty, asked.detail, guesses=asked.guesses)

    def _run(self, asked: Asked, depth: int, thing: str, happened_at: datetime, now: datetime) -> Answer:
        if asked.outcome is not None:
            return self._not(asked, thing, now)
        counted, key = self.counted, asked.key
        is_sure = counted.is_sure(key, now)
        certainty = asked.certainty if is_sure else least(asked.certainty, Certainty.ESTIMATED)
        if asked.certainty != Certainty.EXACT:
            counted.doubt(now)
        outcome = Outcome.ACTS
        if not counted.is_due(key, thing if self.rule.counts_things else "", happened_at, asked.shift):
            outcome = Outcome.COUNT
        elif counted.rests(key, now):
            outcome = Outcome.REST
        elif depth >= MAX_DEPTH:
            outcome = Outcome.DEPTH
        elif counted.acts_within_a_minute(asked.place, now) >= self.rule.spec.per_minute:
            outcome = Outcome.RATE
        else:
            counted.note_act(key, asked.place, now)
        return Answer(outcome, certainty, at=now, guesses=asked.guesses)


def _is_told_late(event: Happened, now: datetime) -> bool:
    return event.occurred_at < now or event.origin == Origin.BACK_ENTRY


def _not_surely(asked: Asked, reader: PastReader, names: Iterable[str]) -> Asked:
    """Estimated, if one of the facts that decide is."""
    guesses = frozenset((name, reader.bases[name]) for name in names if name in reader.bases)
    return replace(asked, guesses=guesses, certainty=Certainty.ESTIMATED) if guesses else asked
