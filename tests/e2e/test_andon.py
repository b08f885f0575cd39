"""A call from a locked station: the board is loud until the lead answers on the phone page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from apps.andon.models import FloorException
from apps.core import clock
from apps.plant.commands import roster_duty
from tests.andon.floor import MORNING, SYSTEM, make_floor
from tests.andon.floor import Floor as Plant
from tests.e2e.conftest import Floor
from tests.e2e.test_steps import take_picture
from tests.orders.shop import make_job
from tests.world import PASSWORD, make_station, make_terminal, run

pytestmark = pytest.mark.browser


@pytest.fixture
def plant(floor: Floor) -> Plant:
    plant = make_floor()
    clock.move_to(MORNING, rate=1)
    world = plant.world
    for position, code in enumerate(("A31", "A32", "T34", "P35", "K36"), start=2):
        make_station(world.line, code, position=position)
    make_job(world.line, world.station, quantity=24)
    for n in range(2, 6):
        make_job(world.line, world.station, number=f"WO-{n}")
    for person in (world.lena, plant.mia, plant.sven):
        person.set_password(PASSWORD)
        person.name = {"lena": "Lena Brandt", "mia": "Mia Nowak", "sven": "Sven Lindqvist"}[person.username]
        person.save()
    run(
        roster_duty,
        SYSTEM,
        person_id=world.lena.pk,
        role="line_lead",
        place=world.line.place,
        starts_at=MORNING.replace(hour=4),
        ends_at=MORNING.replace(hour=20),
    )
    return plant


def station(floor: Floor, plant: Plant) -> Page:
    return floor.screen("/station/S1/A33/", make_terminal(plant.world.site, station=plant.world.station))


def board(floor: Floor, plant: Plant) -> Page:
    terminal = make_terminal(plant.world.site, line=plant.world.line)
    return floor.screen("/line/S1/L3/", terminal, width=1920, height=1080)


def test_a_call_from_a_locked_station_is_loud_on_the_board(floor: Floor, plant: Plant) -> None:
    page, wall = station(floor, plant), board(floor, plant)
    expect(page.locator("#alert")).to_be_hidden()
    expect(wall.locator("#board-stop")).to_be_hidden()
    take_picture(page, "andon-station-quiet")
    page.get_by_role("button", name="Call for help").click()
    expect(page.locator("#notice")).to_contain_text(re.compile(r"Lena Brandt was called at \d\d:\d\d, and answers"))
    expect(page.locator("#alert")).to_contain_text("A33 calls for help")
    expect(page.locator("body")).to_have_attribute("data-sound", "ringing")
    expect(wall.locator("#board-stop")).to_contain_text("Lena Brandt")
    expect(wall.locator("body")).to_have_attribute("data-sound", "off")
    expect(wall.locator("[data-sound-off]")).to_be_visible()
    plant.stop()
    page.wait_for_timeout(1500)
    take_picture(page, "andon-station-loud")
    take_picture(wall, "andon-board-loud")
    page.get_by_role("button", name="Call for help").click()
    expect(page.locator("#notice")).to_contain_text("Lena Brandt was called at")
    assert FloorException.objects.filter(type__code="help").count() == 1
