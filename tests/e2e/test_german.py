"""The screens in German: whoever reads it is spoken to in it, and its long words break nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from apps.orders.commands import take_edge
from apps.plant.models import Person
from tests.e2e.conftest import Floor
from tests.e2e.test_station import sign_in
from tests.e2e.test_steps import take_picture
from tests.orders.shop import Shop, make_job, make_shop
from tests.orders.steps_shop import a_unit, gap, publish, spec
from tests.world import PIN, make_calendar, make_terminal, run

pytestmark = pytest.mark.browser

# Elements whose words need more room than they have, or that leave the screen.
WORDED = "button, h1, h2, small, label, dt, dd, .state, .fig, .card, .bar > *, .foot > *"
WITHOUT_ROOM = """(worded) => [...document.querySelectorAll(worded)]
  .filter((part) => part.checkVisibility() && !part.matches(".cut") && !part.querySelector(".cut"))
  .filter((part) => {
    const box = part.getBoundingClientRect();
    const isCut = part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline";
    const isFull = part.matches(".card") && part.scrollHeight > part.clientHeight + 1;
    return isCut || isFull || box.right > innerWidth + 1 || box.bottom > innerHeight + 1;
  }).map((part) => part.outerHTML.slice(0, 120))"""


@pytest.fixture
def shop(floor: Floor) -> Shop:
    shop = make_shop(quantity=1)
    make_calendar(shop.world.site)
    a_unit()
    publish(spec("read", "Read what changed", "once"), gap())
    for person, language in ((shop.world.olga, "de"), (shop.world.lena, "en")):
        person.set_pin(PIN)
        person.language = language
        person.save()
    make_job(shop.world.line, shop.world.station, number="WO-0", quantity=4)
    return shop


def fits(page: Page) -> None:
    page.wait_for_timeout(300)
    assert page.evaluate(WITHOUT_ROOM, WORDED) == []


def test_each_person_is_spoken_to_in_their_own_language(floor: Floor, shop: Shop) -> None:
    page = floor.screen("/station/S1/A33/", make_terminal(shop.world.site, station=shop.world.station))
    expect(page.locator("#station-state")).to_contain_text("Ready")
    sign_in(page)
    expect(page.locator("#who")).to_contain_text("Nächste Buchung läuft auf")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("button", name="Starten").click()
    expect(page.locator("#station-state")).to_contain_text("Läuft")  # came over the live channel
    expect(page.locator("#do")).to_contain_text("Gelesen")
    page.locator("#do .go").click()
    page.fill("#do [name=value]", "0,41")
    expect(page.locator("#do .go")).to_contain_text("0,41 mm speichern")
    expect(page.locator("#verdict")).to_be_visible()
    expect(page.locator("#count [data-mark]")).to_have_text(",")
    page.locator("#do .go").click()
    expect(page.locator("#trail")).to_contain_text("Letzte Buchung: 1 gut")
    sign_in(page, badge="badge-lena")
    expect(page.locator("#station-state")).to_contain_text("Running")
    expect(page.locator("#trail")).to_contain_text("Last entry: 1 good")


def test_when_the_lock_falls_the_screen_has_its_own_language_again(floor: Floor, shop: Shop) -> None:
    page = floor.screen("/station/S1/A33/", make_terminal(shop.world.site, station=shop.world.station))
    sign_in(page)
    expect(page.locator("#station-state")).to_contain_text("Bereit")
    Person.objects.get_queryset().filter(pk=shop.world.olga.pk).update(pin="")  # ends the session, as the lock does
    run(take_edge, shop.world.lena, job_order_id=shop.job.pk, edge="start", inputs={})  # seen on the screen
    expect(page.locator("#station-state")).to_contain_text("Running")
    expect(page.locator("#who")).to_contain_text("Nobody is signed in")


def test_a_screen_whose_scripts_come_late_misses_nothing(floor: Floor, shop: Shop) -> None:
    page = floor.screen("/station/S1/A33/", make_terminal(shop.world.site, station=shop.world.station))

    def comes_late(route: Route) -> None:
        page.wait_for_timeout(1500)
        route.continue_()

    page.route("**/station*.js", comes_late, times=1)
    sign_in(page)
    expect(page.locator("#station-state")).to_contain_text("Bereit")
    Person.objects.get_queryset().filter(pk=shop.world.olga.pk).update(pin="")
    run(take_edge, shop.world.lena, job_order_id=shop.job.pk, edge="start", inputs={})  # seen on the screen
    expect(page.locator("#station-state")).to_contain_text("Running")


def test_long_words_break_no_screen(floor: Floor, shop: Shop) -> None:
    shop.world.lena.language = "de"
    shop.world.lena.save()
    for number in range(3):
        make_job(shop.world.line, shop.world.station, number=f"WO-10{number}", operations=2)
    page = floor.screen(
        "/station/S1/A33/", make_terminal(shop.world.site, station=shop.world.station), language="de-DE"
    )
    expect(page.locator("#who")).to_contain_text("Niemand ist angemeldet")
    fits(page)
    sign_in(page, badge="badge-lena")
    expect(page.locator("#who")).to_contain_text("Lena")
    fits(page)
    page.get_by_role("button", name="Starten").click()
    expect(page.locator("#do")).to_contain_text("Gelesen")
    fits(page)
    page.locator("#do .go").click()
    expect(page.locator("#do [data-type]")).to_be_visible()
    page.fill("#do [name=value]", "0,9")
    fits(page)
    page.locator("#do .go").click()
    expect(page.locator("#do")).to_contain_text("außerhalb der Grenzen")
    fits(page)
    page.locator("#station-job .crew").click()
    fits(page)
    page.locator("#crew-sheet [data-close]").click()
    count_scrap(page)
    expect(page.locator("#trail")).to_contain_text("1 Ausschuss")
    fits(page)
    take_picture(page, "german-station")
    wall = floor.screen(
        "/line/S1/L3/", make_terminal(shop.world.site, line=shop.world.line), width=1920, height=1080, language="de-DE"
    )
    expect(wall.locator("#board-next")).to_contain_text("Als Nächstes")
    fits(wall)
    take_picture(wall, "german-board")


def count_scrap(page: Page) -> None:
    page.locator("#count [name=scrap]").click()
    page.fill("#count [name=scrap]", "1")
    page.locator("#scrap-why").click()
    fits(page)
    page.locator("#scrap-sheet label").first.click()
    page.locator("#book button").click()
