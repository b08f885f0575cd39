"""A machine says by its broker that it stands; people are asked and called, it runs again, and all say the same."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from apps.andon.models import ExceptionStatus, FloorException
from apps.core import clock
from apps.equipment.models import Downtime, SignalSource
from apps.labor.models import TimeEntry
from apps.orders.models import JobInterval
from apps.plant.models import Person
from tests.andon.floor import Floor as Plant
from tests.andon.floor import told
from tests.broker import Broker
from tests.e2e.conftest import Floor
from tests.e2e.test_andon import board, phone, plant, station
from tests.e2e.test_station import sign_in
from tests.e2e.test_steps import take_picture
from tests.equipment.conftest import broker
from tests.equipment.machines import make_machine
from tests.equipment.sources import make_source, make_usual_mappings
from tests.equipment.test_mqtt import is_connected, publish, until
from tests.world import PASSWORD, PIN

pytestmark = pytest.mark.browser
__all__ = ["broker", "plant"]

RUNS, STANDS = 1, 2


@pytest.fixture
def source(plant: Plant, broker: Broker) -> SignalSource:
    """A33 reports to a broker that the product listens to; Olga works there, and Marta leads maintenance."""
    make_machine(plant.world.station, silence_seconds=None, raises_exceptions=True)
    made = make_source(plant.world.site, "broker", "mqtt", address=broker.url, topics=["A33/#"])
    make_usual_mappings(made, plant.world.station)
    plant.world.olga.set_pin(PIN)
    plant.world.olga.save()
    plant.marta.set_password(PASSWORD)
    plant.marta.name = "Marta Lopez"
    plant.marta.save()
    until(lambda: is_connected(made))
    return made


def report(broker: Broker, state: int, at: datetime) -> None:
    publish(broker, ("A33/state", {"v": state, "t": at.isoformat()}))


def this_second() -> datetime:
    return clock.now().replace(microsecond=0)


def losses(floor: Floor, person: Person) -> Page:
    page = phone(floor, person, "/phone/")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{floor.base}/line/S1/L3/losses/")
    return page


def seconds(text: str) -> int:
    """Of "12:30" or "1:05:09"."""
    whole = 0
    for part in text.split(":"):
        whole = 60 * whole + int(part)
    return whole


def seconds_in(page: Page, selector: str) -> list[int]:
    return [seconds(text) for text in page.locator(selector).all_inner_texts()]


def moment(page: Page, selector: str) -> datetime:
    since = page.locator(selector).get_attribute("data-since")
    assert since is not None
    return datetime.fromisoformat(since)


def test_a_machine_stops_by_itself_and_board_path_and_losses_agree_to_the_second(
    floor: Floor, plant: Plant, source: SignalSource, broker: Broker
) -> None:
    page, wall = station(floor, plant), board(floor, plant)
    report(broker, RUNS, this_second())
    sign_in(page)
    expect(page.locator("#who")).to_contain_text("Olga")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")

    page.wait_for_timeout(1000)
    stood_at = this_second()
    report(broker, STANDS, stood_at)
    clock.move_to(stood_at + timedelta(seconds=118), rate=1)
    expect(page.locator("#machine")).to_be_hidden()
    expect(page.locator("#machine")).to_contain_text("Stands since")
    expect(page.locator("#station-state")).to_contain_text("Stopped")
    expect(wall.locator("#board-stop")).to_contain_text("A33 stands")
    page.get_by_role("button", name="Say why…").click()
    page.locator("#stop-why button", has_text="Mechanical").click()
    expect(wall.locator("#board-stop")).to_contain_text("Mechanical")

    hers = phone(floor, plant.marta)
    expect(hers.get_by_role("link", name="A33 stands")).to_be_hidden()
    clock.move_to(stood_at + timedelta(minutes=8), rate=1)
    expect(wall.locator("#board-stop")).to_contain_text("level 3 of 5", timeout=20_000)
    shown_since = moment(wall, "#board-stop [data-since]")
    take_picture(wall, "story-board")
    hers.get_by_role("link", name="A33 stands").click()
    expect(hers.locator("#exception-ladder .here")).to_contain_text("You")
    hers.get_by_role("button", name="I am going to A33").click()
    expect(page.locator("#alert")).to_contain_text("Marta Lopez is coming")
    hers.get_by_role("button", name="I am at it").click()
    hers.get_by_role("button", name="Resolved…").click()
    hers.locator("#resolve-sheet label.btn").first.click()
    hers.locator("#resolve-sheet [name=cause]").first.click()
    expect(hers.locator("#answers")).to_contain_text("It closes once its cause is gone")

    ran_at = stood_at + timedelta(minutes=12, seconds=34)
    clock.move_to(ran_at + timedelta(seconds=2), rate=1)
    report(broker, RUNS, ran_at)
    expect(page.locator("#station-state")).to_contain_text("Running")
    expect(page.locator("#machine")).to_be_hidden()
    expect(wall.locator("#board-stop")).to_be_hidden()

    downtime, exception = Downtime.objects.get(), FloorException.objects.get()
    assert (downtime.started_at, downtime.ended_at) == (stood_at, ran_at)
    assert (exception.status, exception.raised_at, shown_since) == (ExceptionStatus.CLOSED, stood_at, stood_at)
    assert [who for who, _why in told(exception)[:2]] == ["mia", "lena"]
    assert ("marta", "step") in told(exception)
    assert exception.resolution is not None
    assert exception.owner == plant.marta
    ran = JobInterval.objects.filter(job_order__work_order__number="WO-1").order_by("started_at")
    assert [(row.started_at, row.ended_at) for row in ran] == [(ran[0].started_at, stood_at), (ran_at, None)]
    stood = TimeEntry.objects.get(person=plant.world.olga, phase="stop")
    assert (stood.started_at, stood.ended_at) == (stood_at, ran_at)

    desk = losses(floor, plant.sven)
    expect(desk.locator("[data-why='Mechanical']")).to_have_text("12:34")
    *parts, planned = seconds_in(desk, "[data-parts] dd")  # in one look: the page follows by itself
    assert sum(parts) == planned
    take_picture(desk, "story-losses")
    desk.goto(f"{floor.base}/andon/S1/{exception.pk}/")
    path = desk.locator("#story").inner_text()
    assert path.index("the cause is gone") < path.index("resolved") < path.index("raised"), "the last stands first"
    take_picture(desk, "story-path")
