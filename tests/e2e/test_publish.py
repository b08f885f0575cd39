"""An engineer plans and sends, an approver publishes, and the operation under way goes over, by the running worker."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from apps.orders.commands import take_edge
from apps.workflows.commands import create_draft, save_draft, stop_edge
from apps.workflows.models import Version
from tests.e2e.conftest import Floor
from tests.e2e.test_station import sign_in
from tests.orders.shop import make_job, make_shop
from tests.orders.test_two_versions import Renamed
from tests.studio_walk import send_for_review, sign_in_at_desk
from tests.world import PASSWORD, PIN, give_role, make_person, make_terminal, run

pytestmark = pytest.mark.browser
# After the first frames a screen has fetched its panel.
SETTLED_MILLISECONDS = 1500


def desk(floor: Floor, name: str) -> Page:
    page = floor.screen("/admin/login/", width=1440, height=1000)
    sign_in_at_desk(page, floor.base, name, PASSWORD)
    return page


def test_a_stopped_step_leaves_the_open_station_which_fetches_what_hangs_on_it_and_not_the_rest(floor: Floor) -> None:
    shop = make_shop()
    shop.world.olga.set_pin(PIN)
    shop.world.olga.save()
    paul = make_person("paul", password=PASSWORD, is_staff=True)
    give_role(paul, "process_engineer")
    page = floor.screen("/station/S1/A33/", make_terminal(shop.world.site, station=shop.world.station))
    sign_in(page)
    expect(page.locator("#do").get_by_role("button", name="Start")).to_be_enabled()
    page.wait_for_timeout(SETTLED_MILLISECONDS)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url.removeprefix(floor.base)))
    run(stop_edge, paul, workflow_id=shop.job.workflow_version.workflow_id, edge="start", reason="A crack in the jig.")
    expect(page.locator("#do")).to_contain_text("A crack in the jig.")
    assert fetched == ["/station/S1/A33/panel/ways/"]
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="set_up", inputs={})
    expect(page.locator("#do")).to_contain_text("Setting up")
    assert fetched[1:] == ["/station/S1/A33/panel/"]


def test_from_the_plan_to_the_floor(floor: Floor) -> None:
    shop = make_shop()
    running = make_job(shop.world.line, shop.world.station, number="WO-2")
    run(take_edge, shop.world.olga, job_order_id=running.pk, edge="start", inputs={})
    people = {name: make_person(name, password=PASSWORD, is_staff=True) for name in ("petra", "paul")}
    for person in people.values():
        give_role(person, "process_engineer")
    old = shop.job.workflow_version
    draft = run(create_draft, people["petra"], version_id=old.pk)
    run(save_draft, people["petra"], version_id=draft, definition=Renamed(old).definition)
    address = f"{floor.base}/admin/workflows/version/{draft}/publish/"

    petra = desk(floor, "petra")
    petra.goto(address)
    petra.get_by_label("they move in a state that is safe for it").check()
    petra.get_by_role("button", name="Save the plan and count").click()
    expect(petra.locator(".publish-split")).to_contain_text("1 stay")
    expect(petra.locator(".publish-split")).to_contain_text("1 will move")
    send_for_review(petra)
    expect(petra.get_by_role("button", name="Approve and publish")).to_have_count(0)

    paul = desk(floor, "paul")
    paul.goto(address)
    paul.get_by_label("What changes, and why").fill("Go is what people say.")
    paul.get_by_role("button", name="Approve and publish").click()
    expect(paul.get_by_role("heading", name="On the floor")).to_be_visible()
    for _ in range(20):
        if shop.reload().workflow_version_id == draft:
            break
        paul.wait_for_timeout(250)
    assert shop.reload().workflow_version_id == draft
    running.refresh_from_db()
    assert running.workflow_version_id == old.pk
    paul.reload()
    expect(paul.get_by_text("1 item moved")).to_be_visible()
    assert Version.objects.get(pk=draft).approver_id == people["paul"].pk
