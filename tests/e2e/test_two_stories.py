"""What once took a project: an engineer changes how the plant works, another approves, the floor works by it at once.

No code, no restart: what runs is what ran before.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from apps.andon.commands import acknowledge, resolve
from apps.andon.models import FloorException
from apps.orders.models import Confirmation, JobOrder
from apps.plant.models import Terminal
from apps.workflows.rules.in_force import REREAD_SECONDS
from tests.e2e.conftest import Floor
from tests.e2e.test_order_round_trip import complete_short
from tests.e2e.test_publish import desk
from tests.e2e.test_signed_step import prove
from tests.e2e.test_station import count, sign_in
from tests.e2e.test_steps import take_picture
from tests.orders.shop import DUE, Shop, make_job, make_shop
from tests.studio_walk import make_it_for, send_for_review, take_first_article_from_library, type_containment
from tests.world import PASSWORD, PIN, give_role, make_person, make_terminal, run

pytestmark = pytest.mark.browser


@pytest.fixture
def shop(floor: Floor) -> Shop:
    """Petra and Paul make and approve workflows; everybody on the floor has a PIN."""
    shop = make_shop()
    for name in ("petra", "paul"):
        give_role(make_person(name, password=PASSWORD, is_staff=True), "process_engineer")
    for person in (shop.world.olga, shop.world.ivan):
        person.set_pin(PIN)
        person.save()
    return shop


def order(shop: Shop, number: str, customer: str) -> JobOrder:
    """As the ERP releases one, due before the one that is there."""
    due_at = DUE - timedelta(days=1)
    return make_job(shop.world.line, shop.world.station, number=number, quantity=5, due_at=due_at, customer=customer)


def terminal(shop: Shop) -> Terminal:
    return make_terminal(shop.world.site, station=shop.world.station)


def test_a_new_customer_wants_a_first_article_approval(floor: Floor, shop: Shop) -> None:
    station = floor.screen("/station/S1/A33/", terminal(shop))
    sign_in(station)
    expect(station.locator("#who")).to_contain_text("Olga")
    station.evaluate("() => { window.still = true; }")
    station.get_by_role("button", name="Start").click()
    expect(station.locator("#station-state")).to_contain_text("Running")

    petra = desk(floor, "petra")
    petra.goto(f"{floor.base}/admin/workflows/version/")
    petra.get_by_role("link", name="Library").click()
    take_first_article_from_library(petra)
    petra.get_by_role("link", name="Edit", exact=True).click()
    take_picture(petra, "story-draft")
    make_it_for(petra, "ACME")
    take_picture(petra, "story-edge")
    petra.get_by_role("link", name="Check", exact=True).click()
    take_picture(petra, "story-check")
    expect(petra.get_by_text("0 errors")).to_be_visible()
    petra.get_by_role("link", name="Simulate", exact=True).click()
    petra.get_by_role("button", name="Simulate").click()
    expect(petra.get_by_text("would have been for none of the items. It was tried on all of them.")).to_be_visible()
    expect(petra.get_by_text("Replay: 1 of 1 would have been stopped at “Start”")).to_be_visible()
    take_picture(petra, "story-simulate")
    petra.get_by_role("link", name="Graph", exact=True).click()
    take_picture(petra, "story-graph")
    petra.get_by_role("link", name="Publish", exact=True).click()
    send_for_review(petra)
    take_picture(petra, "story-review")
    address = petra.url

    paul = desk(floor, "paul")
    paul.goto(address)
    paul.get_by_label("What changes, and why").fill("ACME wants every first piece approved.")
    paul.get_by_role("button", name="Approve and publish").click()
    expect(paul.get_by_role("heading", name="On the floor")).to_be_visible()
    take_picture(paul, "story-published")

    # The operation that runs stays on the version it began with, beside those on the new one.
    job = order(shop, "WO-ACME", "ACME")
    expect(station.locator("#station-state")).to_contain_text("Running")
    count(station, "2")
    expect(station.locator("#station-job [data-value=good]")).to_have_text("2")
    complete_short(station)
    expect(station.locator("#station-job")).to_contain_text("WO-ACME")
    take_picture(station, "story-station")
    station.get_by_role("button", name="Make the first piece").click()
    expect(station.locator("#do")).to_contain_text("Book the first good piece, then have it checked.")
    count(station, "1")
    station.get_by_role("button", name="Have the first piece checked").click()
    station.get_by_role("button", name="Approve the first piece").click()
    sheet = "#edge-approve_first_piece"
    station.locator(f"{sheet} [name='number.bore']").fill("12,5")
    take_picture(station, "story-sign")
    prove(station, sheet, "badge-ivan")
    station.locator(f"{sheet} .go").click()
    expect(station.locator("#notice")).to_contain_text("Signed by Ivan.")
    expect(station.locator("#station-state")).to_contain_text("Series")
    job.refresh_from_db()
    assert job.status == "running"
    assert shop.reload().workflow_version_id != job.workflow_version_id
    assert station.evaluate("() => window.still")


def test_a_quality_event_is_contained_by_tonight(floor: Floor, shop: Shop) -> None:
    station = floor.screen("/station/S1/A33/", terminal(shop))
    sign_in(station)
    expect(station.locator("#who")).to_contain_text("Olga")
    station.evaluate("() => { window.still = true; }")
    station.get_by_role("button", name="Start").click()
    expect(station.locator("#station-state")).to_contain_text("Running")
    count(station, "1")
    expect(station.locator("#station-job [data-value=good]")).to_have_text("1")
    count(station, "1", "1")
    expect(station.locator("#station-job [data-value=scrap]")).to_have_text("1")

    petra = desk(floor, "petra")
    type_containment(petra, floor.base, "ES-65")
    petra.get_by_role("button", name="Action").click()
    petra.locator("#id_actions-1-code").select_option(label="Add a step to the work")
    petra.locator("#id_actions-1-with_title_en").fill("Look for pores with the lamp")
    petra.locator("#id_actions-1-with_title_de").fill("Mit der Lampe nach Poren suchen")
    take_picture(petra, "story-rule")
    petra.get_by_role("button", name="Save", exact=True).click()
    expect(petra.locator("#id_conditions-0-operator")).to_have_value(">")
    petra.get_by_role("link", name="Simulate").click()
    petra.get_by_role("button", name="Simulate").click()
    expect(petra.get_by_text("Replay: it would have acted on 1 of 2 events")).to_be_visible()
    petra.get_by_role("link", name="Publish", exact=True).click()
    petra.get_by_role("button", name="Send for review").click()
    expect(petra.get_by_text("Version 1, in review")).to_be_visible()
    take_picture(petra, "story-rule-review")
    address = petra.url

    paul = desk(floor, "paul")
    paul.goto(address)
    paul.get_by_label("What changes, and why").fill("Customer complaint 4711: porous castings.")
    paul.get_by_role("button", name="Approve and publish").click()
    expect(paul.get_by_text("Version 1, published")).to_be_visible()
    take_picture(paul, "story-rule-published")

    paul.wait_for_timeout(1_000 * REREAD_SECONDS)  # within it every process knows the rule
    count(station, "2", "1")
    way = station.get_by_role("region", name="What stands in the way")
    expect(way).to_contain_text("Set apart what was made since the last good check.")
    expect(station.get_by_role("heading", name="Look for pores with the lamp")).to_be_visible()
    take_picture(station, "story-contained")
    exception = FloorException.objects.get()
    assert exception.owner_id
    confirm = station.get_by_role("button", name="Confirm: Look for pores with the lamp")
    confirm.click()
    expect(station.locator("#notice")).to_contain_text("Set apart what was made since the last good check.")
    expect(station.locator("#station-job [data-value=good]")).to_have_text("4")
    run(acknowledge, shop.world.ivan, exception_id=exception.pk)
    run(resolve, shop.world.ivan, exception_id=exception.pk, resolution="repaired", cause="wear")
    expect(way).not_to_contain_text("Set apart")
    confirm.click()
    expect(station.locator("#station-job [data-value=good]")).to_have_text("5")
    take_picture(station, "story-step")
    assert list(Confirmation.objects.order_by("pk").values_list("good", "scrap")) == [(1, 0), (1, 1), (2, 1), (1, 0)]
    assert station.evaluate("() => window.still")
