"""What differs between two versions of a rule, field by field, in the words of its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _later
from django.utils.translation import ngettext

from apps.workflows.comparing import FieldChange, field_changes
from apps.workflows.definition import EffectSpec
from apps.workflows.rules.check import event_label
from apps.workflows.rules.definition import RuleSpec, WindowSpec
from apps.workflows.telling import Teller, Telling, conditions_row_by_row, effect_in_a_line, places, plainly


def compare_rules(old: RuleSpec, new: RuleSpec) -> list[FieldChange]:
    """Empty exactly when nothing differs."""
    return list(field_changes(old, new, Telling(own=TELLERS)))


def step_between(old: RuleSpec, new: RuleSpec) -> str:
    """What the step from the one to the other is called."""
    return ", ".join(change.what for change in compare_rules(old, new))


def _event(kind: str, _telling: Telling) -> list[str]:
    return [event_label(kind)]


def _number(value: int, _telling: Telling) -> list[str]:
    return [str(value)] if value else []


def _all(values: Sequence[str], _telling: Telling) -> list[str]:
    return list(values)


def _window(window: WindowSpec, _telling: Telling) -> list[str]:
    if window.days is not None:
        within = ngettext("within %(n)s day", "within %(n)s days", window.days) % {"n": window.days}
    elif window.minutes is not None:
        within = ngettext("within %(n)s minute", "within %(n)s minutes", window.minutes) % {"n": window.minutes}
    else:
        within = _("within the shift")
    lines = [_("%(n)s times %(within)s") % {"n": window.count, "within": within}]
    return [*lines, _("each thing once")] if window.of == "things" else lines


def _actions(actions: Sequence[EffectSpec], _telling: Telling) -> list[str]:
    return [effect_in_a_line(action) for action in actions]


TELLERS: Mapping[str, tuple[Any, Teller]] = {
    "event": (_later("when this happens"), _event),
    "conditions": (_later("if"), conditions_row_by_row),
    "after_seconds": (_later("and still so after seconds"), _number),
    "scope": (_later("where"), places),
    "same": (_later("what is the same"), _all),
    "window": (_later("how often"), _window),
    "cool_down_minutes": (_later("rest in minutes"), _number),
    "per_minute": (_later("at most so often a minute"), plainly),
    "actions": (_later("then"), _actions),
}
