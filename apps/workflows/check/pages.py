"""The page with what the check has found; each problem leads to its place in the editor."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from apps.workflows import check
from apps.workflows.check.problems import Problem
from apps.workflows.kinds import KINDS
from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from apps.workflows.studio.pages import shown

# What is said of a concern in which nothing was found.
PASSED: dict[str, StrOrPromise] = {
    "names": _("Every name is there once, and every step leads somewhere"),
    "ends": _("One beginning, and ends without exits"),
    "ways": _("No dead ends, and everything can be reached"),
    "gates": _("No gate can be walked around"),
    "states": _("Every state fits its status"),
    "edges": _("Roles, skills and what is asked for are known; every hold can be released"),
    "guarding": _("Every guard can be answered"),
    "consequences": _("Every effect can be done"),
    "signatures": _("Every signature can be given"),
    "rostered": _("On every shift of the coming week somebody is there who may go on"),
    "repeating": _("Nothing goes round without a limit"),
    "ambiguity": _("No two buttons are alike"),
    "reach_of_items": _("What it is for is known"),
    "claims": _("No other workflow is for the same"),
    "languages": _("Everything is said in every language"),
}


@dataclass(frozen=True)
class Shown:
    problem: Problem
    address: str


def checked(request: HttpRequest, version: Version) -> HttpResponse:
    definition, kind = to_definition(version), KINDS.get(version.workflow.kind)
    if kind is None:
        found, passed = check.check(definition, None), []
    else:
        concerns = check.by_concern(definition, kind, check.words_for(definition, kind))
        found = [problem for problems in concerns.values() for problem in problems]
        passed = [PASSED[concern.__name__] for concern, problems in concerns.items() if not problems]
    errors = check.errors_in(found)
    warnings = [problem for problem in found if not problem.is_error]
    context = {
        "problems": [Shown(problem, address_of(version, problem)) for problem in [*errors, *warnings]],
        "errors": len(errors),
        "warnings": len(warnings),
        "passed": passed,
    }
    return shown(request, version, "check", "workflows/studio/check.html", context)


def address_of(version: Version, problem: Problem) -> str:
    """Of the state or edge in the editor, or of what the whole says of itself; "" for what lies in no one place."""
    if not (problem.show or problem.field):
        return ""
    place = f"#{problem.part}-{problem.name}" if problem.name else ""
    return f"{reverse('admin:workflows_version_edit', args=[version.pk])}{place}"
