"""One move by fire() against the same move as a programmer would write it with django-fsm, and with many versions.

Both are commands with receipt, right, role, lock, two guards, history row, ledger event, one effect that writes a row,
and commit with fsync; the engine's also passes the trigger that lets no state change outside a workflow. Runs
alternate; the ratio is of the medians. Then 500 versions are published, 10,000 items are spread over them, and items of
all versions are moved in turn: no compiled graph is the last one's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.bench.figures import compared, load, percentile, told
from tests.bench.running import product

if TYPE_CHECKING:
    from apps.core.actors import Actor

RUNS, MOVES = 10, 100
VERSIONS, ITEMS = 500, 10_000
# With many versions: each is met once, then so many moves in each of the runs.
SOME_RUNS, SOME = 5, 300
BARS = {"p50_ms": "<= 6", "ratio_hand_coded": "<= 2", "growth_500_versions": "<= 1.2"}
SAID = {"en": "No.", "de": "Nein."}
GUARDED: dict[str, Any] = {
    "conditions": [{"field": "quantity", "operator": ">=", "value": 0, "sentence": SAID}],
    "expression": "tags.exists(t, t == 'thing') && quantity < 100.0",
    "expression_sentence": SAID,
    "effects": [{"code": "note", "parameters": {"text": "started"}}],
}
Move = Callable[[int], object]


def main() -> None:
    with product(MFGOS_TEST_APPS="tests.workflows.testapp"):
        actor, site_id = prepare()
        by_engine, by_hand = both(actor)
        version = published()
        engine: list[list[float]] = []
        hand: list[list[float]] = []
        for _ in range(RUNS):
            hand.append(timed(by_hand, plain_things(site_id, MOVES)))
            engine.append(timed(by_engine, made_ready(waiting(site_id, [version], MOVES))))
            print(f"fire() p50 {median(engine[-1]):6.2f} ms, by hand p50 {median(hand[-1]):6.2f} ms, {load()}")
        ratio = compared("move", "ms", [median(run) for run in engine], [median(run) for run in hand], "by hand")
        every = [taken for run in engine for taken in run]
        growth = with_many_versions(by_engine, site_id, version)
    told("fire", {"p50_ms": percentile(every, 50), "ratio_hand_coded": ratio, "growth_500_versions": growth}, BARS)


def timed(move: Move, items: Sequence[int]) -> list[float]:
    taken = []
    for pk in items:
        begun = time.perf_counter()
        move(pk)
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


def prepare() -> tuple[Actor, int]:
    """Somebody who may start things, and the site."""
    from apps.core.actors import Actor
    from tests.world import give_role, make_person, make_reason, make_role, make_site

    site = make_site("BENCH")
    make_reason("pause", "bench-lunch", en="Lunch", de="Mittag")
    for role in ("operator", "line_lead"):
        make_role(f"{role}_of_things", "testapp.run_thing")
    olga = make_person("bench-olga")
    give_role(olga, "operator_of_things", site)
    return Actor(person_id=olga.pk), site.pk


def published() -> int:
    """Id of a new version."""
    from tests.workflows.workshop import published as publish
    from tests.workflows.workshop import thing_workflow

    return publish(thing_workflow(_roles, start=GUARDED)).pk


def _roles(content: dict[str, Any]) -> None:
    for edge in content["edges"]:
        edge["roles"] = [role if role == "system" else f"{role}_of_things" for role in edge["roles"]]


def waiting(site_id: int, versions: Sequence[int], count: int) -> list[int]:
    """Ids of new things, spread over the versions in turn."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO testapp_thing (name, quantity, site_id, workflow_version_id, state, status) "
            "SELECT 'thing', 1, %s, (%s::bigint[])[1 + n %% %s], 'waiting', 'waiting' "
            "FROM generate_series(0, %s) n RETURNING id",
            [site_id, list(versions), len(versions), count - 1],
        )
        return [row[0] for row in cursor.fetchall()]


def made_ready(things: list[int]) -> list[int]:
    from apps.core.actors import Actor
    from tests.workflows.testapp.commands import move_thing

    for pk in things:
        move_thing(Actor.system("bench"), uuid4(), thing_id=pk, edge="make_ready", as_system=True)
    return things


def plain_things(site_id: int, count: int) -> list[int]:
    from tests.workflows.testapp.models import PlainThing

    return [PlainThing.objects.create(site_id=site_id).pk for _ in range(count)]


def both(actor: Actor) -> tuple[Move, Move]:
    from tests.bench.hand_coded import move_by_hand
    from tests.workflows.testapp.commands import move_thing

    return (
        lambda pk: move_thing(actor, uuid4(), thing_id=pk, edge="start"),
        lambda pk: move_by_hand(actor, uuid4(), thing_id=pk),
    )


def with_many_versions(move: Move, site_id: int, first: int) -> float:
    """How much longer a move takes with items of 500 versions in turn, than with those of one; runs alternate."""
    versions = [first, *(published() for _ in range(VERSIONS - 1))]
    items = waiting(site_id, versions, ITEMS)
    begun = time.perf_counter()
    timed(move, made_ready(items[:VERSIONS]))
    print(f"{VERSIONS} versions, {ITEMS} items; each version met in {time.perf_counter() - begun:.1f} s")
    many: list[float] = []
    one: list[float] = []
    for number in range(SOME_RUNS):
        start = VERSIONS + number * SOME
        many.append(median(timed(move, made_ready(items[start : start + SOME]))))
        one.append(median(timed(move, made_ready(waiting(site_id, [first], SOME)))))
    return compared("move, items of 500 versions in turn", "ms", many, one, "one version")


if __name__ == "__main__":
    main()
