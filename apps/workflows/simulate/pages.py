"""The page on which a draft is tried on past work, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import rights
from apps.core.csv_export import csv_file
from apps.core.errors import CommandRefused
from apps.core.rights import EVERYWHERE
from apps.plant.administration import actor_of
from apps.workflows import people
from apps.workflows.actions import SIMULATE
from apps.workflows.models import SimulationRun, Version
from apps.workflows.simulate import runs
from apps.workflows.simulate.result import Result, StoppedItem, Tally
from apps.workflows.simulate.words import CERTAINTIES, REASONS
from apps.workflows.studio.pages import shown

SPANS = {
    "days:1": gettext_lazy("the last day"),
    "days:7": gettext_lazy("the last week"),
    "days:30": gettext_lazy("the last 30 days"),
    "days:90": gettext_lazy("the last 90 days"),
    "moves:1000": gettext_lazy("the last 1,000 moves"),
    "moves:10000": gettext_lazy("the last 10,000 moves"),
    "moves:100000": gettext_lazy("the last 100,000 moves"),
}
# Rows on the page; the file has all that were kept.
ROWS = 200
# Seconds after which a page looks again whether the worker is done.
LOOK_AGAIN = "2"


@dataclass(frozen=True)
class Row:
    item: StoppedItem
    reason: str
    certainty: str


@dataclass(frozen=True)
class Beside:
    """One number of the draft beside that of the version in force; `before` None: there is none."""

    label: str
    draft: int
    before: int | None


def simulated(request: HttpRequest, version: Version) -> HttpResponse:
    if request.method == "POST":
        return asked(request, partial(runs.simulate, version_id=version.pk))
    run = version.simulations.first()
    if run is not None and run.result is not None and "csv" in request.GET:
        return exported(version, Result.model_validate(run.result))
    context = {**of_the_run(request, run, version.checksum), "spans": SPANS}
    if run is not None and run.result is not None:
        context |= _told(Result.model_validate(run.result))
    return patient(run, shown(request, version, "simulate", "workflows/studio/simulate.html", context))


# ---- the same for versions of workflows and of rules


def of_the_run(request: HttpRequest, run: SimulationRun | None, checksum: str) -> dict[str, Any]:
    """For workflows/studio/_try.html. `checksum`: of the version as it is now."""
    return {
        "chosen": f"days:{run.days}" if run and run.days else f"moves:{run.moves}" if run else "days:7",
        "command_id": uuid4(),
        "may_simulate": rights.may(actor_of(request), SIMULATE, EVERYWHERE),
        "run": run,
        "asked_by": people.person_name(run.asked_by_id) if run else "",
        "is_older": run is not None and run.result is not None and run.checksum != checksum,
    }


def patient(run: SimulationRun | None, answer: HttpResponse) -> HttpResponse:
    """A page that looks again while the run is under way."""
    if run is not None and run.is_open:
        answer["Refresh"] = LOOK_AGAIN
    return answer


def asked(request: HttpRequest, ask: Callable[..., int], *, many: str = "moves") -> HttpResponse:
    """`ask`: the command, but for its span; `many`: what its span is called that is no days."""
    name, _separator, number = request.POST.get("span", "").partition(":")
    try:
        span = {"days": {"days": int(number)}, "moves": {many: int(number)}}.get(name, {})
        command_id = UUID(request.POST.get("command_id", ""))
    except ValueError:
        messages.error(request, _("Reload the page and try again."))
        return HttpResponseRedirect(request.path)
    try:
        run_id = ask(actor_of(request), command_id, **span)
    except CommandRefused as refusal:
        messages.error(request, str(refusal))
    else:
        runs.carry_out(run_id)
    return HttpResponseRedirect(request.path)


# ---- the result


def _told(result: Result) -> dict[str, object]:
    rows = sorted(result.items, key=lambda item: item.also_before)
    return {
        "result": result,
        "draft": result.draft,
        "rows": [_row(item) for item in rows[:ROWS]],
        "more": max(0, result.draft.items_stopped - ROWS),
        "not_kept": max(0, result.draft.items_stopped - len(result.items)),
        "stops": [(stop, REASONS[stop.reason]) for stop in result.draft.stops[:20]],
        "beside": beside(result),
        "wait": minutes(result.usual_wait),
        "worst": minutes(result.worst_wait),
        "steps": ", ".join(dict.fromkeys(f"“{item.step}”" for item in result.items)),
    }


def minutes(seconds: int | None) -> int | None:
    return None if seconds is None else round(seconds / 60)


def _row(item: StoppedItem) -> Row:
    return Row(item, str(REASONS[item.reason]), str(CERTAINTIES[item.certainty]))


def beside(result: Result) -> list[Beside]:
    def of(name: str, label: str) -> Beside:
        before: Tally | None = result.before
        return Beside(label, getattr(result.draft, name), getattr(before, name) if before else None)

    return [
        of("stopped", _("moves stopped")),
        of("items_stopped", _("items stopped")),
        of("stuck", _("items with no way on")),
        of("asks_more", _("moves with more to enter")),
        of("elsewhere", _("moves that lead elsewhere")),
        of("renamed", _("moves by a renamed step")),
        of("exact", _("answers that are exact")),
        of("estimated", _("answers that are estimated")),
        of("impossible", _("answers that nobody can give")),
    ]


HEADINGS = (
    gettext_lazy("item"),
    gettext_lazy("where"),
    gettext_lazy("stopped at"),
    gettext_lazy("state"),
    gettext_lazy("step"),
    gettext_lazy("why"),
    gettext_lazy("detail"),
    gettext_lazy("how sure"),
    gettext_lazy("no way on"),
    gettext_lazy("stopped today as well"),
    gettext_lazy("wait, minutes"),
    gettext_lazy("scrap afterwards"),
    gettext_lazy("unit"),
    gettext_lazy("what really happened"),
)


def exported(version: Version, result: Result) -> HttpResponse:
    name = f"{version.workflow.code}-v{version.number}-{_('simulation')}"
    return csv_file(name, [str(heading) for heading in HEADINGS], map(_cells, result.items))


def _cells(item: StoppedItem) -> Sequence[object]:
    return (
        item.name,
        item.place,
        date_format(timezone.localtime(item.at), "Y-m-d H:i"),
        item.state,
        item.step,
        REASONS[item.reason],
        item.detail,
        CERTAINTIES[item.certainty],
        _("yes") if item.is_stuck else "",
        _("yes") if item.also_before else "",
        minutes(item.wait_seconds),
        item.scrap,
        item.unit,
        item.afterwards,
    )
