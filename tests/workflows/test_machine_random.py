"""Random workflows, published if they pass the check; two at once who drive things through them as they like."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from apps.core import ledger
from apps.core.commands import Context
from apps.core.prepared import Given, Prepared
from apps.workflows import engine, judgement, signing
from apps.workflows.events import ItemMovedToVersion
from apps.workflows.life import publishing
from apps.workflows.models import Policy, WorkflowItem
from apps.workflows.signatures import Signed
from tests.tables import as_owner, empty
from tests.workflows.machine.floor import Act, Floor, Hands, Manner
from tests.workflows.machine.graphs import Drawn, graphs, sound_graphs
from tests.workflows.machine.truth import Broken, insist
from tests.workflows.testapp.models import Thing
from tests.world import ledger as events_of

LONG = bool(os.environ.get("LONG"))
RUNS, STEPS = (50, 20) if LONG else (8, 6)

MANNERS = [*[Manner.LIKELY] * 10, Manner.ANYBODY, *Manner]
small = st.integers(0, 11)
acts = st.builds(
    Act,
    manner=st.sampled_from(MANNERS),
    item=small,
    way=small,
    who=small,
    value=small,
    is_repeated=st.sampled_from([False, False, False, True]),
)
pairs = st.lists(st.tuples(acts, acts), min_size=3, max_size=7)
policies = st.sampled_from([Policy.PIN, Policy.SAFE, Policy.SAFE])
# What new things are called, when others have come to their end.
new = st.lists(st.sampled_from(["thing", "thing", "blue thing", "blue thing", "locked"]), min_size=2, max_size=3)
# A workflow that comes along now and then.
news = st.one_of(st.none(), st.tuples(graphs, policies))
stopped = st.one_of(st.none(), st.none(), small)

News = tuple[Drawn, Policy] | None


class Machine(RuleBasedStateMachine):
    """An empty plant for each run; what is drawn never depends on who was faster.

    is_mutant  what is found is not shown a second time: that costs time, and a race need not come out the same
    """

    is_mutant: bool
    hands: Hands
    seen: Counter[str]
    broken: dict[str, str]

    def __init__(self) -> None:
        super().__init__()
        if self.is_mutant and self.broken:
            raise Broken(list(self.broken.items()))
        self.floor = Floor(self.hands)

    @initialize(drawn=sound_graphs(), policy=policies)
    def begin(self, drawn: Drawn, policy: Policy) -> None:
        self.prepare((drawn, policy), [])

    @rule(news=news, names=new, pairs=pairs, stopped=stopped, in_step=st.booleans())
    def act(
        self, news: News, names: list[str], pairs: list[tuple[Act, Act]], stopped: int | None, in_step: bool
    ) -> None:
        """With one step stopped now and then."""
        self.prepare(news, names)
        if stopped is not None:
            self.floor.stop(stopped)
        self._act([one for one, _ in pairs], [other for _, other in pairs], in_step=in_step)
        self.floor.resume()

    @rule(news=news, names=new, pairs=pairs, item=small)
    def act_on_the_same(self, news: News, names: list[str], pairs: list[tuple[Act, Act]], item: int) -> None:
        self.prepare(news, names)
        on_it = [[replace(act, item=item) for act in acts] for acts in zip(*pairs, strict=True)]
        self._act(*on_it, in_step=True)

    @rule(news=news, names=new, acts=st.lists(acts, min_size=3, max_size=6))
    def do_the_same(self, news: News, names: list[str], acts: list[Act]) -> None:
        self.prepare(news, names)
        self._act(acts, acts, in_step=True)

    def prepare(self, news: News, names: list[str]) -> None:
        if news is not None:
            version = self.floor.publish(*news)
            self.seen["published" if version else "not published"] += 1
        self.floor.replenish(names)

    def _act(self, one: list[Act], other: list[Act], *, in_step: bool) -> None:
        for done in self.floor.act(one, other, in_step=in_step):
            self.seen["taken"] += done.is_taken
            self.seen["signed and taken"] += done.is_taken and isinstance(done.answer, Signed)
            self.seen["overtaken"] += done.is_overtaken
            if done.refusal:
                self.seen.update(["refused", done.refusal.code])
        self.insist()

    def insist(self) -> None:
        try:
            insist(self.floor)
        except Broken as broken:
            self.broken.update(broken.findings)
            raise

    def teardown(self) -> None:
        self.seen["moved to another version"] += len(events_of(ItemMovedToVersion.kind))
        empty()


@pytest.fixture
def machine(transactional_db: None) -> Iterator[type[Machine]]:
    Machine.hands, Machine.seen, Machine.broken, Machine.is_mutant = Hands(), Counter(), {}, False
    yield Machine
    Machine.hands.close()


def drive(machine: type[Machine], *, runs: int = RUNS, steps: int = STEPS) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            phases=[Phase.generate],
            max_examples=runs,
            stateful_step_count=steps,
            derandomize=not LONG,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def caught(machine: type[Machine]) -> set[str]:
    """What the machine finds broken, where it has to find something."""
    machine.is_mutant = True
    with pytest.raises((Broken, Flaky)):
        drive(machine, runs=5 * RUNS)
    return set(machine.broken)


# ---- as it is


def test_whatever_two_people_do_at_once(machine: type[Machine]) -> None:
    drive(machine)
    seen = machine.seen
    assert min(seen["published"], seen["not published"]) >= RUNS // 2
    assert min(seen["taken"], seen["refused"]) >= 5 * RUNS
    assert min(seen["signed and taken"], seen["overtaken"], seen["trigger"]) >= RUNS
    assert seen.keys() >= {"not_allowed", "wrong_role", "guard", "unknown_edge"}
    assert seen["moved to another version"] or not LONG


def test_with_time_to_race(machine: type[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pause that lets two of them through where nothing is locked (below)."""
    dawdle(monkeypatch)
    drive(machine, runs=RUNS // 4)
    assert machine.seen["overtaken"]


# ---- what it finds when something is taken away


def nothing_to_say(*_: Any, **__: Any) -> None:
    return None


CHECKS = {
    "role": (judgement, "wrong_role", nothing_to_say),
    "guard": (judgement, "guarded", nothing_to_say),
    "published": (publishing, "check", lambda *_: []),
}
MORE_CHECKS = {
    "at most": (signing, "too_often", nothing_to_say),
    "right": (Context, "allow", lambda self, *_, **__: self.allow_anyone()),
    "skill": (judgement, "unqualified", nothing_to_say),
    "inputs": (engine, "validated", lambda specs, given, **__: {one.name: given.get(one.name) for one in specs}),
    "signed": (signing, "too_few", nothing_to_say),
    "stopped": (judgement, "stopped", nothing_to_say),
    "invariant": (judgement, "forbidden", nothing_to_say),
    "ledger": (ledger, "append_refusal", nothing_to_say),
}


@pytest.mark.parametrize("name", [*CHECKS, *(MORE_CHECKS if LONG else ())])
def test_without_a_check(machine: type[Machine], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(*(CHECKS | MORE_CHECKS)[name])
    assert name in caught(machine)


def dawdle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at an item and the move some time goes by."""
    at_once = engine._locked

    def slowly(*about: Any) -> Any:
        item = at_once(*about)
        time.sleep(0.01)
        return item

    monkeypatch.setattr(engine, "_locked", slowly)


def test_without_the_lock(machine: type[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(item_class: type[WorkflowItem], reads: tuple[str, ...]) -> Prepared[Any]:
        rows = item_class._base_manager.select_related("workflow_version", *reads)
        return Prepared(lambda: rows.filter(pk=Given("pk")))

    monkeypatch.setattr(engine, "_rows", unlocked)
    dawdle(monkeypatch)
    assert caught(machine) & {"answer", "at most", "chain", "lost write"}


def test_without_the_trigger(machine: type[Machine]) -> None:
    """Who writes past the engine, as in every run, is no longer refused."""
    with without_the_trigger():
        assert caught(machine) & {"row", "chain"}


@contextmanager
def without_the_trigger() -> Iterator[None]:
    table = connection.ops.quote_name(Thing._meta.db_table)
    [move] = [trigger for trigger in Thing._meta.triggers if trigger.name == "workflow_move"]
    name = connection.ops.quote_name(move.get_pgid(Thing))
    with as_owner() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    try:
        yield
    finally:
        with as_owner() as cursor:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")
