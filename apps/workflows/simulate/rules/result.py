"""What a simulation of a rule has found, as values that are kept as JSON and come back the same."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from apps.workflows.simulate.judging import Certainty
from apps.workflows.simulate.result import Value
from apps.workflows.simulate.rules.judging import Outcome

# Differences that are kept one by one; all are counted.
LISTED = 5_000
# Conditions that can't be answered, each with its own words; so many are kept.
PROBLEMS = 5


class Differs(StrEnum):
    """MORE: only the version that is tried acts; LESS: only the one in force; OTHERWISE: both, but not the same."""

    MORE = "more"
    LESS = "less"
    OTHERWISE = "otherwise"


class RuleGuess(Value):
    """A fact that the event does not say itself: from its subject's row of that time `row` times, from today's `now`
    times; `unknown` times nobody can say.
    """

    fact: str
    label: str
    row: int = 0
    now: int = 0
    unknown: int = 0


class RuleTally(Value):
    """
    events      that it follows      acts  of them      outcomes  Outcome -> events, those that it acts on among them
    exact, estimated, impossible     events, by how sure the answer is
    problems    why conditions could not be answered, a few of them
    """

    events: int = 0
    acts: int = 0
    exact: int = 0
    estimated: int = 0
    impossible: int = 0
    outcomes: dict[Outcome, int] = {}
    guesses: list[RuleGuess] = []
    problems: list[str] = []


class Difference(Value):
    """One event about which the two do not do the same.

    acts_at  when one of them acts; for "still so after" it is later than `at`
    why      why the other one does not act; None where both do      also  its words, for what can't be answered
    really   the rule did act on it then, in whatever version it had
    """

    event_id: int
    event: str
    at: datetime
    acts_at: datetime
    subject: str
    line: str
    differs: Differs
    why: Outcome | None = None
    also: str = ""
    certainty: Certainty
    really: bool = False


class RuleResult(Value):
    """
    since, until    the replayed stretch      draft, before   the version tried; the one in force, by the same events
    actions, actions_before                   what the two do, in words
    really          events on which the rule did act, in whatever version      was_off  it was off for some of the time
    more, less, otherwise                     events that differ; `differences` are LISTED of them at most
    """

    since: datetime | None = None
    until: datetime | None = None
    draft: RuleTally = RuleTally()
    before: RuleTally | None = None
    before_number: int | None = None
    actions: list[str] = []
    actions_before: list[str] = []
    really: int = 0
    was_off: bool = False
    more: int = 0
    less: int = 0
    otherwise: int = 0
    differences: list[Difference] = []

    @property
    def judged(self) -> int:
        return self.draft.events

    @property
    def differing(self) -> int:
        return self.more + self.less + self.otherwise

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
