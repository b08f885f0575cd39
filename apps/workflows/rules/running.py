"""Rules follow what commands have recorded: in the same transaction, each in a savepoint, after all else is done.

One that says "still so after N seconds" leaves a timer there, and follows when that is due (timers.py).
Nothing that goes wrong here reaches the fact. It was booked, and stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from apps.core import ledger
from apps.core.actors import Actor, Origin
from apps.core.commands import Context
from apps.core.events import Heard
from apps.workflows import guards
from apps.workflows.effects import Occasion, apply_effect
from apps.workflows.rules import counting
from apps.workflows.rules.bounds import bounded
from apps.workflows.rules.events import RuleFired
from apps.workflows.rules.facts import FactReader, needs_database
from apps.workflows.rules.failing import BoundReached, note_failure
from apps.workflows.rules.in_force import LiveRule, Place, rules_in_force
from apps.workflows.rules.models import FailureReason, RuleTimer

# A rule may follow what a rule has done, which may follow what a rule has done.
MAX_DEPTH = 3


def follow_rules(heard: Sequence[Heard], context: Context) -> None:
    rules = rules_in_force()
    wanted = [each for each in heard if each.event.kind in rules]
    if not wanted:
        return
    there = ledger.still_there([each.event_id for each in wanted])
    followed = [(each, _reader(each)) for each in wanted if each.event_id in there]
    if not followed:
        return
    _read_around([reader for _, reader in followed])
    for each, reader in followed:
        for following in _followings(each, reader, rules[each.event.kind], context):
            following.begin()


def holds(rule: LiveRule, reader: FactReader) -> bool:
    """Whether its condition does, of what the reader knows.  Raises GuardError."""
    values = reader.values(rule.names)
    if not all(guards.holds(condition, values) for condition in rule.spec.conditions):
        return False
    return rule.program is None or guards.allows(rule.program, values)


def follow_after_all(heard: Heard, rule: LiveRule, context: Context) -> None:
    """What the rule was to look at again: the fields are those of the event, all around it is as it is now.
    Raises nothing.
    """
    for following in _followings(heard, _reader(heard), [rule], context):
        following.run()


def _reader(heard: Heard) -> FactReader:
    event = heard.event
    return FactReader(
        event.kind,
        event.subject_kind,
        event.subject_id,
        event.data(),
        occurred_at=heard.occurred_at,
        site_id=event.site_id,
    )


def _read_around(readers: Sequence[FactReader]) -> None:
    """Within one savepoint for all; where one can't be read, it is found out again by itself, at its own event."""
    with suppress(Exception), bounded():
        for reader in readers:
            _place(reader)


def _place(reader: FactReader) -> Place:
    return Place(reader.around.site_id, reader.around.work_center_id)


def _followings(heard: Heard, reader: FactReader, rules: Sequence[LiveRule], context: Context) -> Iterator[_Following]:
    """Of the rules that are on, and for the place of the event."""
    place = Place(heard.event.site_id, None)
    try:
        if reader.knows_around:
            place = _place(reader)
        else:
            with bounded():
                place = _place(reader)
    except Exception as error:  # noqa: BLE001 - whatever an app raises about its subject
        for rule in _perhaps_there(rules, place, context.now):
            note_failure(_by(rule, heard, context), rule, heard, place, error)
        return
    for rule in rules:
        if rule.holds_at(place, context.now) and not rule.is_off(place) and rule.is_for(reader.around):
            yield _Following(_by(rule, heard, context), rule, heard, reader, place)


def _perhaps_there(rules: Sequence[LiveRule], place: Place, now: datetime) -> Iterator[LiveRule]:
    """Where the line is not known: the version that holds on all of them, else one that has begun on some."""
    held = {rule.rule_id for rule in rules if rule.holds_at(place, now)}
    for rule in rules:
        if rule.holds_at(place, now) or (rule.rule_id not in held and rule.reach.has_begun(now)):
            yield rule


def _by(rule: LiveRule, heard: Heard, context: Context) -> Context:
    """By the authority of the rule, which somebody has approved, not of whoever has booked."""
    return context.after(heard, Actor.system(f"rule:{rule.rule_id}", Origin.RULE))


@dataclass(frozen=True)
class _Following:
    """One rule, one event."""

    context: Context
    rule: LiveRule
    heard: Heard
    reader: FactReader
    place: Place

    @property
    def due_at(self) -> datetime:
        return self.reader.occurred_at + self.rule.spec.after

    def begin(self) -> None:
        """Now, if it waits for nothing, or no longer, since the event is told late.  Raises nothing."""
        if not self.rule.spec.after_seconds or self.due_at <= self.context.now:
            self.run()
            return
        try:
            if not self._asks_more and not holds(self.rule, self.reader):
                return
            with bounded():
                if holds(self.rule, self.reader):
                    self._set_timer()
                else:
                    counting.take_back(self.rule, self.reader)
        except Exception as error:  # noqa: BLE001 - whatever a condition raises
            note_failure(self.context, self.rule, self.heard, self.place, error)

    @property
    def _asks_more(self) -> bool:
        """Than what is known of the event already."""
        return needs_database(self.rule.names) or self.rule.counts_things

    def _set_timer(self) -> None:
        RuleTimer.objects.create(
            version_id=self.rule.version_id,
            event_id=self.heard.event_id,
            site_id=self.place.site_id,
            work_center_id=self.place.work_center_id,
            due_at=self.due_at,
        )

    def run(self) -> None:
        """Raises nothing."""
        try:
            key = self._due()
            if key is not None:
                self._keep_within_bounds()
                with bounded():
                    self._act(key)
        except Exception as error:  # noqa: BLE001 - whatever a condition or an effect raises
            note_failure(self.context, self.rule, self.heard, self.place, error)

    def _due(self) -> str | None:
        """What it counts and rests by, if it is to act. What is counted stays counted, even if the act fails."""
        if not self._asks_more and not holds(self.rule, self.reader):
            return None
        with bounded():
            if self._asks_more and not holds(self.rule, self.reader):
                counting.take_back(self.rule, self.reader)
                return None
            key = counting.key_of(self.rule, self.reader)
            is_due = counting.is_due(self.rule, self.reader, key, self.heard.event_id, self.context.now)
        return key if is_due else None

    def _keep_within_bounds(self) -> None:
        depth = sum(isinstance(cause.event, RuleFired) for cause in self.heard.causes)
        if depth >= MAX_DEPTH:
            raise BoundReached(
                FailureReason.DEPTH,
                _("It would follow what rules have done %(n)s times in a row: they follow each other.") % {"n": depth},
            )
        most = self.rule.spec.per_minute
        if counting.acts_within_a_minute(self.rule, self.place, self.context.now) >= most:
            raise BoundReached(
                FailureReason.RATE,
                _("It has acted %(n)s times within a minute here, which is as often as it may.") % {"n": most},
            )

    def _act(self, key: str) -> None:
        event, spec = self.heard.event, self.rule.spec
        counting.note_act(self.rule, self.place, key, self.heard.event_id, self.context.now)
        fired = RuleFired(
            subject_id=self.rule.rule_id,
            site_id=self.place.site_id,
            thread=event.thread,
            erp_reference=event.erp_reference,
            version_id=self.rule.version_id,
            number=self.rule.number,
            event_id=self.heard.event_id,
            event_kind=event.kind,
            work_center_id=self.place.work_center_id,
            key=key,
            actions=[action.code for action in spec.actions],
        )
        causes = (*self.heard.causes, self.heard)
        told = Heard(fired, self.context.record(fired), self.context.occurred_at, causes)
        after = self.context.after(told, self.context.actor)
        around = self.reader.around
        with translation.override(settings.LANGUAGE_CODE):
            because = _("rule “%(name)s”") % {"name": spec.name}
        occasion = Occasion(
            source=f"rule:{spec.code}",
            because=because,
            event_id=self.heard.event_id,
            event_kind=event.kind,
            subject_kind=event.subject_kind,
            subject_id=str(event.subject_id),
            data=self.reader.data,
            around=replace(around, thread=around.thread or event.thread),
            since=counting.reaches_back_to(self.rule, self.reader),
        )
        for action in spec.actions:
            apply_effect(after, occasion, action.code, action.parameters)
