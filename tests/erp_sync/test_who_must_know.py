"""What the ERP changed, or does not take, is told to each who must know with what it means to them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.andon.concerns import concerning
from apps.andon.models import FloorException
from apps.andon.queries import open_for
from apps.core import clock
from apps.core.actors import Actor
from apps.erp_sync.models import Posting
from apps.orders.models import JobMaterial, JobOrder, WorkOrder
from apps.plant.commands import roster_duty
from tests.erp_sync.api_world import KG, PIECE, PUMP, ROTOR, System, make_system
from tests.erp_sync.outbox_world import Outbox, deliver_all
from tests.erp_sync.test_api_orders import BOM, LINE, ORDER, ROUTING, begin
from tests.seeded import seed_plant
from tests.world import World, give_role, make_person, make_world, run

pytestmark = pytest.mark.django_db(transaction=True)


def said(kind: str, role: str) -> list[str]:
    exception = FloorException.objects.select_related("site").get(cause_kind=kind)
    return concerning([(exception, role)]).get((exception.pk, role), [])


class TestAChangeOfAnOrderThatHasBegun:
    @pytest.fixture
    def world(self) -> World:
        seed_plant()
        return make_world()

    @pytest.fixture
    def erp(self, world: World) -> System:
        """WO-1 over 24 pumps has begun; its second operation takes a rotor for each."""
        everywhere, system = make_system(), make_system(world.site)
        for name, rows in {"units": [PIECE, KG], "items": [PUMP, ROTOR], "boms": [BOM]}.items():
            everywhere.send(name, *rows)
        system.send("work-centers", LINE)
        system.send("routings", ROUTING)
        system.send("work-orders", {**ORDER, "customer": "Harlow Water"})
        begin(world)
        test = JobOrder.objects.get(sequence=20)
        JobMaterial.objects.create(job_order=test, item=WorkOrder.objects.get().item, per_piece=2)
        return system

    def test_of_its_quantity(self, erp: System) -> None:
        erp.send("work-orders", {**ORDER, "customer": "Harlow Water", "quantity": "30"})
        plan, ways = said("erp_change", "planner")
        assert plan.endswith(": 0 of 24 u are made. The ERP wants 30 u instead of 24.")
        assert ways == "Possible now: Apply the change; Refuse the change."
        (promise,) = said("erp_change", "customer_service")
        assert promise.startswith("Harlow Water, promised ")
        assert promise.endswith(f": 24 u of {PUMP['code']} (WO-1). The ERP wants 30 u instead of 24.")
        (more,) = said("erp_change", "purchasing")
        assert more.startswith(f"12 u of {PUMP['code']} ")
        assert more.endswith(" more would be needed; 0 are there.")

    def test_reaches_who_talks_to_the_customer_out_of_the_box(self, world: World, erp: System) -> None:
        cleo = make_person("cleo", site=world.site)
        give_role(cleo, "customer_service", world.site)
        now = clock.now()
        run(
            roster_duty,
            Actor.system("tests"),
            person_id=cleo.pk,
            role="customer_service",
            place=world.site.place,
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(hours=1),
        )
        erp.send("work-orders", {**ORDER, "customer": "Harlow Water", "quantity": "30"})
        (look,) = open_for(cleo.pk).informed
        (promise,) = open_for(cleo.pk).context[look.exception.pk]
        assert promise.startswith("Harlow Water, promised ")

    def test_that_cancels_it_needs_no_material(self, erp: System) -> None:
        erp.send("work-orders", {**ORDER, "customer": "Harlow Water", "cancelled": True})
        assert said("erp_change", "planner")[0].endswith("The ERP wants it cancelled.")
        assert said("erp_change", "purchasing") == []


@pytest.mark.usefixtures("quick")
def test_a_posting_that_stands_still(outbox: Outbox) -> None:
    outbox.erp.configure(rejects=["1"])
    outbox.work(1)
    deliver_all(until=lambda: Posting.objects.filter(state="parked").exists())
    parked = Posting.objects.select_related("work_order").get(state="parked")
    behind = Posting.objects.unsettled().filter(thread=parked.thread).count() - 1
    (plan,) = said("posting", "planner")
    assert plan.startswith(f"The ERP is behind with {parked.work_order.number} since ")
    assert f"{behind} more postings wait" in plan
    assert said("posting", "purchasing")[0].endswith("Until then its stock there is not what is on the floor.")
    assert said("posting", "customer_service") == [], "it is no order of a customer"
