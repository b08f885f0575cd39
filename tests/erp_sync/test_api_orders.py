"""Lines, routings and orders from the ERP: taken at once before anything begins, decided by a person afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.core.errors import CommandRefused
from apps.orders.commands import apply_change, refuse_change, take_edge
from apps.orders.models import JobMaterial, JobOrder, PendingChange, Routing, RoutingStep, WorkOrder
from apps.plant.models import WorkCenter, WorkUnit
from tests.erp_sync.api_world import DUE, KG, PIECE, PUMP, ROTOR, System, make_system, outcomes, rejected
from tests.seeded import seed_plant
from tests.world import World, ledger, make_holder, make_world, run

pytestmark = pytest.mark.django_db
LINE = {"key": "wc,3", "code": "L3", "name": "Line 3", "units": [{"key": "wu,33", "code": "A33", "name": "Station"}]}
STEP = {"sequence": 10, "name": "Assemble", "work_center": "wc,3", "work_unit": "wu,33"}
ROUTING = {
    "key": "r,1",
    "item": "p,1",
    "code": "R1",
    "steps": [STEP, {**STEP, "sequence": 20, "name": "Test", "work_unit": ""}],
}
BOM = {
    "key": "b,1",
    "item": "p,1",
    "code": "B1",
    "quantity": "2",
    "lines": [{"item": "p,2", "quantity": "6", "unit": "unit,1", "position": 1, "operation_sequence": 20}],
}
B34 = {"key": "wu,34", "code": "B34", "name": "Second station"}
ORDER = {"key": "wo,1", "number": "WO-1", "item": "p,1", "quantity": "24", "due_at": DUE}


@pytest.fixture
def world() -> World:
    seed_plant()
    return make_world()


@pytest.fixture
def erp(world: World) -> System:
    everywhere = make_system()
    for name, rows in {"units": [PIECE, KG], "items": [PUMP, ROTOR], "boms": [BOM]}.items():
        assert everywhere.send(name, *rows).status_code == 200
    system = make_system(world.site)
    assert system.send("work-centers", LINE).status_code == 200
    answer = system.send("routings", ROUTING)
    assert answer.status_code == 200, answer.content
    return system


def order() -> WorkOrder:
    return WorkOrder.objects.get()


def first() -> JobOrder:
    return JobOrder.objects.order_by("sequence")[0]


def begin(world: World) -> None:
    from_stock = JobMaterial.objects.all()
    from_stock.delete()
    run(take_edge, world.olga, job_order_id=first().pk, edge="start", inputs={})


def changes() -> list[tuple[str, str, str, str]]:
    return list(PendingChange.objects.order_by("pk").values_list("field", "old", "new", "state"))


class TestAWorkCenter:
    def test_is_mapped_to_the_line_that_is_here(self, world: World) -> None:
        system = make_system(world.site)
        assert outcomes(system.send("work-centers", LINE)) == ["updated"]
        assert outcomes(system.send("work-centers", LINE)) == ["unchanged"]
        line = WorkCenter.objects.get(erp_key="wc,3")
        assert (line.pk, line.name, line.area_id) == (world.line.pk, "Line 3", world.area.pk)
        assert WorkUnit.objects.get(erp_key="wu,33").pk == world.station.pk

    def test_that_is_new_comes_to_lie_in_the_first_area(self, world: World) -> None:
        system = make_system(world.site)
        answer = system.send("work-centers", {"key": "wc,4", "code": "L4", "name": "Line 4"})
        assert outcomes(answer) == ["created"]
        assert WorkCenter.objects.get(code="L4").area_id == world.area.pk
        assert ledger("erp_sync.work_centers_taken")

    def test_is_rejected_with_its_field(self, world: World) -> None:
        system = make_system(world.site)
        new = {"key": "wc,4", "code": "L4", "name": "Line 4"}
        assert rejected(system.send("work-centers", {**new, "area": "ZZ"})) == [(0, "area")]
        assert rejected(system.send("work-centers", {**new, "code": "L 4"})) == [(0, "code")]
        assert rejected(system.send("work-centers", {**new, "units": LINE["units"]}, LINE)) == [(0, "units")]
        assert not WorkCenter.objects.filter(code="L4").exists()


class TestARouting:
    def test_is_the_erp_s_and_its_times_are_ours(self, erp: System) -> None:
        step = RoutingStep.objects.get(sequence=10)
        RoutingStep.objects.filter(pk=step.pk).update(run_minutes_per_piece=Decimal(3))
        sent = {**ROUTING, "steps": [{**STEP, "name": "Build", "run_minutes_per_piece": "9"}]}
        assert outcomes(erp.send("routings", sent)) == ["updated"]
        step.refresh_from_db()
        assert (step.name, step.run_minutes_per_piece) == ("Build", Decimal(3))
        assert RoutingStep.objects.count() == 1

    def test_sent_twice_changes_nothing(self, erp: System) -> None:
        assert outcomes(erp.send("routings", ROUTING)) == ["unchanged"]
        assert Routing.history.count() == 1

    def test_is_rejected_for_a_line_of_another_site(self, erp: System, world: World) -> None:
        make_system(world.other_site).send("work-centers", {"key": "wc,9", "code": "L9", "name": "Line 9"})
        sent = {**ROUTING, "key": "r,2", "code": "R2", "steps": [{**STEP, "work_center": "wc,9", "work_unit": ""}]}
        assert rejected(erp.send("routings", sent)) == [(0, "steps")]
        assert rejected(erp.send("routings", {**ROUTING, "steps": []})) == [(0, "steps")]
        assert rejected(erp.send("routings", {**ROUTING, "steps": [STEP, STEP]})) == [(0, "steps")]


class TestANewOrder:
    def test_gets_the_operations_of_the_routing_and_the_parts_of_the_list(self, erp: System, world: World) -> None:
        assert outcomes(erp.send("work-orders", ORDER)) == ["created"]
        jobs = list(JobOrder.objects.order_by("sequence").values_list("sequence", "name", "work_unit", "quantity"))
        assert jobs == [(10, "Assemble", world.station.pk, 24), (20, "Test", None, 24)]
        need = JobMaterial.objects.select_related("job_order", "item").get()
        assert (need.job_order.sequence, need.item.code, need.per_piece) == (20, "ROTOR", 3)
        assert (order().erp_key, order().item_code, order().unit) == ("wo,1", "PUMP", "u")
        assert [event.agent for event in ledger("orders.work_order_released")] == [f"erp:{erp.token.name}"]

    def test_sent_twice_changes_nothing(self, erp: System) -> None:
        erp.send("work-orders", ORDER)
        count = len(ledger("orders.work_order_changed"))
        assert outcomes(erp.send("work-orders", ORDER)) == ["unchanged"]
        assert len(ledger("orders.work_order_changed")) == count
        assert WorkOrder.history.count() == 1

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"item": "p,9"}, "item"),
            ({"item": "p,2"}, "routing"),
            ({"quantity": "-1"}, "quantity"),
            ({"quantity": "0"}, "quantity"),
            ({"unit": "unit,2"}, "unit"),
            ({"routing": "r,9"}, "routing"),
            ({"bom": "b,9"}, "bom"),
            ({"priority": 10}, "priority"),
            ({"number": "WO-1", "key": "wo,2"}, "number"),
        ],
    )
    def test_is_rejected_with_its_field(self, erp: System, change: dict[str, Any], field: str) -> None:
        if "number" in change:
            erp.send("work-orders", ORDER)
        before = WorkOrder.objects.count()
        assert rejected(erp.send("work-orders", {**ORDER, **change})) == [(0, field)]
        assert WorkOrder.objects.count() == before

    def test_is_not_made_when_another_of_the_delivery_is_rejected(self, erp: System) -> None:
        wrong = {**ORDER, "key": "wo,2", "number": "WO-2", "item": "p,9"}
        assert outcomes(erp.send("work-orders", ORDER, wrong)) == ["created", "rejected"]
        assert not WorkOrder.objects.exists()
        assert not ledger("orders.work_order_released")
        assert outcomes(erp.send("work-orders", ORDER, wrong, query="?mode=each")) == ["created", "rejected"]
        assert order().number == "WO-1"

    def test_is_written_by_nobody_else(self, erp: System) -> None:
        erp.send("work-orders", ORDER)
        with pytest.raises(Exception, match="ERP authority"):
            WorkOrder.objects.update(quantity=1)

    def test_of_another_site_is_not_touched(self, erp: System, world: World) -> None:
        erp.send("work-orders", ORDER)
        other = make_system(world.other_site)
        assert rejected(other.send("work-orders", {**ORDER, "quantity": "1"})) == [(0, "key")]
        assert rejected(other.send("commit-dates", {"key": "wo,1", "due_at": DUE})) == [(0, "key")]
        assert other.get("work-orders/").json()["results"] == []
        assert other.get("work-orders/wo,1/").status_code == 404
        assert order().quantity == 24


class TestBeforeItBegins:
    def test_every_change_is_taken(self, erp: System) -> None:
        erp.send("work-orders", ORDER)
        erp.send("routings", {**ROUTING, "key": "r,2", "code": "R2", "steps": [{**STEP, "sequence": 15}]})
        sent = {**ORDER, "quantity": "30", "priority": 1, "customer": "ACME", "routing": "r,2"}
        assert outcomes(erp.send("work-orders", sent)) == ["updated"]
        assert (order().quantity, order().priority, order().customer) == (30, 1, "ACME")
        assert list(JobOrder.objects.values_list("sequence", "quantity")) == [(15, 30)]
        assert changes() == []
        assert outcomes(erp.send("work-orders", sent)) == ["unchanged"]

    def test_it_is_cancelled_at_once(self, erp: System) -> None:
        erp.send("work-orders", ORDER)
        assert outcomes(erp.send("work-orders", {**ORDER, "cancelled": True})) == ["updated"]
        assert set(JobOrder.objects.values_list("status", flat=True)) == {"cancelled"}
        assert outcomes(erp.send("work-orders", {**ORDER, "cancelled": True})) == ["unchanged"]
        assert rejected(erp.send("work-orders", ORDER)) == [(0, "cancelled")]

    def test_an_older_version_is_stale(self, erp: System) -> None:
        erp.send("work-orders", {**ORDER, "version_at": "2026-11-22T12:00:00Z"})
        older = {**ORDER, "quantity": "1", "version_at": "2026-11-22T11:00:00Z"}
        assert outcomes(erp.send("work-orders", older)) == ["stale"]
        assert order().quantity == 24


class TestAfterItHasBegun:
    @pytest.fixture(autouse=True)
    def _begun(self, erp: System, world: World) -> None:
        erp.send("work-orders", ORDER)
        begin(world)

    def test_due_date_and_priority_count_at_once(self, erp: System) -> None:
        sent = {**ORDER, "due_at": "2031-01-01T00:00:00Z", "priority": 2}
        assert outcomes(erp.send("work-orders", sent)) == ["updated"]
        assert (order().due_at, order().priority) == (datetime(2031, 1, 1, tzinfo=UTC), 2)
        assert outcomes(erp.send("commit-dates", {"key": "wo,1", "due_at": DUE})) == ["updated"]
        assert outcomes(erp.send("commit-dates", {"key": "wo,1", "due_at": DUE})) == ["unchanged"]
        assert order().due_at == datetime(2030, 1, 7, 14, tzinfo=UTC)
        assert changes() == []

    def test_a_quantity_waits_for_a_planner(self, erp: System, world: World) -> None:
        sent = {**ORDER, "quantity": "30"}
        assert outcomes(erp.send("work-orders", sent)) == ["updated"]
        assert outcomes(erp.send("work-orders", sent)) == ["unchanged"]
        assert (order().quantity, changes()) == (24, [("quantity", "24", "30", "open")])
        assert erp.get("work-orders/wo,1/").json()["to_be_decided"] == ["quantity"]
        pending = PendingChange.objects.get()
        with pytest.raises(CommandRefused, match="may not"):
            run(apply_change, world.olga, change_id=pending.pk)
        planner = make_holder("orders.decide_change", place=world.site)
        run(apply_change, planner, change_id=pending.pk)
        assert (order().quantity, first().quantity) == (30, 30)
        pending.refresh_from_db()
        assert (pending.state, pending.decided_by_id) == ("applied", planner.pk)
        with pytest.raises(CommandRefused, match="already"):
            run(apply_change, planner, change_id=pending.pk)
        assert outcomes(erp.send("work-orders", sent)) == ["unchanged"]

    def test_what_was_refused_is_not_asked_again(self, erp: System, world: World) -> None:
        erp.send("work-orders", {**ORDER, "quantity": "30"})
        planner = make_holder("orders.decide_change", place=world.site)
        pending = PendingChange.objects.get()
        with pytest.raises(CommandRefused, match="Say why"):
            run(refuse_change, planner, change_id=pending.pk, reason=" ")
        run(refuse_change, planner, change_id=pending.pk, reason="No capacity")
        assert outcomes(erp.send("work-orders", {**ORDER, "quantity": "30"})) == ["unchanged"]
        assert outcomes(erp.send("work-orders", {**ORDER, "quantity": "31"})) == ["updated"]
        assert [row[3] for row in changes()] == ["refused", "open"]
        assert "No capacity" not in str([event.data for event in ledger("orders.change_decided")])

    def test_what_the_erp_takes_back_is_not_asked_any_more(self, erp: System) -> None:
        erp.send("work-orders", {**ORDER, "quantity": "30"})
        assert outcomes(erp.send("work-orders", ORDER)) == ["updated"]
        assert changes() == [("quantity", "24", "30", "refused")]

    def test_a_cancellation_is_applied_once_nothing_runs(self, erp: System, world: World) -> None:
        erp.send("work-orders", {**ORDER, "cancelled": True})
        assert changes() == [("cancelled", "false", "true", "open")]
        planner = make_holder("orders.decide_change", place=world.site)
        with pytest.raises(CommandRefused, match="at work"):
            run(apply_change, planner, change_id=PendingChange.objects.get().pk)
        assert set(JobOrder.objects.values_list("status", flat=True)) == {"running", "waiting"}

    def test_a_routing_replaces_what_has_not_begun(self, erp: System, world: World) -> None:
        steps = [STEP, {**STEP, "sequence": 25, "name": "Inspect"}]
        erp.send("routings", {**ROUTING, "key": "r,2", "code": "R2", "steps": steps})
        erp.send("work-orders", {**ORDER, "routing": "r,2"})
        assert [row[0] for row in changes()] == ["routing"]
        planner = make_holder("orders.decide_change", place=world.site)
        run(apply_change, planner, change_id=PendingChange.objects.get().pk)
        names = JobOrder.objects.order_by("sequence").values_list("sequence", "name", "status")
        assert list(names) == [(10, "Assemble", "running"), (25, "Inspect", "waiting")]

    def test_of_another_site_is_not_decided_here(self, erp: System, world: World) -> None:
        erp.send("work-orders", {**ORDER, "quantity": "30"})
        stranger = make_holder("orders.decide_change", place=world.other_site)
        with pytest.raises(CommandRefused, match="may not"):
            run(apply_change, stranger, change_id=PendingChange.objects.get().pk)


class TestTheOrderSOwnOperations:
    """The ERP knows each operation of an order by a key of its own, and at which station it is to run."""

    OWN = ({"sequence": 10, "key": "op,1"}, {"sequence": 20, "key": "op,2", "work_unit": "wu,33"})

    def test_are_ours_by_their_place_in_the_routing(self, erp: System) -> None:
        assert outcomes(erp.send("work-orders", {**ORDER, "operations": self.OWN})) == ["created"]
        assert [job.erp_key for job in JobOrder.objects.order_by("sequence")] == ["op,1", "op,2"]
        assert [job.work_unit.code for job in JobOrder.objects.order_by("sequence")] == ["A33", "A33"]
        assert outcomes(erp.send("work-orders", {**ORDER, "operations": self.OWN})) == ["unchanged"]

    def test_come_later_too_and_what_has_begun_stays_at_its_station(self, erp: System, world: World) -> None:
        assert outcomes(erp.send("work-centers", {**LINE, "units": [*LINE["units"], B34]})) == ["updated"]
        erp.send("work-orders", ORDER)
        begin(world)
        own = [{"sequence": 10, "key": "op,1", "work_unit": "wu,34"}, {"sequence": 20, "key": "op,2"}]
        assert outcomes(erp.send("work-orders", {**ORDER, "operations": own})) == ["updated"]
        assert (first().erp_key, first().work_unit.code) == ("op,1", "A33")

    def test_of_an_unknown_station_are_rejected_and_nothing_is_made(self, erp: System) -> None:
        answer = erp.send("work-orders", {**ORDER, "operations": [{"sequence": 10, "key": "op,1", "work_unit": "?"}]})
        assert rejected(answer) == [(0, "operations")]
        assert not WorkOrder.objects.exists()

    def test_end_on_the_place_that_the_erp_names(self, erp: System) -> None:
        erp.send("locations", {"key": "loc,1", "code": "STO", "name": "Storage", "kind": "storage"})
        assert outcomes(erp.send("work-orders", {**ORDER, "receipt_location": "loc,1"})) == ["created"]
        assert order().receipt_location.code == "STO"
        assert rejected(erp.send("work-orders", {**ORDER, "receipt_location": "loc,9"})) == [(0, "receipt_location")]
