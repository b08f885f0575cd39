"""Promise 6: a held lot, a missing skill and an unfinished step are refused before the act, on every surface.

The surfaces are what the product offers: the commands, the station's screens with forged entries, the API, the admin,
and the database as the web's own role. Each attempt that a person makes stands in the ledger.
"""

from __future__ import annotations

from decimal import Decimal
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from apps.core.errors import CommandRefused
from apps.core.ledger import ATTEMPT_REFUSED
from apps.core.models import LedgerEvent
from apps.erp_sync.api.resources import ALL
from apps.materials.commands import hold_lot, issue
from apps.materials.models import Lot, Movement
from apps.orders.commands import confirm_quantity, record_step, take_edge
from apps.orders.models import Confirmation, JobOrder, StepRecord
from apps.workflows import commands as workflows
from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from tests.erp_sync.api_world import make_system
from tests.materials.stock_world import as_erp, make_item, make_location, make_lot, put_stock
from tests.orders.shop import SYSTEM, Shop, make_job, make_shop
from tests.orders.steps_shop import BOLT, gap, make_steps_shop, publish, spec
from tests.test_access import at_desk
from tests.world import give_skill, make_holder, make_terminal, run, terminal_cookie

pytestmark = pytest.mark.django_db
STATION = "/station/S1/A33"


def at_station(shop: Shop) -> Client:
    """Olga at the terminal of A33."""
    client = Client()
    client.force_login(shop.world.olga)
    terminal = make_terminal(shop.world.site, station=shop.world.station)
    client.cookies.update(SimpleCookie(terminal_cookie(terminal)))
    return client


def refused_acts() -> list[str]:
    return list(LedgerEvent.objects.filter(kind=ATTEMPT_REFUSED).order_by("id").values_list("data__code", flat=True))


def send(client: Client, act: str, job: JobOrder, **form: str) -> int:
    return client.post(f"{STATION}/{act}/", {"job": job.pk, "origin": "chosen", **form}).status_code


class TestAnUnfinishedStep:
    @pytest.fixture
    def shop(self) -> Shop:
        return make_steps_shop(gap(), BOLT, quantity=2)

    def test_lets_no_piece_be_good_by_command_or_by_a_forged_entry(self, shop: Shop) -> None:
        client = at_station(shop)
        with pytest.raises(CommandRefused):
            run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(1), scrap=Decimal(0))
        assert send(client, "confirm", shop.job, good="1", scrap="") == 409
        assert send(client, "record-step", shop.job, step=str(second_step(shop)), piece="1") == 409
        assert not Confirmation.objects.exists()
        assert not StepRecord.objects.exists()
        assert len(refused_acts()) == 3

    def test_lets_the_operation_not_be_completed(self, shop: Shop) -> None:
        assert send(at_station(shop), "take-edge", shop.job, edge="complete") == 409
        with pytest.raises(CommandRefused):
            run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="complete", inputs={})
        assert shop.reload().status == "running"

    def test_is_not_passed_by_the_database_the_admin_or_the_api(self, shop: Shop) -> None:
        for values in ({"status": "completed"}, {"state": "completed", "status": "completed"}):
            with pytest.raises(DatabaseError), transaction.atomic():
                JobOrder.objects.filter(pk=shop.job.pk).update(**values)
        manager = make_holder("orders.view", "orders.manage", "orders.edit_standard_work", is_staff=True)
        pages = at_desk(manager).get("/admin/").content.decode()
        assert "/admin/orders/joborder/" not in pages
        assert "/admin/orders/confirmation/" not in pages
        assert confirm_quantity not in {resource.command for resource in ALL}
        assert record_step not in {resource.command for resource in ALL}


class TestAMissingSkill:
    @pytest.fixture
    def shop(self) -> Shop:
        """Who starts an operation here must weld; Olga can't."""
        shop = make_shop()
        demand("start", "welding")
        job = make_job(shop.world.line, shop.world.station, number="WO-W")
        return Shop(shop.world, job)

    def test_keeps_the_operation_from_starting_by_command_or_by_a_forged_entry(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="welding"):
            run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
        assert send(at_station(shop), "take-edge", shop.job, edge="start") == 409
        assert send(at_station(shop), "take-edge", shop.job, edge="start", skills="welding") == 409
        assert refused_acts() == ["not_qualified"] * 3
        assert shop.reload().status == "ready"

    def test_is_missing_again_when_it_has_lapsed(self, shop: Shop) -> None:
        give_skill(shop.world.olga, "welding", until="2020-01-01")
        with pytest.raises(CommandRefused, match="welding"):
            run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})

    def test_does_not_stop_who_has_it(self, shop: Shop) -> None:
        give_skill(shop.world.olga, "welding")
        assert send(at_station(shop), "take-edge", shop.job, edge="start") == 200
        assert shop.reload().status == "running"

    def test_is_not_passed_by_the_database(self, shop: Shop) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            JobOrder.objects.filter(pk=shop.job.pk).update(state="running", status="running")


class TestAHeldLot:
    @pytest.fixture
    def lot(self) -> Lot:
        lot = make_lot(make_item("SEAL-07", lot_tracked=True), "ABC-1")
        run(hold_lot, SYSTEM, lot_id=lot.pk)
        return lot

    def test_is_not_used_by_command_booking_or_scan(self, lot: Lot) -> None:
        shop = steps_with_a_scan()
        rack = make_location(shop.world.site, "RACK-A")
        put_stock(lot.item, rack, 10, lot=lot)
        taking: dict[str, Any] = {"item_id": lot.item_id, "quantity": Decimal(1), "from_location_id": rack.pk}
        with pytest.raises(CommandRefused) as refusal:
            run(issue, SYSTEM, **taking, lot_id=lot.pk)
        assert refusal.value.code == "lot_held"
        client = at_station(shop)
        step = shop.job.directive.steps.get().pk
        assert send(client, "record-step", shop.job, step=str(step), piece="1", lot_number="ABC-1") == 409
        assert not Movement.objects.exists()
        assert not StepRecord.objects.exists()

    def test_is_not_freed_by_the_erp(self, lot: Lot) -> None:
        with transaction.atomic(), as_erp():
            type(lot.item).objects.filter(pk=lot.item_id).update(erp_key="i,1")
        row = {"key": "lot,1", "item": "i,1", "number": "ABC-1", "blocked": False}
        assert make_system().send("lots", row).status_code == 200
        lot.refresh_from_db()
        assert (lot.status, lot.erp_key) == ("held", "lot,1")

    def test_is_not_freed_on_a_page(self, lot: Lot) -> None:
        warehouse = make_holder("materials.view", "materials.manage", "materials.move", is_staff=True)
        where = f"/admin/materials/lot/{lot.pk}/change/"
        at_desk(warehouse).post(where, {"status": "open", "number": "ABC-1", "item": lot.item_id})
        lot.refresh_from_db()
        assert lot.status == "held"


def second_step(shop: Shop) -> int:
    steps = shop.job.directive.steps.order_by("position")
    return int(steps[1].pk)


def steps_with_a_scan() -> Shop:
    shop = make_shop()
    publish(spec("scan", "Scan the seals", scan_item="SEAL-07"))
    job = make_job(shop.world.line, shop.world.station, number="WO-S")
    run(take_edge, shop.world.olga, job_order_id=job.pk, edge="start", inputs={})
    return Shop(shop.world, JobOrder.objects.get(pk=job.pk))


def demand(edge: str, skill: str) -> None:
    """A new version of the shipped workflow: this edge needs the skill."""
    give_skill(make_holder("plant.view_plant"), skill)
    publish_edge(edge, skills=[skill])


def publish_edge(edge: str, **otherwise: Any) -> None:
    """A new version of the shipped workflow with another edge."""
    published = Version.objects.filter(workflow__code="job_order", status="published").latest("number")
    definition = to_definition(published)
    edges = [one.model_copy(update=otherwise) if one.code == edge else one for one in definition.edges]
    engineer, approver = make_holder("workflows.edit"), make_holder("workflows.publish")
    draft = run(workflows.create_draft, engineer, version_id=published.pk)
    changed = definition.model_copy(update={"edges": edges})
    run(workflows.save_draft, engineer, version_id=draft, definition=changed)
    run(workflows.submit_for_review, engineer, version_id=draft)
    run(workflows.publish, approver, version_id=draft, note="Welders only.")
