"""The same cause again and again is one problem, with an owner, from the case on that makes it so many.

Whoever raises a cause is alone with it (raising holds it until the transaction ends), so its cases are counted once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q

from apps.andon.actions import ANSWER
from apps.andon.events import ProblemChanged, ProblemClosed, ProblemOpened
from apps.andon.models import ExceptionType, FloorException, Occasion, Problem
from apps.andon.owners import Finder
from apps.andon.telling import tell
from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE

Key = tuple[str, str]


def note_recurrence(context: Context, raised: Sequence[FloorException], facts: Mapping[str, Any] | None = None) -> None:
    """Counts the new cases, opens the problems that they make, and attaches them. Of one site; a few queries a type."""
    by_type: defaultdict[ExceptionType, dict[Key, FloorException]] = defaultdict(dict)
    for exception in raised:
        if exception.type.recurrence_count and exception.recurs_as:
            by_type[exception.type][exception.cause_kind, exception.recurs_as] = exception
    for kind, cases in by_type.items():
        _note(context, kind, cases, facts or {})


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
    rows.exclude(recurs_as="").update(recurs_as="", problem=None)
    FloorException.objects.filter(pk=exception.pk).update(recurs_as=name)
    exception.recurs_as, exception.problem = name, None
    note_recurrence(context, [exception], facts)


def _alone_with(site_id: int, kind: str, name: str) -> None:
    """Whoever says the same of another case waits here, and counts this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"recurrence:{site_id}:{kind}:{name}"])


def _note(context: Context, kind: ExceptionType, cases: Mapping[Key, FloorException], facts: Mapping[str, Any]) -> None:
    site_id = next(iter(cases.values())).site_id
    kinds, names = {kind_of for kind_of, _name in cases}, {name for _kind, name in cases}
    same = Q(type=kind, site=site_id, cause_kind__in=kinds)
    since = context.now - timedelta(days=kind.recurrence_days)
    counts: dict[Key, int] = {
        (cause_kind, key): n
        for cause_kind, key, n in FloorException.objects.filter(
            same, recurs_as__in=names, raised_at__gt=since, problem=None
        )
        .order_by()
        .values_list("cause_kind", "recurs_as")
        .annotate(n=Count("pk"))
        if (cause_kind, key) in cases
    }
    known = {
        (problem.cause_kind, problem.cause_key): problem
        for problem in Problem.objects.open()
        .filter(same, cause_key__in=names)
        .select_for_update(of=("self",))
        .order_by("pk")
    }
    for name, exception in cases.items():
        problem = known.get(name)
        if problem is None and counts.get(name, 0) >= kind.recurrence_count:
            problem = _open(context, exception, facts)
        if problem is not None:
            _attach(context, problem, exception)


def _open(context: Context, exception: FloorException, facts: Mapping[str, Any]) -> Problem:
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
    since = context.now - timedelta(days=kind.recurrence_days)
    before = FloorException.objects.filter(
        site=exception.site_id,
        type=kind,
        cause_kind=exception.cause_kind,
        recurs_as=exception.recurs_as,
        raised_at__gt=since,
        problem=None,
    )
    cases = before.update(problem=problem)
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
