"""The page on which a draft of a rule is tried on past events, and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.csv_export import csv_file
from apps.workflows.models import RuleVersion
from apps.workflows.rules.check import event_label
from apps.workflows.simulate import runs
from apps.workflows.simulate.pages import ROWS, SPANS, Beside, asked, of_the_run, patient
from apps.workflows.simulate.rules.judging import Outcome
from apps.workflows.simulate.rules.result import Difference, Differs, RuleResult, RuleTally
from apps.workflows.simulate.rules.words import DIFFERS, OUTCOMES
from apps.workflows.simulate.words import CERTAINTIES
from apps.workflows.studio.rule_pages import shown

TEMPLATE = "workflows/rules/simulate.html"
RULE_SPANS = {name: label for name, label in SPANS.items() if name.startswith("days:")} | {
    "moves:1000": gettext_lazy("the last 1,000 events"),
    "moves:10000": gettext_lazy("the last 10,000 events"),
    "moves:100000": gettext_lazy("the last 100,000 events"),
}


@dataclass(frozen=True)
class Row:
    """`does`: what the one of the two that acts would have done, or does; where both do, the version that is tried."""

    difference: Difference
    differs: str
    does: list[str]
    why: str
    certainty: str


def simulated(request: HttpRequest, version: RuleVersion) -> HttpResponse:
    if request.method == "POST":
        return asked(request, partial(runs.simulate_rule, version_id=version.pk), many="events")
    run = version.simulations.first()
    result = RuleResult.model_validate(run.result) if run is not None and run.result is not None else None
    if result is not None and "csv" in request.GET:
        return exported(version, result)
    context = {
        "follows": event_label(version.event),
        "spans": RULE_SPANS,
        **of_the_run(request, run, version.checksum),
        **(_told(result) if result else {}),
    }
    return patient(run, shown(request, version, "simulate", TEMPLATE, context))


def _told(result: RuleResult) -> dict[str, Any]:
    kept = sorted(result.differences, key=lambda one: one.differs == Differs.OTHERWISE)
    return {
        "result": result,
        "draft": result.draft,
        "rows": [_row(result, one) for one in kept[:ROWS]],
        "more": max(0, result.differing - ROWS),
        "not_kept": max(0, result.differing - len(result.differences)),
        "beside": beside(result),
    }


def _row(result: RuleResult, one: Difference) -> Row:
    return Row(
        difference=one,
        differs=str(DIFFERS[one.differs]),
        does=result.actions_before if one.differs == Differs.LESS else result.actions,
        why=_why(result, one),
        certainty=str(CERTAINTIES[one.certainty]),
    )


def _why(result: RuleResult, one: Difference) -> str:
    """Why the other one of the two does not, or what it does instead."""
    number = {"number": result.before_number}
    if one.differs == Differs.OTHERWISE:
        if result.actions == result.actions_before:
            return _("version %(number)s: at another time") % number
        return _("version %(number)s: %(why)s") % {**number, "why": "; ".join(result.actions_before)}
    if one.why is None:
        return ""
    words = {"why": f"{OUTCOMES[one.why]}: {one.also}" if one.also else OUTCOMES[one.why]}
    if one.differs == Differs.LESS:
        return _("this version: %(why)s") % words
    return _("version %(number)s: %(why)s") % {**words, **number}


def beside(result: RuleResult) -> list[Beside]:
    """Numbers that are nothing in both are left out."""

    def of(label: Any, number: Any) -> Beside:
        before: RuleTally | None = result.before
        return Beside(str(label), number(result.draft), number(before) if before else None)

    def came_to(outcome: Outcome) -> Beside:
        return of(OUTCOMES[outcome], lambda tally: tally.outcomes.get(outcome, 0))

    reasons = [came_to(outcome) for outcome in OUTCOMES if outcome != Outcome.ACTS]
    return [
        of(_("events that it follows"), lambda tally: tally.events),
        of(_("it acts"), lambda tally: tally.acts),
        *(line for line in reasons if line.draft or line.before),
        of(_("answers that are exact"), lambda tally: tally.exact),
        of(_("answers that are estimated"), lambda tally: tally.estimated),
        of(_("answers that nobody can give"), lambda tally: tally.impossible),
    ]


HEADINGS = (
    gettext_lazy("event number"),
    gettext_lazy("event"),
    gettext_lazy("when"),
    gettext_lazy("acts at"),
    gettext_lazy("about"),
    gettext_lazy("line"),
    gettext_lazy("this version"),
    gettext_lazy("what is done"),
    gettext_lazy("the other version"),
    gettext_lazy("how sure"),
    gettext_lazy("really acted then"),
)


def exported(version: RuleVersion, result: RuleResult) -> HttpResponse:
    name = f"{version.rule.code}-v{version.number}-{_('simulation')}"
    rows = (_cells(_row(result, one)) for one in result.differences)
    return csv_file(name, [str(heading) for heading in HEADINGS], rows)


def _cells(row: Row) -> Sequence[object]:
    one = row.difference
    return (
        one.event_id,
        one.event,
        _minute(one.at),
        _minute(one.acts_at),
        one.subject,
        one.line,
        row.differs,
        "; ".join(row.does),
        row.why,
        row.certainty,
        _("yes") if one.really else "",
    )


def _minute(at: Any) -> str:
    return date_format(timezone.localtime(at), "Y-m-d H:i")
