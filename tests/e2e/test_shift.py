"""The supervisor's screen: all of a shift at once, each part live, and what can be done from it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from apps.andon.commands import remark
from apps.equipment.commands.machines import stop_machine
from apps.orders.commands import Need, Operation, release_work_order, take_edge
from apps.plant.commands import report_absent
from apps.plant.models import WorkUnit
from tests.andon.floor import SYSTEM, TERMINAL
from tests.andon.floor import Floor as Plant
from tests.e2e.conftest import Floor
from tests.e2e.test_andon import phone, plant
from tests.e2e.test_steps import take_picture
from tests.materials.stock_world import make_item, make_location, put_stock
from tests.orders.shop import DUE, make_job
from tests.world import make_line, make_station, run

pytestmark = pytest.mark.browser
__all__ = ["plant"]

SIZES = {"tablet": (1024, 768), "wall": (1920, 1080), "phone": (390, 844), "desk": (1440, 900)}


def desk_of(floor: Floor, plant: Plant) -> Page:
    desk = phone(floor, plant.sven, "/andon/S1/")
    desk.set_viewport_size({"width": 1440, "height": 900})
    return desk


def short_order(plant: Plant, *, number: str = "WO-10498", item: str = "MS-40", seals: int = 0) -> None:
    world, seal = plant.world, make_item(item)
    if seals:
        put_stock(seal, make_location(world.site, "RACK-A"), seals)
    run(
        release_work_order,
        SYSTEM,
        site_id=world.site.pk,
        number=number,
        item_code="ES-80",
        item_name="ES 80-200",
        quantity=Decimal(16),
        unit="pcs",
        due_at=DUE,
        operations=[
            Operation(
                sequence=10,
                name="Assemble",
                work_center_id=world.line.pk,
                work_unit_id=world.station.pk,
                needs=(Need(item_id=seal.pk, per_piece=Decimal(2)),),
            )
        ],
    )


def test_the_shift_is_one_screen_that_follows_by_itself(floor: Floor, plant: Plant) -> None:
    world = plant.world
    make_station(make_line(world.area, "L4"), "T41")
    desk = desk_of(floor, plant)
    expect(desk.locator("#andon-list")).to_contain_text("Nobody has to act")
    job = make_job(world.line, world.station, number="WO-7")
    run(take_edge, world.olga, job_order_id=job.pk, edge="start", inputs={})
    expect(desk.locator("#place-people")).to_contain_text("Olga")
    expect(desk.locator("#place-lines")).to_contain_text("Running")
    short_order(plant)
    expect(desk.locator("#place-blocked")).to_contain_text("WO-10498")
    plant.stop("lot", type_code="quality_hold")
    run(stop_machine, TERMINAL, work_unit_id=WorkUnit.objects.get(code="T34").pk)
    expect(desk.locator("#place-standing")).to_contain_text("nobody has said why")
    call = plant.help()
    row = desk.locator("#andon-list tr", has_text="A33 calls")
    row.get_by_role("button", name="Take it").click()
    expect(row).to_contain_text("Sven Lindqvist answered")
    expect(desk.locator("#place-handover")).to_contain_text("Nothing is said about it yet.")
    run(remark, plant.sven, exception_id=call.pk, text="Gauge 3 is worn; a new one is on its way.")
    expect(desk.locator("#place-handover")).to_contain_text("Gauge 3 is worn")
    run(report_absent, plant.marta, person_id=plant.marta.pk)
    expect(desk.locator("#place-people")).to_contain_text("is away")
    desk.wait_for_timeout(2000)
    for name, (width, height) in SIZES.items():
        desk.set_viewport_size({"width": width, "height": height})
        take_picture(desk, f"shift-{name}")
        assert desk.evaluate("document.documentElement.scrollWidth") <= width, name


def test_a_stop_is_explained_and_a_call_given_to_somebody_without_leaving_it(floor: Floor, plant: Plant) -> None:
    desk = desk_of(floor, plant)
    plant.help()
    row = desk.locator("#andon-list tr", has_text="A33 calls")
    row.get_by_role("button", name="Give to…").click()
    take_picture(desk, "shift-give")
    desk.locator("#give-list").get_by_role("button", name="Mia Nowak").click()
    expect(desk.locator("#give-sheet")).to_be_hidden()
    expect(desk.locator("#andon-list tr.grp")).to_contain_text("Mia Nowak")
    run(stop_machine, TERMINAL, work_unit_id=WorkUnit.objects.get(code="T34").pk)
    desk.locator("#place-standing").get_by_role("button", name="Say why…").click()
    take_picture(desk, "shift-why")
    desk.locator("#stop-why button").first.click()
    expect(desk.locator("#stop-why")).to_be_hidden()
    expect(desk.locator("#place-standing")).not_to_contain_text("nobody has said why")
    expect(desk.locator("#place-standing")).to_contain_text("T34")


def test_the_list_of_blocked_orders_follows_and_keeps_what_somebody_has_opened(floor: Floor, plant: Plant) -> None:
    short_order(plant, seals=10)
    desk = phone(floor, plant.sven)
    desk.set_viewport_size({"width": 1440, "height": 900})
    desk.goto(f"{floor.base}/blocked/S1/")
    expect(desk.locator("#blocked-rows")).to_contain_text("1 order is blocked")
    desk.locator("#blocked-rows summary").first.click()
    short_order(plant, number="WO-10499", item="MS-41")
    expect(desk.locator("#blocked-rows")).to_contain_text("2 orders are blocked")
    expect(desk.locator("#blocked-rows details[open]")).to_have_count(1)
    for name, (width, height) in SIZES.items():
        desk.set_viewport_size({"width": width, "height": height})
        take_picture(desk, f"blocked-{name}")
    desk.get_by_role("button", name="Run without it up to 5").click()
    expect(desk.locator("#blocked-rows")).to_contain_text("Runs to 5 of 16")
