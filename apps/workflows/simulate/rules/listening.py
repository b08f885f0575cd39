"""Which rules in force follow the steps that a draft of a workflow would have stopped."""

from __future__ import annotations

from collections import Counter

from apps.core import clock
from apps.workflows import guards
from apps.workflows.events import StateChanged
from apps.workflows.guards import GuardError
from apps.workflows.rules.facts import EVENT, FactReader
from apps.workflows.rules.in_force import EVERYWHERE, LiveRule, rules_in_force
from apps.workflows.simulate.past import Moved


class Listening:
    """By what the step itself says: whatever else a rule asks is taken as so, and nothing is counted or rests."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        now = clock.now()
        rules = rules_in_force().get(StateChanged.kind, ())
        self._rules = [rule for rule in rules if rule.holds_at(EVERYWHERE, now)]
        self.steps: Counter[str] = Counter()

    def note(self, move: Moved) -> None:
        """The step would not have been taken."""
        reader = FactReader(
            StateChanged.kind,
            self._kind,
            move.subject_id,
            move.data,
            occurred_at=move.occurred_at,
            site_id=move.site_id,
        )
        self.steps.update(rule.spec.name for rule in self._rules if _may_follow(rule, reader))


def _may_follow(rule: LiveRule, reader: FactReader) -> bool:
    told = frozenset(name for name in rule.names if name.startswith(EVENT))
    try:
        values = reader.values(told)
        if not all(guards.holds(one, values) for one in rule.spec.conditions if one.field in told):
            return False
        is_told = rule.program is not None and guards.names_in(rule.spec.expression) <= told
        return not is_told or rule.program is None or guards.allows(rule.program, values)
    except GuardError:
        return False
