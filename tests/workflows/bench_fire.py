"""What the engine costs: a move by fire() against the same move written by hand.

    pytest tests/workflows/bench_fire.py -s

Both are commands with commit, receipt, lock, right, role, history row and ledger event; alternating runs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

from apps.core.commands import Context, command
from apps.core.events import Event
from apps.plant.access import has_role
from apps.workflows.exits import exits
from apps.workflows.graph import _compiled, build
from apps.workflows.rows import to_definition
from tests.workflows.testapp.actions import RUN_THING
from tests.workflows.testapp.commands import move_thing
from tests.workflows.testapp.models import PlainThing, Thing
from tests.workflows.workshop import Shop, make_shop
from tests.world import actor_of, run

RUNS, MOVES = 6, 100


class PlainMoved(Event, subject="plain_thing"):
    from_state: str
    to_state: str


@command("testapp.move_by_hand")
def move_by_hand(context: Context, *, thing_id: int) -> str:
    thing = PlainThing.objects.select_for_update().get(pk=thing_id)
    scope = frozenset({f"site:{thing.site_id}", "everywhere"})
    context.allow(RUN_THING, at=scope)
    if not has_role(context.actor, ["operator"], scope) or thing.state != "ready":
        context.refuse("no", "No.")
    thing.state = thing.status = "running"
    thing._change_reason = "start"
    thing.save()
    context.record(PlainMoved(subject_id=thing.pk, site_id=thing.site_id, from_state="ready", to_state="running"))
    context.touch(f"thing:{thing.pk}", "things")
    return thing.state


def times(things: list[int], act: Callable[[int], object]) -> list[float]:
    taken = []
    for pk in things:
        begun = time.perf_counter()
        act(pk)
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


def shown(name: str, taken: list[float]) -> float:
    median = statistics.median(taken)
    p99 = statistics.quantiles(taken, n=100)[98]
    print(f"{name:<44} p50 {median:6.2f} ms   p99 {p99:6.2f} ms")
    return median


def guarded_shop() -> Shop:
    texts = {"en": "No.", "de": "Nein."}
    return make_shop(
        hold={
            "conditions": [{"field": "quantity", "operator": ">=", "value": 0, "sentence": texts}],
            "expression": "tags.exists(t, t == 'thing') && quantity < 100.0",
            "expression_sentence": texts,
        }
    )


@pytest.mark.django_db(transaction=True)
def test_figures() -> None:
    shop = guarded_shop()
    engine: list[float] = []
    guarded: list[float] = []
    by_hand: list[float] = []
    for _ in range(RUNS):
        things = [shop.thing().pk for _ in range(MOVES)]
        plain = [PlainThing.objects.create(site_id=shop.site_id).pk for _ in range(MOVES)]
        by_hand += times(plain, lambda pk: run(move_by_hand, shop.olga, thing_id=pk))
        engine += times(things, lambda pk: run(move_thing, shop.olga, thing_id=pk, edge="start"))
        guarded += times(things, lambda pk: run(move_thing, shop.olga, thing_id=pk, edge="hold"))
    print()
    base = shown("by hand", by_hand)
    print(f"{'ratio':<44} {shown('fire()', engine) / base:.2f}")
    shown("fire() with a condition and an expression", guarded)
    version = shop.version
    shown("compile a version of 13 ways", times([0] * 100, lambda _: build(version, to_definition(version))))
    thing = Thing.objects.select_related("workflow_version").get(pk=shop.thing("running").pk)
    shown("exits() of one item", times([0] * 200, lambda _: exits(thing, actor_of(shop.olga))))
    assert _compiled.cache_info().hits
