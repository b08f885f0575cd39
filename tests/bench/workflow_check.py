"""The check of a workflow of 200 states and 1,000 edges, with guards, holds and signatures, for a plant of five sites
whose roster names somebody for every shift of the week.

`ms`: from the definition to its problems, words and roster of the plant read anew each time, expressions compiled anew.
The baseline is what no check can do without: which states can be reached, and which lead to an end.  Runs alternate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

from tests.bench.figures import compared, load, told
from tests.bench.running import product

STATES, EDGES, SITES, LINES, RUNS = 200, 1_000, 5, 6, 20
ROLES = ("quality_engineer", "line_lead", "operator")
SHIFTS = ((6, 14), (14, 22), (22, 30))
BARS = {"ms": "<= 50"}


def main() -> None:
    with product():
        from apps.workflows import guard_limits, guards
        from apps.workflows.check import check
        from apps.workflows.kinds import KINDS

        entries = roster()
        definition = big()

        def product_check() -> object:
            for cached in (guards.compiled, guards.names_in, guard_limits._parts, guard_limits._shape):
                cached.cache_clear()
            return check(definition, KINDS["job_order"])

        found = product_check()
        ways = [(source, edge.target) for edge in definition.edges for source in edge.sources]
        own: list[float] = []
        bare: list[float] = []
        for _ in range(RUNS):
            own.append(timed(product_check))
            bare.append(timed(lambda: (reached("s0", ways), reached("s199", [(b, a) for a, b in ways]))))
        print(f"{len(found)} problems found, {entries} entries of the roster, {load()}")  # type: ignore[arg-type]
    compared("check", "ms", own, bare, "bare reachability")
    told("workflow_check", {"ms": median(own)}, BARS)


def roster() -> int:
    """Sites with lines, three shifts, and for each role two people on every shift of nine days."""
    from apps.core import clock
    from apps.plant.models import Area, DutyRosterEntry, Person, Role, RoleAssignment, Site, WorkCenter
    from tests.world import ALWAYS, make_calendar

    roles = {role.code: role for role in Role.objects.filter(code__in=ROLES)}
    start = clock.now().replace(minute=0, second=0, microsecond=0, hour=0) - timedelta(days=1)
    entries = []
    for number in range(SITES - 1):
        site = Site.objects.create(code=f"B{number}", name="Bench", timezone="UTC")
        make_calendar(site)
        area = Area.objects.create(site=site, code="A", name="Bench")
        for line in range(LINES):
            WorkCenter.objects.create(area=area, code=f"L{line}", name="Bench")
        for code, role in roles.items():
            for shift, (begins, ends) in enumerate(SHIFTS):
                for one in range(2):
                    person = Person.objects.create(username=f"b{number}-{code}-{shift}-{one}", name="Bench")
                    RoleAssignment.objects.create(person=person, role=role, site=site, valid_from=ALWAYS)
                    for day in range(9):
                        at = start + timedelta(days=day)
                        times = {"starts_at": at + timedelta(hours=begins), "ends_at": at + timedelta(hours=ends)}
                        entries.append(DutyRosterEntry(role=role, site=site, person=person, **times))
    DutyRosterEntry.objects.bulk_create(entries)
    return DutyRosterEntry.objects.count()


def big() -> Any:
    from apps.workflows.definition import Definition

    texts = {"en": "Text", "de": "Text"}
    states = [{"code": f"s{n}", "labels": {"en": f"S {n}", "de": f"S {n}"}, "status": "running"} for n in range(STATES)]
    states[0] |= {"kind": "initial", "status": "waiting"}
    states[STATES - 1] |= {"kind": "final", "status": "closed"}
    for n in range(10, STATES - 1, 10):
        states[n] |= {"kind": "hold", "status": "held"}
    edges: list[dict[str, Any]] = []
    for n in range(EDGES):
        edge: dict[str, Any] = {
            "code": f"e{n}",
            "labels": {"en": f"E {n}", "de": f"E {n}"},
            "sources": [f"s{n % (STATES - 1)}"],
            "target": f"s{(n * 7 + 1) % STATES}",
            "roles": [ROLES[n % len(ROLES)]],
            "reason_required": True,
            "conditions": [{"field": "quantity", "operator": ">", "value": 0, "sentence": texts}],
        }
        if n % 10 == 0:
            edge |= {"expression": f"quantity > {n}.0", "expression_sentence": texts}
        if n % 20 == 0:
            edge["signature"] = {"meaning": texts, "signers": 1 + n % 40 // 20, "not_same_as": [f"e{(n + 1) % EDGES}"]}
        edges.append(edge)
    return Definition.model_validate(
        {"kind": "job_order", "code": "big", "name": "Big", "states": states, "edges": edges}
    )


def reached(start: str, ways: list[tuple[str, str]]) -> set[str]:
    forward: dict[str, set[str]] = {}
    for source, target in ways:
        forward.setdefault(source, set()).add(target)
    seen: set[str] = set()
    todo = [start]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += forward.get(state, ())
    return seen


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1e3


if __name__ == "__main__":
    main()
