"""Who could take an edge of an operation that not everybody is qualified for: who is there now, and who else is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from apps.andon.asking import ask
from apps.andon.models import FloorException
from apps.core.commands import Context
from apps.orders.actions import RUN_JOB
from apps.orders.models import JobOrder
from apps.plant.access import all_qualified, people_with_role
from apps.plant.duty import on_duty
from apps.plant.models import Role
from apps.workflows.graph import CompiledEdge


@dataclass(frozen=True)
class Qualified:
    """People by id: on duty, the nearest first, with the end of their duty where it is known; and the others."""

    here: dict[int, datetime | None]
    elsewhere: frozenset[int]


def edge_of(job: JobOrder, code: str) -> CompiledEdge | None:
    """Where the operation can go by it now, and a qualification is asked for."""
    edge = job.graph.edge(code, job.state)
    return edge if edge is not None and edge.spec.skills else None


def qualified_for(job: JobOrder, edge: CompiledEdge, at: datetime) -> Qualified:
    """Who holds every skill on that day, and a role that may take the edge there.  Four queries for each such role."""
    return _found(job, edge.spec.skills, edge.spec.roles or _who_runs(), at)


def partners_for(job: JobOrder, skills: Collection[str], at: datetime) -> Qualified:
    """Who could work together with somebody who lacks these skills. Four queries for each role that runs operations."""
    return _found(job, skills, _who_runs(), at)


def _who_runs() -> list[str]:
    return list(Role.objects.filter(actions__code=RUN_JOB.code).values_list("code", flat=True))


def _found(job: JobOrder, skills: Collection[str], roles: Collection[str], at: datetime) -> Qualified:
    able = all_qualified(skills, at)
    if not able:
        return Qualified({}, frozenset())
    here: dict[int, datetime | None] = {}
    for role in sorted(roles):
        for duty in on_duty(role, job.scope, at):
            if duty.person_id in able:
                here.setdefault(duty.person_id, duty.until)
    return Qualified(here, frozenset(able & people_with_role(roles, job.scope)) - here.keys())


def ask_to_join(context: Context, exception: FloorException, person_id: int) -> None:
    text = _("Please come and work together with whoever is there: %(sentence)s") % {"sentence": exception.sentence}
    ask(context, exception, person_id, text)


def call(context: Context, exception: FloorException, person_id: int) -> None:
    ask(context, exception, person_id, _("Please come: %(sentence)s") % {"sentence": exception.sentence})
