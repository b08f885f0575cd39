"""Many orders in one delivery: each is judged as if it came alone after those before it, and costs less."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.actors import Actor
from apps.orders.commands import take_edge
from apps.orders.models import Blocker, JobMaterial, JobOrder, OrderPlan, WorkOrder
from apps.workflows.commands import stop_edge
from apps.workflows.models import Workflow
from tests.erp_sync.api_world import PIECE, PUMP, ROTOR, System, make_system, outcomes, rejected
from tests.erp_sync.test_api_orders import BOM, LINE, ORDER, ROUTING
from tests.world import World, ledger, make_world, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    call_command("seed", verbosity=0, stdout=io.StringIO())
    return make_world()


@pytest.fixture
def erp(world: World) -> System:
    """A pump's first operation can begin at once; a rotor's waits for a part that is not there."""
    everywhere = make_system()
    of_rotor = {**BOM, "key": "b,2", "item": "p,2", "code": "B2"}
    of_rotor["lines"] = [{"item": "p,3", "quantity": "1", "unit": "unit,1", "position": 1, "operation_sequence": 10}]
    items = [PUMP, ROTOR, {**PUMP, "key": "p,3", "code": "SHAFT", "name": "Shaft"}]
    for name, rows in {"units": [PIECE], "items": items, "boms": [BOM, of_rotor]}.items():
        assert everywhere.send(name, *rows).status_code == 200
    system = make_system(world.site)
    assert system.send("work-centers", LINE).status_code == 200
    assert system.send("routings", ROUTING, {**ROUTING, "key": "r,2", "item": "p,2", "code": "R2"}).status_code == 200
    return system


def an_order(n: int, **other: Any) -> dict[str, Any]:
    return {**ORDER, "key": f"wo,{n}", "number": f"WO-{n}", **other}


def send(erp: System, *rows: dict[str, Any]) -> Any:
    return erp.send("work-orders", *rows, query="?mode=each")


def test_new_changed_and_unchanged_orders_come_side_by_side(erp: System) -> None:
    send(erp, an_order(1), an_order(2))
    rows = [an_order(3), an_order(1, quantity="30"), an_order(2), an_order(4), an_order(3), an_order(5, item="p,9")]
    answer = send(erp, *rows)
    assert outcomes(answer) == ["created", "updated", "unchanged", "created", "rejected", "rejected"]
    assert rejected(answer) == [(4, "key"), (5, "item")]
    numbers = WorkOrder.objects.order_by("number").values_list("number", "quantity")
    assert list(numbers) == [("WO-1", 30), ("WO-2", 24), ("WO-3", 24), ("WO-4", 24)]
    assert len(ledger("orders.work_order_released")) == 4


def test_a_number_that_the_order_before_gives_up_is_free(erp: System) -> None:
    send(erp, an_order(1))
    heir = {**an_order(2), "number": "WO-1"}
    assert rejected(send(erp, heir, an_order(1, number="WO-9"))) == [(0, "number")]
    assert outcomes(send(erp, an_order(1, number="WO-10"), heir)) == ["updated", "created"]


def test_a_number_that_the_order_before_has_taken_is_not(erp: System) -> None:
    assert rejected(send(erp, an_order(1), {**an_order(2), "number": "WO-1"})) == [(1, "number")]
    assert rejected(send(erp, an_order(1, number="WO-3"), an_order(3))) == [(1, "number")]


def test_one_that_cannot_be_released_keeps_no_other_back(erp: System) -> None:
    """The pump's first operation would become ready, and that step has been stopped; the rotor's waits anyway."""
    workflow = Workflow.objects.get(code="job_order")
    run(stop_edge, Actor.system("tests"), workflow_id=workflow.pk, edge="make_ready", reason="Inventory.")
    answer = send(erp, an_order(1, item="p,2"), an_order(2), an_order(3, item="p,2"))
    assert outcomes(answer) == ["created", "rejected", "created"]
    assert rejected(answer) == [(1, "edge_stopped")]
    assert set(WorkOrder.objects.values_list("number", flat=True)) == {"WO-1", "WO-3"}
    assert JobOrder.objects.count() == 4


def test_what_is_new_is_ready_or_says_what_it_waits_for(erp: System) -> None:
    send(erp, an_order(1), an_order(2, item="p,2"))
    states = JobOrder.objects.order_by("work_order__number", "sequence").values_list("sequence", "status")
    assert list(states) == [(10, "ready"), (20, "waiting"), (10, "waiting"), (20, "waiting")]
    blockers = Blocker.objects.order_by("job_order__work_order__number", "job_order__sequence", "kind")
    found = [(each.job_order.work_order.number, each.job_order.sequence, each.kind) for each in blockers]
    assert found == [
        ("WO-1", 20, "material"),
        ("WO-1", 20, "predecessor"),
        ("WO-2", 10, "material"),
        ("WO-2", 20, "predecessor"),
    ]
    opened = {(event.data["blocker_id"], event.thread) for event in ledger("orders.blocker_opened")}
    assert opened == {(each.pk, each.job_order.work_order.thread) for each in blockers}


@pytest.mark.parametrize("model", [WorkOrder, OrderPlan, JobOrder, JobMaterial])
def test_each_new_row_has_its_history(erp: System, model: Any) -> None:
    send(erp, an_order(1, item="p,2"), an_order(2, item="p,2"))
    rows = list(model.objects.order_by("pk"))
    assert rows
    births = list(model.history.filter(history_type="+").order_by("id"))
    names = [field.attname for field in model._meta.concrete_fields]
    assert [[getattr(birth, name) for name in names] for birth in births] == [
        [getattr(row, name) for name in names] for row in rows
    ]
    assert {birth.history_user_id for birth in births} == {None}


def test_an_order_on_the_floor_is_seen_as_unchanged_without_its_lock(erp: System, world: World) -> None:
    send(erp, an_order(1))
    run(take_edge, world.olga, job_order_id=JobOrder.objects.order_by("sequence")[0].pk, edge="start", inputs={})
    with CaptureQueriesContext(connection) as seen:
        assert outcomes(send(erp, an_order(1))) == ["unchanged"]
    assert not [query["sql"] for query in seen if "FOR UPDATE" in query["sql"] and "orders_" in query["sql"]]


@pytest.mark.parametrize("outcome", ["created", "unchanged"])
def test_more_orders_take_no_more_queries(erp: System, outcome: str, settings: Any) -> None:
    """Those that wait; each one that becomes ready is a move of its own."""
    settings.CLOCK = "real"  # the shared clock is read from the database now and then

    def queries(first: int, count: int) -> int:
        rows = [an_order(number, item="p,2") for number in range(first, first + count)]
        if outcome == "unchanged":
            send(erp, *rows)
        with CaptureQueriesContext(connection) as seen:
            assert set(outcomes(send(erp, *rows))) == {outcome}
        return len(seen)

    queries(10, 1)  # what is read once per process
    assert queries(20, 12) == queries(40, 2)
