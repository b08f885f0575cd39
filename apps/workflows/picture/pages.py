"""The pages on which a version is seen as a picture, against another one, and with what has happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.actions import VIEW_LEDGER
from apps.core.rights import EVERYWHERE
from apps.plant.administration import actor_of
from apps.workflows import people
from apps.workflows.authorship import Made, made_by
from apps.workflows.comparing import Change, Comparison, compare
from apps.workflows.models import Version
from apps.workflows.models.life import VersionLife
from apps.workflows.picture.drawing import SIGNS, draw, legend
from apps.workflows.rows import to_definition
from apps.workflows.story import Told, story
from apps.workflows.studio.pages import in_force_beside, shown

# Of whom nothing is known any more, or nothing may be known.
NOBODY = "\N{EN DASH}"
NONE = "none"


@dataclass(frozen=True)
class ShownChange:
    change: Change
    sign: str
    who: str
    at: datetime | None


def graph(request: HttpRequest, version: Version) -> HttpResponse:
    """?against=5: the number of another version of the workflow; "none" for the picture alone."""
    others = list(version.workflow.versions.exclude(pk=version.pk).order_by("-number"))
    asked = request.GET.get("against", "")
    against = None if asked == NONE else chosen_of(request, others) or in_force_beside(version)
    new = to_definition(version)
    old = comparison = None
    names = people.names()
    if against is not None:
        against.workflow = version.workflow
        old = to_definition(against)
        comparison = compare(old, new, names)
    stopped = set(version.workflow.stops.in_force().values_list("edge", flat=True))
    drawing = draw(new, old=old, comparison=comparison, stopped=stopped, names=names)
    context = {
        "drawing": drawing,
        "has_stopped": bool(stopped & {edge.code for edge in new.edges}),
        "others": others,
        "chosen": against,
        "legend": [(mark, SIGNS[mark], label, counts) for mark, label, counts in legend(comparison)]
        if comparison
        else [],
        "differences": _shown(request, version, comparison) if comparison else [],
        "compared": comparison is not None,
    }
    return shown(request, version, "graph", "workflows/picture/graph.html", context)


V = TypeVar("V", bound=VersionLife)


def chosen_of(request: HttpRequest, others: Iterable[V]) -> V | None:
    """The one whose number the address names."""
    asked = request.GET.get("against", "")
    return next((other for other in others if str(other.number) == asked), None)


def _shown(request: HttpRequest, version: Version, comparison: Comparison) -> list[ShownChange]:
    made = made_by(version, comparison.changes)
    names = names_for(request, [one.person_id for one in made.values()])
    told: list[ShownChange] = []
    for change in comparison.changes:
        by: Made | None = made.get((change.part, change.key))
        told.append(
            ShownChange(
                change,
                SIGNS[change.mark],
                names.get(by.person_id or 0, NOBODY) if by else "",
                by.at if by else None,
            )
        )
    return told


@dataclass(frozen=True)
class ShownEvent:
    told: Told
    who: str


def history(request: HttpRequest, version: Version) -> HttpResponse:
    events = with_names(request, story(version, to_definition(version)))
    return shown(request, version, "history", "workflows/picture/history.html", {"events": events})


def with_names(request: HttpRequest, entries: Sequence[Told]) -> list[ShownEvent]:
    names = names_for(request, [entry.who for entry in entries])
    return [ShownEvent(told, names.get(told.who, NOBODY) if told.who else _("the system")) for told in entries]


def names_for(request: HttpRequest, ids: Iterable[int | None]) -> dict[int, str]:
    """Of people, for who may read the history; for others nobody has a name."""
    wanted = {key for key in ids if key}
    if not wanted or not rights.may(actor_of(request), VIEW_LEDGER, EVERYWHERE):
        return {}
    return people.person_names(wanted)
