"""May this rule be published? Everything found at once, in words, before it follows anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum

from django.utils.translation import gettext as _

from apps.core.events import EVENTS, Event
from apps.workflows.check.consequences import effect_problems
from apps.workflows.check.guarding import condition_problems, expression_problems
from apps.workflows.check.languages import said_by_effects
from apps.workflows.check.problems import Fault, Part, Place, Problem
from apps.workflows.check.subject import Words, words_of_the_plant
from apps.workflows.guards import names_in
from apps.workflows.kinds import ValueType
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import SUBJECT
from apps.workflows.rules.facts import SUBJECT as SUBJECT_FACTS
from apps.workflows.rules.facts import Fact, facts_of
from apps.workflows.surroundings import FINDERS, GIVES

# What an event tells by itself, whoever its subject is.
_ALWAYS = frozenset({"site_id", "thread"})
_LISTS = frozenset({ValueType.NUMBERS, ValueType.TEXTS})


class RuleFault(StrEnum):
    """What can be wrong of a rule only; see Fault."""

    UNKNOWN_EVENT = "unknown_event"
    NOT_ALIKE = "not_alike"
    NOTHING_COUNTED = "nothing_counted"
    NOTHING_ASKED_AGAIN = "nothing_asked_again"
    EMPTY_SCOPE = "empty_scope"
    NO_SURROUNDINGS = "no_surroundings"
    NO_ACTIONS = "no_actions"


def followed_events() -> dict[str, type[Event]]:
    """By kind, what rules may follow: what has a name for people, and is not of rules themselves."""
    return {kind: event for kind, event in sorted(EVENTS.items()) if event.label and event.subject_kind != SUBJECT}


def event_label(kind: str) -> str:
    """The kind itself where the product knows it no longer."""
    event = EVENTS.get(kind)
    return str(event.label or kind) if event else kind


def knows_its_line(kind: str) -> bool:
    """Whether the line, the item and the customer are known of such events, beside the site."""
    event = EVENTS.get(kind)
    return event is not None and _has_surroundings(event)


def check_rule(spec: RuleSpec) -> list[Problem]:
    """[] or only warnings: it may be published.  A few queries."""
    here, event, words = Place(Part.RULE, spec.code), followed_events().get(spec.event), words_of_the_plant()
    if event is None:
        sentence = _("%(event)s is no event that a rule can follow.") % {"event": spec.event or "?"}
        return [here.error(RuleFault.UNKNOWN_EVENT, sentence, "event")]
    facts = facts_of(spec.event)
    return [
        *_asked(here, spec, facts),
        *_asked_again(here, spec),
        *_same(here, spec, facts),
        *_scope(here, spec, event, words),
        *_actions(here, spec, event, words),
    ]


def _asked(here: Place, spec: RuleSpec, facts: Mapping[str, Fact]) -> Iterator[Problem]:
    types = {name: fact.type for name, fact in facts.items()}
    for condition in spec.conditions:
        yield from condition_problems(here, condition, types)
    if spec.expression:
        yield from expression_problems(here, spec.expression, facts, {})


def _asked_again(here: Place, spec: RuleSpec) -> Iterator[Problem]:
    """What the event says stays as it was said."""
    asked = {condition.field for condition in spec.conditions} | names_in(spec.expression)
    if spec.after_seconds and not any(name.startswith(SUBJECT_FACTS) for name in asked):
        sentence = _("it waits, but asks nothing that may have changed by then: it acts later, whatever happens.")
        yield here.warning(RuleFault.NOTHING_ASKED_AGAIN, sentence, "after_seconds")


def _same(here: Place, spec: RuleSpec, facts: Mapping[str, Fact]) -> Iterator[Problem]:
    for name in spec.same:
        if name not in facts or facts[name].type in _LISTS:
            sentence = _("%(field)s is nothing that events have alike.") % {"field": name}
            yield here.error(RuleFault.NOT_ALIKE, sentence, "same")
    if spec.same and spec.window is None and not spec.cool_down_minutes:
        sentence = _("nothing is counted and nothing rests, so what is the same changes nothing.")
        yield here.warning(RuleFault.NOTHING_COUNTED, sentence, "same")


def _scope(here: Place, spec: RuleSpec, event: type[Event], words: Words) -> Iterator[Problem]:
    sites = words.sites or {}
    lines = {line for lines in sites.values() for line in lines}
    for where in spec.scope:
        if where.site and where.site not in sites:
            sentence = _("there is no site %(code)s.") % {"code": where.site}
            yield here.error(Fault.UNKNOWN_SITE, sentence, "scope")
        if where.line and where.line not in lines:
            sentence = _("there is no line %(code)s.") % {"code": where.line}
            yield here.error(Fault.UNKNOWN_LINE, sentence, "scope")
        if not any((where.site, where.line, where.item, where.customer)):
            yield here.warning(RuleFault.EMPTY_SCOPE, _("a place names nothing, so it is everywhere."), "scope")
        if (where.line or where.item or where.customer) and not _has_surroundings(event):
            yield here.error(RuleFault.NO_SURROUNDINGS, _("of this event only the site is known."), "scope")


def _actions(here: Place, spec: RuleSpec, event: type[Event], words: Words) -> Iterator[Problem]:
    if not spec.actions:
        yield here.error(RuleFault.NO_ACTIONS, _("it does nothing."), "actions")
        return
    for action in spec.actions:
        yield from effect_problems(here, action, words, _around(event), "actions")
    yield from said_by_effects(here, spec.actions, "actions")


def _around(event: type[Event]) -> AbstractSet[str] | None:
    """None of a StateChanged, which is about any kind of item: which, the event itself says."""
    return None if event.subject_kind == "workflow_item" else GIVES.get(event.subject_kind, frozenset()) | _ALWAYS


def _has_surroundings(event: type[Event]) -> bool:
    return event.subject_kind in FINDERS or _around(event) is None
