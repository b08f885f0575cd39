"""One operation at the station, and the wall that sees it at once."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from apps.orders.commands import confirm_quantity
from apps.orders.models import Confirmation, JobOrder
from apps.plant.models import WorkUnit
from tests.e2e.conftest import Floor
from tests.orders.shop import Shop, make_job, make_shop
from tests.world import PIN, make_terminal, run

pytestmark = pytest.mark.browser


@pytest.fixture
def shop(floor: Floor) -> Shop:
    shop = make_shop(quantity=3)
    shop.world.olga.set_pin(PIN)
    shop.world.olga.save()
    shop.world.lena.set_pin(PIN)
    shop.world.lena.save()
    return shop


def station(floor: Floor, shop: Shop) -> Page:
    unit: WorkUnit = shop.world.station
    return floor.screen(f"/station/S1/{unit.code}/", make_terminal(shop.world.site, station=unit))


def sign_in(page: Page, badge: str = "badge-olga", pin: str = PIN) -> None:
    page.locator("#who").click()
    page.fill("#sign-in [name=badge]", badge)
    page.fill("#sign-in [name=pin]", pin)
    page.locator("#sign-in button.go").click()


def count(page: Page, good: str, scrap: str = "") -> None:
    page.locator("#count [name=good]").click()
    for digit in good:
        page.locator(f"#count [data-key='{digit}']").click()
    if scrap:
        page.locator("#count [name=scrap]").click()
        for digit in scrap:
            page.locator(f"#count [data-key='{digit}']").click()
        page.locator("#scrap-why").click()
        page.locator("#scrap-sheet label").first.click()
    page.locator("#book button").click()


def test_an_operator_runs_an_order_and_the_wall_follows_without_a_reload(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    wall = floor.screen("/line/S1/L3/", make_terminal(shop.world.site, line=shop.world.line), width=1920, height=1080)
    expect(page.locator("#station-state")).to_contain_text("Ready")
    expect(page.locator("#who")).to_contain_text("Nobody is signed in")
    expect(wall.locator("#board-units")).to_contain_text("Free")

    sign_in(page)
    expect(page.locator("#who")).to_contain_text("Olga")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    expect(wall.locator("#board-units")).to_contain_text("0 / 3")

    count(page, "2", "1")
    expect(page.locator("#station-job [data-value=good]")).to_have_text("2")
    expect(page.locator("#station-job [data-value=scrap]")).to_have_text("1")
    expect(page.locator("#count [name=good]")).to_have_value("")
    expect(page.locator("#trail")).to_contain_text("2 good + 1 scrap")
    expect(wall.locator("#board-units")).to_contain_text("2 / 3")

    count(page, "1")
    page.get_by_role("button", name=re.compile("^Complete$")).click()
    expect(page.locator("#station-state")).to_contain_text("Nothing to run")
    expect(wall.locator("#board-units")).to_contain_text("Free")
    job = JobOrder.objects.get()
    assert (job.status, job.good_quantity, job.scrap_quantity) == ("completed", 3, 1)
    assert {row.person_id for row in Confirmation.objects.all()} == {shop.world.olga.pk}


def test_a_refusal_says_why_and_keeps_what_was_typed(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    count(page, "9")
    expect(page.locator("#notice")).to_contain_text("Book at most 3 good")
    expect(page.locator("#count [name=good]")).to_have_value("9")
    assert not Confirmation.objects.exists()


def test_a_double_press_books_once(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    expect(page.locator("#book button")).to_be_enabled()
    page.fill("#count [name=good]", "1")
    page.evaluate("() => { const b = document.querySelector('#book button'); b.click(); b.click(); b.click(); }")
    expect(page.locator("#station-job [data-value=good]")).to_have_text("1")
    page.wait_for_timeout(300)
    assert Confirmation.objects.count() == 1


def test_a_wrong_pin_says_so_and_signs_nobody_in(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    sign_in(page, pin="918273")
    expect(page.locator("#sign-in-answer")).to_have_text("Badge and PIN do not fit.")
    expect(page.locator("#who")).to_contain_text("Nobody is signed in")


def test_switching_person_takes_less_than_three_seconds_and_the_next_entry_is_hers(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    sign_in(page)
    expect(page.locator("#who")).to_contain_text("Olga")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    before = page.evaluate("performance.timeOrigin + performance.now()")
    sign_in(page, badge="badge-lena")
    expect(page.locator("#who")).to_contain_text("Lena")
    assert page.evaluate("performance.timeOrigin + performance.now()") - before < 3000
    count(page, "1")
    expect(page.locator("#trail")).to_contain_text("1 good")
    assert Confirmation.objects.get().person_id == shop.world.lena.pk


def test_a_badge_held_to_the_reader_opens_the_sign_in(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    page.keyboard.type("badge-olga", delay=5)
    page.keyboard.press("Enter")
    expect(page.locator("#sign-in [name=badge]")).to_have_value("badge-olga")
    expect(page.locator("#sign-in [name=pin]")).to_be_focused()


def test_digits_being_typed_survive_a_change_on_the_line(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    page.locator("#count [name=good]").click()
    page.keyboard.type("2")
    make_job(shop.world.line, shop.world.station, number="WO-77")
    expect(page.locator("#station-next")).to_contain_text("WO-77")
    expect(page.locator("#count [name=good]")).to_have_value("2")
    expect(page.locator("#count [name=good]")).to_be_focused()


def test_a_reason_being_chosen_survives_a_change_on_the_line(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    page.locator("#do").get_by_role("button", name="Pause…").click()
    chosen = page.locator("#edge-pause label").first
    chosen.click()
    confirm(shop, good=1)
    expect(page.locator("#do")).to_contain_text("2 still to do")
    page.locator("#edge-pause").get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#station-state")).to_contain_text("Paused")


def confirm(shop: Shop, good: int) -> None:
    """Somebody else books on the same operation."""
    run(
        confirm_quantity,
        shop.world.lena,
        job_order_id=shop.job.pk,
        good=Decimal(good),
        scrap=Decimal(0),
    )
