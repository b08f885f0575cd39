"""Two pieces by their steps: typed on the keypad and the keyboard, scanned, refused, measured again."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.orders.models import StepRecord
from tests.e2e.conftest import Floor
from tests.e2e.test_station import sign_in
from tests.materials.stock_world import make_item, make_lot
from tests.orders.shop import Shop, make_job, make_shop
from tests.orders.steps_shop import a_unit, gap, publish, spec
from tests.world import PIN, make_terminal

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("MFGOS_PICTURES")


def take_picture(page: Page, name: str) -> None:
    if not PICTURES:
        return
    for theme in ("light", "dark"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        page.wait_for_timeout(200)
        page.screenshot(path=Path(PICTURES) / f"{name}-{theme}.png")
    page.evaluate("() => { document.documentElement.dataset.theme = 'light'; }")


@pytest.fixture
def shop(floor: Floor) -> Shop:
    shop = make_shop(quantity=1)
    shop.world.olga.set_pin(PIN)
    shop.world.olga.save()
    a_unit()
    seal = make_item("SEAL-07", lot_tracked=True)
    for number in ("ABC-1", "ABC-10"):
        make_lot(seal, number)
    make_lot(make_item("SEAL-08", lot_tracked=True), "XYZ-1")
    publish(
        spec("read", "Read what changed", "once", texts={"en": "Since Monday the gap is measured at the top mark."}),
        spec("scan", "Scan the seals", "per_set_up", scan_item="SEAL-07"),
        spec("confirm", "Seat rotor in volute", texts={"en": "Turn it until the pin drops."}),
        gap(texts={"en": "Push the shaft to the drive side first.\nHold the probe at the top mark."}),
        spec("confirm", "Bolt up, 8 x 85 Nm"),
        spec("confirm", "Turn shaft by hand", "every_n", every_n=2),
    )
    # Due before WO-1, so that it is the one in hand.
    job = make_job(shop.world.line, shop.world.station, number="WO-0", quantity=2)
    return Shop(shop.world, job)


def go(page: Page, words: str) -> None:
    button = page.locator("#do .go")
    expect(button).to_contain_text(words)
    button.click()


def title(page: Page, words: str) -> None:
    expect(page.locator("#do h2")).to_have_text(words)


def test_two_pumps_by_their_steps(floor: Floor, shop: Shop) -> None:
    page = floor.screen("/station/S1/A33/", make_terminal(shop.world.site, station=shop.world.station))
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    title(page, "Read what changed")
    take_picture(page, "read")
    go(page, "I have read this")
    title(page, "Scan the seals")
    page.keyboard.type("XYZ-1", delay=5)
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text("XYZ-1 is SEAL-08. Here SEAL-07 is needed")
    take_picture(page, "scan-refused")
    page.keyboard.type("ABC-1", delay=5)
    page.keyboard.press("Enter")
    title(page, "Seat rotor in volute")
    go(page, "Confirm: Seat rotor in volute")
    title(page, "Measure gap S")

    # Typed on the keypad, outside: on record, and the piece is not good.
    for key in "0.55":
        page.locator(f"#count [data-key='{key}']").click()
    expect(page.locator("#do [data-outside]")).to_be_visible()
    take_picture(page, "measure-outside")
    go(page, "Record 0.55 mm, outside the limits")
    expect(page.locator("#do .note")).to_contain_text("0.55 mm is outside the limits")
    expect(page.locator("#do [name=value]")).to_have_value("")

    # Typed on a keyboard, while something else changes on the line.
    page.locator("#do [name=value]").click()
    page.keyboard.type("0.3")
    make_job(shop.world.line, shop.world.station, number="WO-77")
    expect(page.locator("#station-next")).to_contain_text("WO-")
    page.wait_for_timeout(600)
    page.keyboard.type("8")
    expect(page.locator("#do [name=value]")).to_have_value("0.38")
    expect(page.locator("#do [data-inside]")).to_be_visible()
    take_picture(page, "measure-inside")
    go(page, "Save 0.38 mm and go to step 5")
    title(page, "Bolt up, 8 x 85 Nm")
    go(page, "Piece 1 is good")
    expect(page.locator("#station-job [data-value=good]")).to_have_text("1")
    expect(page.locator("#station-job .steps .now")).to_contain_text("Seat rotor in volute")

    go(page, "Confirm: Seat rotor")
    title(page, "Measure gap S")
    # A form that came up this very moment: nothing has taken it up yet, and Enter must not leave the page.
    page.evaluate("const form = document.querySelector('#do form'); form.replaceWith(form.cloneNode(true))")
    page.fill("#do [name=value]", "0,41")
    take_picture(page, "second-piece")
    page.keyboard.press("Enter")
    go(page, "Piece 2 is good")
    title(page, "Turn shaft by hand")
    page.get_by_role("button", name="Not now").click()
    expect(page.locator("#ways-locked")).to_contain_text("Do step 6")
    page.locator("#ways-locked [data-close]").click()
    go(page, "Confirm: Turn shaft by hand")
    page.locator("#do").get_by_role("button", name="Complete", exact=True).click()
    expect(page.locator("#station-job")).not_to_contain_text("WO-0")
    values = StepRecord.objects.filter(value__isnull=False).order_by("pk").values_list("value", flat=True)
    assert list(values) == [Decimal("0.55"), Decimal("0.38"), Decimal("0.41")]
    assert shop.reload().status == "completed"


def test_a_piece_is_paused_from_the_foot_and_scrapped_by_hand(floor: Floor, shop: Shop) -> None:
    page = floor.screen("/station/S1/A33/", make_terminal(shop.world.site, station=shop.world.station))
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    go(page, "I have read this")
    title(page, "Scan the seals")
    page.locator("#do [name=lot_number]").fill("ABC-10")
    page.locator("#do .go").click()
    title(page, "Seat rotor in volute")
    page.locator("#count [name=scrap]").click()
    keys = [page.locator(f"#count [data-key='{digit}']") for digit in "12"]
    before = [key.bounding_box() for key in keys]
    keys[0].click()
    expect(page.locator("#scrap-why")).to_be_visible()
    assert [key.bounding_box() for key in keys] == before, "a key that moves away is pressed for another"
    page.locator("#scrap-why").click()
    page.locator("#scrap-sheet label").first.click()
    page.locator("#book button").click()
    expect(page.locator("#station-job [data-value=scrap]")).to_have_text("1")
    expect(page.locator("#do")).to_contain_text("piece 2")
    page.locator("#ways").get_by_role("button", name="Pause").click()
    take_picture(page, "pause")
    page.locator("#edge-pause label").first.click()
    page.locator("#edge-pause button[type=submit]").click()
    expect(page.locator("#station-state")).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    title(page, "Seat rotor in volute")
