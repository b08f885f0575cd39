"""An engineer has a step ask for a picture; the operator takes it at the station, also where the network is weak."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.workflows.models import Photo, PhotoUse
from tests.e2e.conftest import Floor
from tests.e2e.test_publish import desk
from tests.e2e.test_station import sign_in
from tests.e2e.test_steps import take_picture
from tests.orders.shop import Shop, make_job, make_shop
from tests.studio_walk import save_draft, send_for_review
from tests.workflows.photos.pictures import SVG, from_a_phone, picture
from tests.world import PASSWORD, PIN, give_role, make_person, make_terminal

pytestmark = pytest.mark.browser
SHEET = "#edge-start"


@pytest.fixture
def shop(floor: Floor) -> Shop:
    shop = make_shop()
    for name in ("petra", "paul"):
        give_role(make_person(name, password=PASSWORD, is_staff=True), "process_engineer")
    shop.world.olga.set_pin(PIN)
    shop.world.olga.save()
    return shop


def have_start_ask_for_pictures(floor: Floor, version_id: int) -> None:
    petra = desk(floor, "petra")
    petra.goto(f"{floor.base}/admin/workflows/version/{version_id}/change/")
    petra.get_by_role("button", name="Copy to a draft").click()
    petra.get_by_role("link", name="Edit", exact=True).click()
    petra.locator("#studio-list").get_by_role("link", name="Start").first.click()
    petra.locator("#studio-form").get_by_role("button", name="Input", exact=True).click()
    petra.locator("#id_inputs-0-type").select_option(label="photo")
    expect(petra.locator("#id_inputs-0-at_most")).to_have_value("1")
    petra.locator("#id_inputs-0-at_most").fill("2")
    petra.locator("#id_inputs-0-labels_en").fill("The empty machine")
    petra.locator("#id_inputs-0-labels_de").fill("Die leere Maschine")
    take_picture(petra, "photo-edge")
    save_draft(petra, "start changed")
    petra.get_by_role("link", name="Publish", exact=True).click()
    send_for_review(petra)
    address = petra.url
    paul = desk(floor, "paul")
    paul.goto(address)
    paul.get_by_label("What changes, and why").fill("The customer wants to see it.")
    paul.get_by_role("button", name="Approve and publish").click()
    expect(paul.get_by_role("heading", name="On the floor")).to_be_visible()


def give(station: Page, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    station.locator(f"{SHEET} [data-guard]").set_input_files(path)


def test_a_step_with_a_picture(floor: Floor, shop: Shop, tmp_path: Path) -> None:
    have_start_ask_for_pictures(floor, shop.job.workflow_version_id)
    shop.job.delete()
    job = make_job(shop.world.line, shop.world.station, number="WO-PHOTO")
    station = floor.screen("/station/S1/A33/", make_terminal(shop.world.site, station=shop.world.station))
    sign_in(station)
    station.get_by_role("button", name="Start").click()
    shots = station.locator(f"{SHEET} [data-shot]")
    expect(station.locator(SHEET)).to_contain_text("The empty machine: up to 2 pictures")
    take_picture(station, "photo-sheet")
    station.locator(f"{SHEET} .go").click()
    expect(station.locator(SHEET)).to_be_visible()

    give(station, tmp_path / "drawing.svg", SVG)
    expect(station.locator(f"{SHEET} [data-answer]")).to_contain_text("This is no picture that can be kept.")
    expect(shots).to_have_count(0)

    station.context.set_offline(True)
    give(station, tmp_path / "first.jpg", from_a_phone((1600, 1200)))
    expect(shots).to_contain_text("Not sent: the server was not reached.")
    take_picture(station, "photo-not-sent")
    station.locator(f"{SHEET} .go").click()
    expect(station.locator(SHEET)).to_be_visible()
    station.context.set_offline(False)
    station.get_by_role("button", name="Send again").click()
    expect(station.locator(f"{SHEET} [data-shot=kept]")).to_have_count(1)
    give(station, tmp_path / "second.png", picture("PNG", (900, 700)))
    expect(station.locator(f"{SHEET} [data-shot=kept]")).to_have_count(2)
    expect(station.locator(f"{SHEET} label.btn").first).to_be_hidden()
    take_picture(station, "photo-kept")
    station.get_by_role("button", name="Remove this picture").last.click()
    station.locator(f"{SHEET} .go").click()
    expect(station.locator("#station-state")).to_contain_text("Running")

    job.refresh_from_db()
    use = PhotoUse.objects.get()
    kept = Photo.objects.get(pk=use.photo_id)
    assert (kept.item_id, kept.width, kept.height, use.edge) == (job.pk, 1200, 1600, "start")
    assert Photo.objects.count() == 2
    petra = desk(floor, "petra")
    petra.goto(f"{floor.base}/admin/workflows/photo/")
    shown = petra.locator(f"img[src='/photos/{kept.pk}/small/']")
    expect(shown).to_be_visible()
    assert shown.evaluate("(image) => image.naturalWidth") == 240
    take_picture(petra, "photo-list")
    petra.goto(f"{floor.base}/admin/workflows/photo/{kept.pk}/change/")
    expect(petra.locator(f"img[src='/photos/{kept.pk}/']")).to_be_visible()
    take_picture(petra, "photo-one")
