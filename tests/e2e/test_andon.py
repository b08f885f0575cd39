"""A call from a locked station: the board is loud until the lead answers on the phone page."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from apps.andon.models import FloorException
from apps.core import clock
from apps.plant.commands import roster_duty
from apps.plant.models import Person
from apps.shifts.commands import set_target
from tests.andon.floor import MORNING, SYSTEM, make_floor
from tests.andon.floor import Floor as Plant
from tests.e2e.conftest import Floor
from tests.e2e.test_station import count, sign_in
from tests.e2e.test_steps import take_picture
from tests.orders.shop import make_job
from tests.world import PASSWORD, PIN, make_station, make_terminal, run

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
    run(
        set_target,
        SYSTEM,
        work_center_id=world.line.pk,
        shift_date=MORNING.date(),
        shift_code="E",
        quantity=Decimal(40),
        reason="",
    )
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


TOO_SMALL = """() => [...document.querySelectorAll("button, a.btn, label.btn, .foot a")]
    .filter((part) => part.offsetParent && part.getBoundingClientRect().height < 47.5)
    .map((part) => part.textContent.trim())"""


def is_for_gloves(page: Page) -> None:
    assert page.evaluate(TOO_SMALL) == []


def phone(floor: Floor, person: Person, path: str = "/phone/") -> Page:
    page = floor.screen(path, width=390, height=844)
    page.fill("[name=username]", person.username)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("[data-link-word]")).to_contain_text("Connected")
    return page


def test_a_call_from_a_locked_station_is_loud_until_the_lead_answers_on_the_phone(floor: Floor, plant: Plant) -> None:
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
    page.get_by_role("button", name="Call for help").click()
    expect(page.locator("#notice")).to_contain_text("Lena Brandt was called at")
    assert FloorException.objects.filter(type__code="help").count() == 1

    page.get_by_role("button", name="Quiet for 2 min").click()
    expect(page.locator("body")).to_have_attribute("data-sound", "muted")
    expect(page.locator("[data-mute]")).to_contain_text(re.compile(r"Quiet for 1:\d\d"))
    clock.move_to(MORNING + timedelta(minutes=4), rate=1)  # the next one is called: that is heard again
    expect(page.locator("body")).to_have_attribute("data-sound", "ringing", timeout=20_000)
    for screen in (page, wall):
        is_for_gloves(screen)

    hers = phone(floor, plant.world.lena)
    hers.get_by_role("link", name="A33 calls for help").click()
    hers.locator("#answers").get_by_text("10 min").click()
    hers.get_by_role("button", name="I am going to A33").click()
    expect(hers.get_by_role("button", name="I am at it")).to_be_visible()
    expect(page.locator("#alert")).to_contain_text("Lena Brandt is coming, there at")
    expect(page.locator("body")).to_have_attribute("data-sound", "quiet")
    expect(wall.locator("#board-stop")).to_contain_text("Lena Brandt is coming, there at")
    expect(wall.locator("body")).to_have_attribute("data-sound", "quiet")
    expect(page.locator("#notice")).to_be_hidden()
    take_picture(page, "andon-station-answered")
    take_picture(wall, "andon-board-answered")

    hers.fill("[name=text]", "Take the other gauge.")
    hers.get_by_role("button", name="Send").click()
    expect(hers.locator("#exception-said")).to_contain_text("Take the other gauge.")
    expect(hers.locator("[name=text]")).to_have_value("")
    hers.get_by_role("button", name="I am at it").click()
    hers.get_by_role("button", name="Resolved…").click()
    hers.get_by_text("Helped on the spot").click()
    take_picture(hers, "andon-phone-resolve")
    hers.get_by_role("button", name="Training missing").click()
    expect(hers.locator("#answers")).to_contain_text("It closes once its cause is gone")
    expect(page.locator("#alert")).to_be_hidden()
    expect(wall.locator("#board-stop")).to_be_hidden()


def test_nobody_answers_and_the_phone_of_the_next_one_shows_the_ladder(floor: Floor, plant: Plant) -> None:
    stop = plant.stop()
    wall, tablet = board(floor, plant), station(floor, plant)
    expect(wall.locator("#board-stop")).to_contain_text("Mia Nowak")
    clock.move_to(MORNING + timedelta(minutes=13), rate=1)
    expect(wall.locator("#board-stop")).to_contain_text("level 3 of 5", timeout=20_000)
    expect(wall.locator("#board-stop .soon")).to_contain_text("Sven Lindqvist")
    tablet.get_by_role("button", name="Call for help").click()
    expect(wall.locator("#board-stop")).to_contain_text("Also open")
    expect(wall.locator("#board-stop .since")).to_contain_text("13:")
    take_picture(wall, "andon-board-loud")
    take_picture(tablet, "andon-station-loud")
    desk = phone(floor, plant.sven, "/andon/S1/")
    desk.set_viewport_size({"width": 1440, "height": 900})
    plant.stop("lot", type_code="quality_hold")
    expect(desk.locator("#andon-list")).to_contain_text("Quality")
    take_picture(desk, "andon-list")
    desk.locator("#andon-list tr", has_text="A33 calls").get_by_role("link", name="Open").click()
    expect(desk.locator("#story")).to_contain_text("raised")
    expect(desk.locator("[data-link-word]")).to_contain_text("Connected")
    desk.wait_for_timeout(4000)
    take_picture(desk, "andon-one")
    desk.goto(f"{floor.base}/andon/S1/")
    desk.locator("#andon-list tr", has_text="A33 calls").get_by_role("button", name="Take it").click()
    expect(desk.locator("#andon-list tr", has_text="A33 calls")).to_contain_text("Sven Lindqvist answered")
    hers = phone(floor, plant.mia)
    take_picture(hers, "andon-phone-list")
    hers.goto(f"{floor.base}/phone/{stop.pk}/")
    expect(hers.locator("#exception-ladder .here")).to_contain_text("Marta")
    expect(hers.locator("#exception-ladder .past").first).to_contain_text("You, owner")
    hers.wait_for_timeout(1500)
    take_picture(hers, "andon-phone-one")
    is_for_gloves(hers)
    hers.get_by_role("button", name="Give to…").click()
    expect(hers.locator("#give-list")).to_contain_text("Sven Lindqvist")
    take_picture(hers, "andon-phone-give")
    hers.get_by_role("button", name="Cancel").locator("visible=true").click()
    hers.get_by_role("button", name="More…").click()
    hers.get_by_role("button", name="Put off…").click()
    take_picture(hers, "andon-phone-later")
    hers.goto(f"{floor.base}/phone/duty/")
    take_picture(hers, "andon-phone-duty")
    is_for_gloves(hers)
    hers.get_by_role("button", name=re.compile("away")).click()
    take_picture(hers, "andon-phone-away")
    hers.get_by_role("button", name="Nobody: those on duty").click()
    expect(hers.get_by_role("button", name="I am back")).to_be_visible()
    expect(wall.locator("#board-stop")).not_to_contain_text("Mia Nowak")


def test_the_machine_stops_is_explained_without_covering_the_screen_and_runs_again(floor: Floor, plant: Plant) -> None:
    olga = plant.world.olga
    olga.set_pin(PIN)
    olga.save()
    page, wall = station(floor, plant), board(floor, plant)
    page.get_by_role("button", name="Machine stopped").click()
    expect(page.locator("#machine")).to_contain_text("Stands since")
    expect(wall.locator("#board-stop")).to_contain_text("A33 stands", timeout=20_000)
    take_picture(page, "andon-machine-why")
    sign_in(page)
    expect(page.locator("#who")).to_contain_text("Olga")
    page.get_by_role("button", name="Say why…").click()
    take_picture(page, "andon-machine-reasons")
    is_for_gloves(page)
    page.locator("#stop-why button").first.click()
    expect(page.locator("#machine")).not_to_contain_text("Why?")
    take_picture(page, "andon-machine-explained")
    assert page.locator("#book button").bounding_box()["y"] < page.locator("#station-next").bounding_box()["y"] - 48
    page.get_by_role("button", name="Runs again").click()
    expect(page.locator("#machine")).to_be_hidden()
    expect(wall.locator("#board-stop")).to_be_hidden()


def test_the_foot_has_room_for_calls_ways_out_and_the_last_entry(floor: Floor, plant: Plant) -> None:
    olga = plant.world.olga
    olga.set_pin(PIN)
    olga.save()
    page = station(floor, plant)
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    count(page, "1")
    expect(page.locator("#trail")).to_contain_text("1 good")
    page.get_by_role("button", name="Call for help").click()
    expect(page.locator("#notice")).to_contain_text("Lena Brandt was called at")
    expect(page.locator("#alert")).to_contain_text("A33 calls for help")
    page.locator("[data-mute]").click()
    take_picture(page, "andon-station-running")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    for part in page.locator(".foot > *").all():
        box = part.bounding_box() if part.is_visible() else None
        assert box is None or box["x"] + box["width"] <= 1280
