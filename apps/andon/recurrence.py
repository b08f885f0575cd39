"""The same cause again and again is one problem, with an owner, from the case on of which a rule says so.

What an exception is a case of is told as an event (`CaseNamed`), which rules count; while a problem is open, further
cases of its cause belong to it. Whoever names a case is alone with its name until the transaction ends: raising holds
the cause, what is said later holds the name. So of two third cases the second one finds the problem of the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max

from apps.andon.actions import ANSWER
from apps.andon.events import CaseNamed, ProblemChanged, ProblemClosed, ProblemOpened
from apps.andon.models import FloorException, Occasion, Problem
from apps.andon.owners import Finder
from apps.andon.telling import tell
from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE

# Type, kind of cause, and what recurs.
Name = tuple[int, str, str]


def note_cases(context: Context, cases: Sequence[FloorException], facts: Mapping[str, Any] | None = None) -> None:
    """Attaches them to the problems that are open, and tells what they are cases of. Of one site; a few queries."""
    named = [exception for exception in cases if exception.recurs_as]
    if not named:
        return
    problems = _open_problems(named)
    for exception in named:
        if problem := problems.get(_name_of(exception)):
            _attach(context, problem, exception)
    context.record_all([_told(exception, facts or {}) for exception in named])


def recur_as(
    context: Context, *, site_id: int, kind: str, key: str, name: str, facts: Mapping[str, Any] | None = None
) -> None:
    """Says what the exception of a cause is a case of, as soon as that is known and as often as it turns out otherwise;
    it may be closed by then. `name` "": of nothing that could happen again. `facts` are for the name of the problem.
    """
    rows = FloorException.objects.filter(site=site_id, cause_kind=kind, cause_key=key).select_related("type", "site")
    exception = rows.order_by("-raised_at", "-pk").first()
    if exception is None or exception.recurs_as == name:
        return
    if name:
        _alone_with(site_id, kind, name)
    # What was raised twice for one cause is one case.
    taken_back = list(rows.exclude(recurs_as=""))
    FloorException.objects.filter(pk__in=[row.pk for row in taken_back]).update(recurs_as="", problem=None)
    for row in taken_back:
        row.recurs_as, row.problem = "", None
    FloorException.objects.filter(pk=exception.pk).update(recurs_as=name)
    exception.recurs_as, exception.problem = name, None
    context.record_all([_told(row, {}) for row in taken_back if not name or row.pk != exception.pk])
    note_cases(context, [exception], facts)


def open_problem(
    context: Context, exception: FloorException, *, since: datetime | None, facts: Mapping[str, Any]
) -> Problem:
    """The one of its cause, with its cases after `since` that belong to none (None: with just this one).

    exception  with its type and site; a case of something
    """
    _alone_with(exception.site_id, exception.cause_kind, exception.recurs_as)
    problem = _open_problems([exception]).get(_name_of(exception))
    if problem is None:
        problem = _open(context, exception, since, facts)
    elif exception.problem_id is None:
        _attach(context, problem, exception)
    return problem


def _alone_with(site_id: int, kind: str, name: str) -> None:
    """Whoever says the same of another case waits here, and counts this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"recurrence:{site_id}:{kind}:{name}"])


def _name_of(exception: FloorException) -> Name:
    return exception.type_id, exception.cause_kind, exception.recurs_as


def _open_problems(cases: Sequence[FloorException]) -> dict[Name, Problem]:
    """Locked; of one site."""
    rows = Problem.objects.open().filter(
        site=cases[0].site_id,
        type__in={exception.type_id for exception in cases},
        cause_kind__in={exception.cause_kind for exception in cases},
        cause_key__in={exception.recurs_as for exception in cases},
    )
    return {
        (problem.type_id, problem.cause_kind, problem.cause_key): problem
        for problem in rows.select_for_update(of=("self",)).order_by("pk")
    }


def _open(context: Context, exception: FloorException, since: datetime | None, facts: Mapping[str, Any]) -> Problem:
    kind = exception.type
    owner_id = Finder(context.now).owner_of_problem(exception.site, exception.scope)
    problem = Problem.objects.create(
        site_id=exception.site_id,
        type=kind,
        cause_kind=exception.cause_kind,
        cause_key=exception.recurs_as,
        facts=dict(facts),
        owner_id=owner_id,
        opened_at=context.now,
        due_at=context.now + timedelta(days=kind.quiet_days),
        last_case_at=exception.raised_at,
    )
    same = FloorException.objects.filter(
        site=exception.site_id,
        type=kind,
        cause_kind=exception.cause_kind,
        recurs_as=exception.recurs_as,
        problem=None,
    )
    its_own = same.filter(pk=exception.pk) if since is None else same.filter(raised_at__gt=since)
    cases = its_own.update(problem=problem)
    _attach(context, problem, exception)
    context.record(
        ProblemOpened(
            subject_id=problem.pk,
            **exception.story,
            cause_kind=exception.cause_kind,
            cause_key=exception.recurs_as,
            owner_id=owner_id,
            cases=cases,
        )
    )
    tell(context, [(exception, owner_id)], Occasion.INFORMED)
    return problem


def _attach(context: Context, problem: Problem, exception: FloorException) -> None:
    FloorException.objects.filter(pk=exception.pk).update(problem=problem)
    exception.problem = problem
    last = max(problem.last_case_at, exception.raised_at)
    Problem.objects.filter(pk=problem.pk).update(last_case_at=last)
    context.touch(f"problem:{problem.pk}", f"andon:{problem.site_id}")


def _told(exception: FloorException, facts: Mapping[str, Any]) -> CaseNamed:
    return CaseNamed(
        subject_id=exception.pk,
        **exception.story,
        type=exception.type.code,
        cause_kind=exception.cause_kind,
        recurs_as=exception.recurs_as,
        raised_at=exception.raised_at,
        in_problem=exception.problem_id is not None,
        facts=dict(facts),
    )


@command("andon.close_quiet")
def close_quiet(context: Context, *, problem_id: int) -> bool:
    """Whether its cause has stayed away for long enough, so that it is closed now.  For the sweep."""
    context.allow(ANSWER, at=EVERYWHERE)
    problem = Problem.objects.open().select_for_update(of=("self",)).filter(pk=problem_id).first()
    # Asked again: a case may have come while the lock was waited for.
    if problem is None or not Problem.objects.quiet_since(context.now).filter(pk=problem_id).exists():
        return False
    problem.closed_at = context.now
    problem.save()
    cases = FloorException.objects.filter(problem=problem).aggregate(n=Count("pk"), last=Max("raised_at"))
    context.record(
        ProblemClosed(subject_id=problem.pk, site_id=problem.site_id, owner_id=problem.owner_id, cases=cases["n"])
    )
    context.touch(f"problem:{problem.pk}", f"andon:{problem.site_id}")
    return True


def rehome_problems(context: Context, person_id: int) -> None:
    """Nobody who has left owns a problem."""
    finder = Finder(context.now)
    rows = Problem.objects.open().filter(owner=person_id).select_related("site").select_for_update(of=("self",))
    for problem in rows.order_by("pk"):
        problem.owner_id = finder.owner_of_problem(problem.site, problem.site.scope, without={person_id})
        problem.save()
        record_change(context, problem, old_owner_id=person_id)


def record_change(context: Context, problem: Problem, *, old_owner_id: int, noted: bool = False) -> None:
    context.record(
        ProblemChanged(
            subject_id=problem.pk,
            site_id=problem.site_id,
            old_owner_id=old_owner_id,
            owner_id=problem.owner_id,
            due_at=problem.due_at,
            noted=noted,
        )
    )
    context.touch(f"problem:{problem.pk}", f"andon:{problem.site_id}")
