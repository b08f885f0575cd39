"""Several people on one operation: they join and leave with badge and PIN, and the screen stays whose it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now
from playwright.sync_api import Page, Route, expect

from apps.core.models import LedgerEvent
from apps.erp_sync.commands.settling import Reference, confirm_posting, park_posting
from apps.erp_sync.models import Posting, PostingState
from apps.labor.commands import clock_on
from apps.labor.models import TimeEntry
from apps.orders.models import Confirmation, JobOrder
from apps.plant.models import Person, WorkUnit
from tests.e2e.conftest import Floor
from tests.e2e.test_german import fits
from tests.e2e.test_station import count, sign_in
from tests.e2e.test_steps import take_picture
from tests.erp_sync.outbox_world import ERP, Outbox, make_outbox
from tests.materials.stock_world import make_item, make_lot
from tests.orders.shop import Shop, make_job, make_shop
from tests.orders.steps_shop import a_unit, publish, spec
from tests.world import PIN, give_role, make_person, make_terminal, run

pytestmark = pytest.mark.browser
BADGE_OF_LENA = "badge-lena"


def give_pins(*people: Person) -> None:
    for person in people:
        person.set_pin(PIN)
        person.save()


@pytest.fixture
def shop(floor: Floor) -> Shop:
    shop = make_shop(quantity=5)
    give_pins(shop.world.olga, shop.world.lena)
    return shop


def station(floor: Floor, shop: Shop) -> Page:
    page = floor.screen("/station/S1/A33/", make_terminal(shop.world.site, station=shop.world.station))
    sign_in(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    return page


def on_now() -> set[int]:
    return set(TimeEntry.objects.open().values_list("person_id", flat=True))


def prove(page: Page, badge: str, act: str, pin: str = PIN) -> None:
    """What a colleague does: badge to the reader, PIN on the keypad, one button."""
    page.locator("#station-job .crew").click()
    page.keyboard.type(badge, delay=5)
    page.keyboard.press("Enter")
    for digit in pin:
        page.locator(f"#crew-form [data-key='{digit}']").click()
    page.locator("#crew-form").get_by_role("button", name=act).click()


def test_a_colleague_joins_and_leaves_and_the_next_entry_stays_the_first_ones(floor: Floor, shop: Shop) -> None:
    page, world = station(floor, shop), shop.world
    expect(page.locator("#station-job .crew")).to_contain_text("Olga")
    prove(page, BADGE_OF_LENA, "Clock on")
    expect(page.locator("#crew-sheet")).to_be_hidden()
    expect(page.locator("#station-job .crew")).to_contain_text("Olga, Lena")
    assert on_now() == {world.olga.pk, world.lena.pk}
    expect(page.locator("#who")).to_contain_text("Olga")
    count(page, "1")
    expect(page.locator("#trail")).to_contain_text("1 good")
    assert Confirmation.objects.get().person_id == world.olga.pk
    prove(page, BADGE_OF_LENA, "Clock off")
    expect(page.locator("#station-job .crew")).not_to_contain_text("Lena")
    assert on_now() == {world.olga.pk}
    expect(page.locator("#who")).to_contain_text("Olga")


def test_a_wrong_pin_clocks_nobody_on_and_is_typed_anew(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    prove(page, BADGE_OF_LENA, "Clock on", pin="918273")
    expect(page.locator("#crew-answer")).to_have_text("Badge and PIN do not fit.")
    expect(page.locator("#crew-form [name=pin]")).to_have_value("")
    expect(page.locator("#crew-form [name=badge]")).to_have_value(BADGE_OF_LENA)
    assert on_now() == {shop.world.olga.pk}
    page.locator("#crew-sheet [data-close]").click()
    page.locator("#station-job .crew").click()
    expect(page.locator("#crew-form [name=badge]")).to_have_value("")
    expect(page.locator("#crew-answer")).to_have_text("")


def test_who_is_signed_in_leaves_and_comes_back_by_one_button(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    page.locator("#station-job .crew").click()
    page.locator("#crew-list").get_by_role("button", name="Clock off").click()
    expect(page.locator("#station-job .crew")).to_contain_text("Nobody is clocked on")
    assert on_now() == set()
    expect(page.locator("#crew-sheet")).to_be_hidden()
    page.locator("#station-job .crew").click()
    page.get_by_role("button", name="Clock on: Olga").click()
    expect(page.locator("#station-job .crew")).to_contain_text("Olga")
    assert on_now() == {shop.world.olga.pk}


def test_one_person_works_on_two_operations_and_leaves_either(floor: Floor, shop: Shop) -> None:
    page, world = station(floor, shop), shop.world
    first = JobOrder.objects.get()
    second = make_job(world.line, None, number="WO-2")
    JobOrder.objects.filter(pk=second.pk).update(work_unit=_second_station(shop))
    other = floor.screen("/station/S1/A34/", make_terminal(world.site, station=_second_station(shop)))
    sign_in(other)
    other.get_by_role("button", name="Start").click()
    expect(other.locator("#station-job .crew")).to_contain_text("Olga")
    assert set(TimeEntry.objects.open().values_list("job_order_id", flat=True)) == {first.pk, second.pk}
    other.locator("#station-job .crew").click()
    row = other.locator("#crew-list .person").filter(has_text="also on WO-1")
    row.get_by_role("button", name="Clock off").click()
    expect(page.locator("#station-job .crew")).to_contain_text("Nobody is clocked on")
    assert list(TimeEntry.objects.open().values_list("job_order_id", flat=True)) == [second.pk]


def _second_station(shop: Shop) -> WorkUnit:
    units = shop.world.line.work_units
    return units.filter(code="A34").first() or units.create(
        site=shop.world.site, code="A34", name="Station A34", position=2
    )


class TestABadgeWhileAStepScans:
    @pytest.fixture
    def page(self, floor: Floor, shop: Shop) -> Page:
        a_unit()
        make_lot(make_item("SEAL-07", lot_tracked=True), "ABC-1")
        publish(spec("scan", "Scan the seals", "per_set_up", scan_item="SEAL-07"))
        make_job(shop.world.line, shop.world.station, number="WO-0", quantity=2)
        page = station(floor, shop)
        expect(page.locator("#do h2")).to_have_text("Scan the seals")
        return page

    def test_opens_the_sign_in_and_is_written_nowhere(self, page: Page) -> None:
        page.keyboard.type(BADGE_OF_LENA, delay=5)
        page.keyboard.press("Enter")
        expect(page.locator("#sign-in [name=badge]")).to_have_value(BADGE_OF_LENA)
        expect(page.locator("#sign-in [name=pin]")).to_be_focused()
        expect(page.locator("#do [data-scan]")).to_have_value("")
        assert not LedgerEvent.objects.filter(data__icontains=BADGE_OF_LENA).exists()
        page.keyboard.type(PIN)
        page.keyboard.press("Enter")
        expect(page.locator("#who")).to_contain_text("Lena")

    def test_a_wrong_label_is_still_refused(self, page: Page) -> None:
        page.keyboard.type("badge-nobody", delay=5)
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_contain_text("badge-nobody is not known")
        expect(page.locator("#sign-in")).to_be_hidden()


def station_of_the_erp(floor: Floor, tmp_path: Path) -> tuple[Outbox, Page]:
    """One piece booked there, and still on its way."""
    outbox = make_outbox(tmp_path / "stub.sqlite")
    give_pins(outbox.world.olga)
    job = outbox.order(3)
    JobOrder.objects.filter(pk=job.pk).update(work_unit=outbox.world.station)
    page = station(floor, Shop(outbox.world, job))
    count(page, "1")
    expect(page.locator("#erp-mark")).to_have_text("ERP: on its way")
    page.evaluate("() => { window.still = true; }")
    return outbox, page


def leased(posting: Posting) -> UUID:
    """The product's worker does not know this test's ERP: the lease is taken from it."""
    token = uuid4()
    until = Now() + timedelta(minutes=5)
    Posting.objects.filter(pk=posting.pk).update(state=PostingState.LEASED, lease_token=token, lease_until=until)
    return token


def test_the_trail_says_that_the_erp_has_it_without_a_reload(floor: Floor, tmp_path: Path) -> None:
    _, page = station_of_the_erp(floor, tmp_path)
    take_picture(page, "erp-on-its-way")
    for posting in Posting.objects.order_by("sequence"):
        documents = [Reference(system="stub", type="document", id=str(posting.pk))]
        confirm_posting(ERP, uuid4(), posting_id=posting.pk, token=leased(posting), documents=documents)
    expect(page.locator("#erp-mark")).to_have_text("ERP")
    assert page.evaluate("() => window.still")
    expect(page.locator("#trail")).not_to_contain_text("document")
    take_picture(page, "erp-there")


def test_an_entry_that_stands_still_says_who_decides_and_why_to_who_may_know(floor: Floor, tmp_path: Path) -> None:
    outbox, page = station_of_the_erp(floor, tmp_path)
    posting = Posting.objects.get(kind="cycle")
    sentence = "Work center 7 has no cost price, so its time can not be booked; the controller has to set one first."
    words = {"code": "no_price", "sentence": sentence, "fixable_by": "erp"}
    park_posting(ERP, uuid4(), posting_id=posting.pk, token=leased(posting), **words)
    expect(page.locator("#erp-mark")).to_have_text("ERP: stands still")
    expect(page.locator("#trail")).to_contain_text("It is decided by: ")
    expect(page.locator("#trail")).not_to_contain_text("cost price")
    take_picture(page, "erp-stands-still")
    supervisor = make_person("remi", name="Remi Adeyemi", site=outbox.world.site, badge="badge-remi", pin=PIN)
    give_role(supervisor, "shift_supervisor", outbox.world.site)
    sign_in(page, badge="badge-remi")
    expect(page.locator("#trail")).to_contain_text(sentence)
    fits(page)
    take_picture(page, "erp-why")


def test_a_form_on_its_way_is_not_replaced_by_what_the_screen_asked_for_before(floor: Floor, shop: Shop) -> None:
    page = station(floor, shop)
    panels: list[Route] = []
    acts: list[Route] = []
    page.route("**/panel/", lambda route: panels.append(route))  # noqa: PLW0108 - Playwright marks the function
    page.route("**/clock/", lambda route: acts.append(route))  # noqa: PLW0108 - Playwright marks the function
    page.locator("#station-job .crew").click()
    page.evaluate("() => { htmx.ajax('GET', document.body.dataset.panel, { swap: 'none' }); }")
    _wait_for(page, panels)
    button = page.locator("#crew-list").get_by_role("button", name="Clock off")
    button.evaluate("(button) => { button.dataset.mine = ''; button.click(); }")
    _wait_for(page, acts)
    # What the page gets differs from what it shows: somebody else has come meanwhile.
    run(clock_on, shop.world.lena, job_order_id=shop.job.pk)
    with page.expect_response("**/panel/"):
        panels[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#crew-list [data-mine]")).to_be_disabled()
    acts[0].continue_()
    expect(page.locator("#crew-sheet")).to_be_hidden()
    assert on_now() == {shop.world.lena.pk}
    page.unroute_all(behavior="ignoreErrors")


def _wait_for(page: Page, routes: list[Route]) -> None:
    for _ in range(100):
        if routes:
            return
        page.wait_for_timeout(50)
    raise AssertionError("the page asked for nothing")
