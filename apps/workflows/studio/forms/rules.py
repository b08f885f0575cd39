"""The form of a rule: when, if, where, how often, then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, partial
from operator import itemgetter
from typing import Any

from django import forms
from django.apps import apps
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import JsonValue
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.workflows.guard_limits import MAX_LENGTH
from apps.workflows.guards import expression_problems
from apps.workflows.rules.check import followed_events
from apps.workflows.rules.definition import (
    LONGEST_DAYS,
    LONGEST_WAIT_SECONDS,
    WEEK_MINUTES,
    RuleCondition,
    RuleSpec,
    WindowSpec,
)
from apps.workflows.rules.facts import Fact, facts_of
from apps.workflows.studio import choices
from apps.workflows.studio.forms import base
from apps.workflows.studio.forms.effects import EffectForm
from apps.workflows.studio.forms.guards import LISTS, Askable, ConditionForm
from apps.workflows.studio.forms.whole import WhereForm
from apps.workflows.studio.room import Happened

MAX_COUNT = 1_000
MAX_PER_MINUTE = 600
ROWS = ("conditions", "scope", "actions")
WINDOW = ("count", "minutes", "days", "of")
COUNTED: base.Choices = [
    ("events", gettext_lazy("each event")),
    ("things", gettext_lazy("each thing once")),
]


class RuleForm(base.StudioForm):
    """`code` is asked for once: a draft of a rule that is there keeps its own."""

    def __init__(
        self, data: QueryDict | None = None, *, initial: Mapping[str, Any] | None = None, is_new: bool
    ) -> None:
        super().__init__(data, prefix="rule", initial={"per_minute": 20, **(initial or {})})
        self.is_new = is_new
        self.fields["name"] = base.text(gettext_lazy("Name"), required=True, longest=120)
        if is_new:
            self.fields["code"] = base.code(gettext_lazy("Left empty, it is made from the name."))
        stored = str(self.initial.get("event") or "")
        others = () if stored in followed_events() else base.with_current((), stored) or [("", "—")]
        self.fields["event"] = base.one_of(gettext_lazy("When this happens"), [*others, *_events()], refreshes=True)
        self.facts: Mapping[str, Fact] = facts_of(self.event) if self.event in followed_events() else {}
        self._add_what_is_asked()
        self._add_how_often()

    @property
    def event(self) -> str:
        return str(self.current("event") or "")

    def _add_what_is_asked(self) -> None:
        self.fields["expression"] = forms.CharField(
            label=gettext_lazy("Expression (CEL)"),
            required=False,
            max_length=MAX_LENGTH,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "spellcheck": "false", "class": "studio-code"}),
            help_text=gettext_lazy("For what rows can't say. Facts by their names, as event.good or line."),
        )
        self.fields["after_seconds"] = base.whole_number(
            gettext_lazy("and still so after seconds"),
            low=0,
            high=LONGEST_WAIT_SECONDS,
            help_text=gettext_lazy("Counted from the event; then all is asked again. Empty: it acts at once."),
        )

    def _add_how_often(self) -> None:
        stored = self.initial.get("same", [])
        offered = _offered(self.facts, stored)
        alike = [(name, _named(fact)) for name, fact in offered.items() if fact.type not in LISTS]
        self.fields["same"] = base.some_of(
            gettext_lazy("The same are those with the same"),
            base.with_current(alike, *stored),
            help_text=gettext_lazy("Counted and rested for each by itself. None: all are the same."),
        )
        self.fields["count"] = base.whole_number(
            gettext_lazy("Only when it has happened so often"),
            low=2,
            high=MAX_COUNT,
            help_text=gettext_lazy("Empty: each time."),
        )
        self.fields["minutes"] = base.whole_number(
            gettext_lazy("within minutes"),
            low=1,
            high=WEEK_MINUTES,
        )
        self.fields["days"] = base.whole_number(
            gettext_lazy("or within days"),
            low=1,
            high=LONGEST_DAYS,
            help_text=gettext_lazy("Both empty: within the shift."),
        )
        self.fields["of"] = base.one_of(
            gettext_lazy("Count"), COUNTED, help_text=gettext_lazy("A thing counts as the last event about it says.")
        )
        self.fields["cool_down_minutes"] = base.whole_number(
            gettext_lazy("Then rest for minutes"), low=0, high=WEEK_MINUTES
        )
        self.fields["per_minute"] = base.whole_number(
            gettext_lazy("At most so often a minute on one line"),
            low=1,
            high=MAX_PER_MINUTE,
            required=True,
            help_text=gettext_lazy("More than that is a mistake: it fails, and goes off after three failures."),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.is_new and "code" in cleaned and not cleaned["code"]:
            cleaned["code"] = base.code_from(cleaned.get("name", ""))
            if not cleaned["code"]:
                self.add_error("code", _("Give it a code: none can be made from this name."))
        if (cleaned.get("minutes") or cleaned.get("days")) and not cleaned.get("count"):
            self.add_error("count", _("Say how often within this time."))
        if cleaned.get("minutes") and cleaned.get("days"):
            self.add_error("days", _("Give minutes or days, not both."))
        cleaned["same"] = base.in_kept_order(cleaned.get("same", []), self.given.get("same") or [])
        if cleaned.get("expression"):
            for problem in expression_problems(cleaned["expression"], self.facts):
                self.add_error("expression", problem)
        return cleaned


class RuleConditionForm(ConditionForm):
    """A rule refuses nobody, so its conditions say no sentence."""

    texts = {}
    needed_texts = frozenset()

    def rule_condition(self) -> RuleCondition:
        """After is_valid()."""
        value: JsonValue = self.cleaned_data.get("value")
        return RuleCondition(field=self.cleaned_data["field"], operator=self.cleaned_data["operator"], value=value)


class Places:
    """What scopes are picked from."""

    @cached_property
    def sites(self) -> base.Choices:
        return choices.sites()

    @cached_property
    def work_centers(self) -> base.Choices:
        return choices.work_centers()


class RuleForms:
    """All of one rule. `spec`: None for a new one."""

    def __init__(self, spec: RuleSpec | None, *, data: QueryDict | None = None) -> None:
        self.before, self.places = spec, Places()
        stored = spec.model_dump(mode="json") if spec else {}
        window = stored.pop("window", None) or {}
        self.main = RuleForm(data, initial={**stored, **window}, is_new=spec is None)
        self._rows(data, {name: stored.get(name, []) for name in ROWS})

    def _rows(self, data: QueryDict | None, stored: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        offered = _offered(self.main.facts, [row.get("field", "") for row in stored["conditions"]])
        happened = Happened(str(self.main.current("event") or ""))
        askable = {
            name: Askable(fact.type, _named(fact), partial(happened.seen, name)) for name, fact in offered.items()
        }
        make = partial(RuleConditionForm, askable)
        self.conditions = base.Rows("conditions", make, data=data, initial=stored["conditions"])
        self.scope = base.Rows("scope", partial(WhereForm, self.places), data=data, initial=stored["scope"])
        self.actions = base.Rows("actions", EffectForm, data=data, initial=stored["actions"])

    def typed(self, rows: str = "", act: str = "", at: int = 0) -> RuleForms:
        """The same as typed and not judged, with one row of `rows` added, removed or moved."""
        made = RuleForms.__new__(RuleForms)
        made.before, made.places = self.before, self.places
        made.main = RuleForm(initial=self.main.typed(), is_new=self.main.is_new)
        for name in ROWS:
            changed: base.Rows[Any] = getattr(self, name)
            setattr(made, name, changed.typed(*((act, at) if name == rows else ())))
        return made

    def is_valid(self) -> bool:
        return base.all_valid([self.main, self.conditions, self.scope, self.actions])

    def spec(self) -> RuleSpec:
        """After is_valid()."""
        cleaned = self.main.cleaned_data
        window = WindowSpec(**{name: cleaned[name] for name in WINDOW}) if cleaned["count"] else None
        return RuleSpec(
            code=cleaned["code"] if self.before is None else self.before.code,
            name=cleaned["name"],
            event=cleaned["event"],
            conditions=[form.rule_condition() for form in self.conditions.forms],
            expression=cleaned["expression"],
            after_seconds=cleaned["after_seconds"] or 0,
            scope=[form.spec() for form in self.scope.forms],
            same=cleaned["same"],
            window=window,
            cool_down_minutes=cleaned["cool_down_minutes"] or 0,
            per_minute=cleaned["per_minute"],
            actions=[form.spec() for form in self.actions.forms],
        )


def _events() -> list[tuple[str, base.Choices]]:
    """By the part of the product they come from, in the order of their names."""
    grouped: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for kind, event in followed_events().items():
        part = apps.app_configs.get(kind.split(".")[0])
        grouped[capfirst(str(part.verbose_name)) if part else ""].append((kind, str(event.label)))
    return [(part, sorted(events, key=itemgetter(1))) for part, events in sorted(grouped.items())]


def _offered(facts: Mapping[str, Fact], stored: Collection[str]) -> dict[str, Fact]:
    """Numbers that only the database knows are no words for a rule, which is to mean the same in every plant."""
    return {name: fact for name, fact in facts.items() if name in stored or not name.endswith(("_id", "_ids"))}


def _named(fact: Fact) -> str:
    return str(fact.label) if str(fact.label) == fact.name else f"{fact.label} ({fact.name})"
