"""The pages on which an ERP is connected, its people are named, and its changes are decided."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.erp_sync.models import ErpEmployee, ErpLink, Reading, Unread
from apps.orders.models import ChangeState, PendingChange, WorkOrder
from apps.plant.models import Role
from tests.erp_sync.api_world import KG, PIECE, PUMP, ROTOR, make_system
from tests.erp_sync.test_api_orders import BOM, LINE, ORDER, ROUTING, begin
from tests.seeded import seed_plant
from tests.world import World, give_role, ledger, make_person, make_world

pytestmark = pytest.mark.django_db
LINK = {"system": "tryton", "host": "erp.plant", "port": 443, "database": "d", "user": "u", "password_env": "PW"}


@pytest.fixture
def world() -> World:
    seed_plant()
    return make_world()


def at_desk(world: World, role: str) -> Client:
    person = make_person(is_staff=True, site=world.site)
    give_role(person, Role.objects.get(code=role), world.site)
    client = Client()
    client.force_login(person)
    return client


def connect(client: Client, world: World, policy: Any) -> Any:
    form = {**LINK, "site": world.site.pk, "policy": json.dumps(policy)}
    return client.post(reverse("admin:erp_sync_erplink_add"), form, follow=True)


def act(client: Client, model: str, action: str, key: int, **more: str) -> str:
    form = {"action": action, "_selected_action": [key], **more}
    page = client.post(reverse(f"admin:{model}_changelist"), form, follow=True)
    return str(page.content, "utf-8")


class TestAnErp:
    def test_is_connected_by_it_and_its_policy_changed(self, world: World) -> None:
        desk = at_desk(world, "it_administrator")
        connect(desk, world, {"read_seconds": 5})
        link = ErpLink.objects.get()
        assert (link.host, link.policy["read_seconds"], link.active) == ("erp.plant", 5, True)
        page = desk.post(
            reverse("admin:erp_sync_erplink_change", args=[link.pk]),
            {"policy": '{"confirm": "operation"}'},
            follow=True,
        )
        assert page.status_code == 200
        link.refresh_from_db()
        assert (link.policy["confirm"], link.host) == ("operation", "erp.plant")
        assert ledger("erp_sync.erp_policy_set")[0].data["policy"]["confirm"] == "operation"

    def test_with_a_policy_that_can_t_be_read_is_refused_in_words(self, world: World) -> None:
        page = connect(at_desk(world, "it_administrator"), world, {"read_seconds": 0})
        assert "read_seconds: Input should be greater than or equal to 1" in str(page.content, "utf-8")
        assert not ErpLink.objects.exists()

    def test_is_ended_by_it(self, world: World) -> None:
        desk = at_desk(world, "it_administrator")
        connect(desk, world, {})
        act(desk, "erp_sync_erplink", "disconnect", ErpLink.objects.get().pk)
        assert not ErpLink.objects.get().active

    def test_is_connected_by_nobody_else(self, world: World) -> None:
        assert connect(at_desk(world, "planner"), world, {}).status_code == 403
        assert not ErpLink.objects.exists()


class TestWhatIsRead:
    @pytest.fixture
    def link(self, world: World) -> ErpLink:
        connect(at_desk(world, "it_administrator"), world, {})
        return ErpLink.objects.get()

    def test_shows_what_was_not_taken_and_why(self, world: World, link: ErpLink) -> None:
        Unread.objects.create(link=link, kind="order", erp_key="production,7", field="item", sentence="No such item.")
        Reading.objects.create(link=link, kind="stock", problem="No connection.")
        desk = at_desk(world, "erp_clerk")
        shown = str(desk.get(reverse("admin:erp_sync_unread_changelist")).content, "utf-8")
        assert "production,7" in shown
        assert "No such item." in shown
        assert "No connection." in str(desk.get(reverse("admin:erp_sync_reading_changelist")).content, "utf-8")

    def test_names_a_person_of_the_erp_once(self, world: World, link: ErpLink) -> None:
        ana, ben = (ErpEmployee.objects.create(link=link, erp_key=f"e,{n}", name=f"E{n}") for n in (1, 2))
        desk = at_desk(world, "erp_clerk")
        for employee in (ana, ben):
            where = reverse("admin:erp_sync_erpemployee_change", args=[employee.pk])
            page = desk.post(where, {"person": world.olga.pk}, follow=True)
        assert ErpEmployee.objects.get(person=world.olga) == ana
        assert "E1 already" in str(page.content, "utf-8") or "already exists" in str(page.content, "utf-8")


class TestAChangeOfAnOrderThatHasBegun:
    @pytest.fixture
    def change(self, world: World) -> PendingChange:
        everywhere, system = make_system(), make_system(world.site)
        for name, rows in {"units": [PIECE, KG], "items": [PUMP, ROTOR], "boms": [BOM]}.items():
            everywhere.send(name, *rows)
        system.send("work-centers", LINE)
        system.send("routings", ROUTING)
        system.send("work-orders", ORDER)
        begin(world)
        system.send("work-orders", {**ORDER, "quantity": "30"})
        return PendingChange.objects.get()

    def test_is_applied_by_the_planner(self, world: World, change: PendingChange) -> None:
        act(at_desk(world, "planner"), "orders_pendingchange", "apply", change.pk)
        change.refresh_from_db()
        assert (change.state, WorkOrder.objects.get().quantity) == (ChangeState.APPLIED, 30)

    def test_is_refused_with_a_reason(self, world: World, change: PendingChange) -> None:
        desk = at_desk(world, "planner")
        assert "Say why." in act(desk, "orders_pendingchange", "refuse", change.pk)
        act(desk, "orders_pendingchange", "refuse", change.pk, reason="The casting is used up.")
        change.refresh_from_db()
        assert (change.state, WorkOrder.objects.get().quantity) == (ChangeState.REFUSED, 24)

    def test_is_decided_by_nobody_without_the_right(self, world: World, change: PendingChange) -> None:
        act(at_desk(world, "auditor"), "orders_pendingchange", "apply", change.pk)
        change.refresh_from_db()
        assert change.state == ChangeState.OPEN
