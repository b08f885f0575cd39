"""The pages on which a version of a rule is seen against another one, and with what has happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from apps.core import clock
from apps.workflows.authorship import fields_made_by
from apps.workflows.comparing import FieldChange
from apps.workflows.models import RuleVersion
from apps.workflows.picture.pages import NOBODY, chosen_of, names_for, with_names
from apps.workflows.rules.comparing import compare_rules
from apps.workflows.rules.in_force import in_force_beside, spec_of
from apps.workflows.rules.story import story_of_rule
from apps.workflows.studio.rule_pages import shown


@dataclass(frozen=True)
class ShownField:
    change: FieldChange
    who: str
    at: datetime | None


def compared(request: HttpRequest, version: RuleVersion) -> HttpResponse:
    """?against=5: the number of another version of the rule; without it the version in force."""
    others = list(version.rule.versions.exclude(pk=version.pk).order_by("-number"))
    against = chosen_of(request, others) or in_force_beside(version, clock.now())
    old, new = spec_of(against) if against else None, spec_of(version)
    context = {
        "others": others,
        "chosen": against,
        "is_readable": new is not None and (old is not None or against is None),
        "differences": _shown(request, version, compare_rules(old, new)) if old and new else [],
    }
    return shown(request, version, "compare", "workflows/picture/rule.html", context)


def _shown(request: HttpRequest, version: RuleVersion, changes: list[FieldChange]) -> list[ShownField]:
    made = fields_made_by(version, [change.name for change in changes])
    names = names_for(request, [one.person_id for one in made.values()])
    return [
        ShownField(
            change,
            names.get(made[change.name].person_id or 0, NOBODY) if change.name in made else "",
            made[change.name].at if change.name in made else None,
        )
        for change in changes
    ]


def history(request: HttpRequest, version: RuleVersion) -> HttpResponse:
    events = with_names(request, story_of_rule(version))
    return shown(request, version, "history", "workflows/picture/history.html", {"events": events})
