"""A first article that an inspector signs at the operator's station, and the refusals on the way."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from apps.core.models import LedgerEvent
from apps.workflows.commands import resume_edge
from apps.workflows.models import Signature
from tests.e2e.conftest import Floor
from tests.e2e.test_german import fits
from tests.e2e.test_station import sign_in
from tests.e2e.test_steps import take_picture
from tests.floor.signed_shop import (
    Content,
    SignedShop,
    by_code,
    edge,
    first_article,
    make_signed_shop,
    stopped,
    texts,
)
from tests.orders.shop import make_job
from tests.world import PIN, give_role, make_station, make_terminal, run

pytestmark = pytest.mark.browser
LIVE_SECONDS = 2


def station(floor: Floor, shop: SignedShop) -> Page:
    page = floor.screen("/station/S1/A33/", shop.terminal)
    sign_in(page)
    expect(page.locator("#who")).to_contain_text("Olga")
    return page


def at_the_article(floor: Floor, shop: SignedShop) -> Page:
    page = station(floor, shop)
    page.get_by_role("button", name="Set up").click()
    page.get_by_role("button", name="First piece is made").click()
    expect(page.locator("#station-state")).to_contain_text("First article")
    return page


def prove(page: Page, sheet: str, badge: str, pin: str = PIN) -> None:
    """Badge to the reader, PIN on the keypad."""
    page.locator(f"{sheet} [name=badge]").focus()
    page.keyboard.type(badge, delay=5)
    page.keyboard.press("Enter")
    for digit in pin:
        page.locator(f"{sheet} [data-key='{digit}']").click()


def fill_in(page: Page, sheet: str) -> None:
    page.locator(f"{sheet} [name='number.torque']").fill("12,5")
    page.locator(f"{sheet} label", has_text="Yes").click()
    page.locator(f"{sheet} [name='lot.casting']").focus()
    page.keyboard.type("C-9", delay=5)
    page.keyboard.press("Enter")


SHEET = "#edge-approve_first"


def test_the_operator_sets_up_and_the_inspector_signs_with_badge_and_pin(floor: Floor) -> None:
    shop = make_signed_shop()
    page = at_the_article(floor, shop)
    wall = floor.screen("/line/S1/L3/", make_terminal(shop.world.site, line=shop.world.line), width=1920, height=1080)
    take_picture(page, "sign-offered")
    page.get_by_role("button", name="Approve first piece").click()
    expect(page.locator(SHEET)).to_contain_text("I have checked the first piece")
    expect(page.locator(SHEET)).to_contain_text("12 to 14 Nm")
    fill_in(page, SHEET)
    expect(page.locator(f"{SHEET} [name='input.remark']")).to_be_focused()

    # Who has set it up does not sign; what was typed stays.
    prove(page, SHEET, "badge-olga")
    take_picture(page, "sign-sheet")
    page.locator(f"{SHEET} .go").click()
    expect(page.locator(f"{SHEET}-answer")).to_contain_text("“Approve first piece” is not yours to do here.")
    take_picture(page, "sign-refused")
    expect(page.locator(f"{SHEET} [name='number.torque']")).to_have_value("12,5")
    expect(page.locator(f"{SHEET} [name=pin]")).to_have_value("")

    page.locator(f"{SHEET} [name=badge]").fill("")
    prove(page, SHEET, "badge-ivan", pin="918273")
    page.locator(f"{SHEET} .go").click()
    expect(page.locator(f"{SHEET}-answer")).to_have_text("Badge and PIN do not fit.")

    # Something else changes on the line meanwhile, and nothing of the sheet is lost.
    make_job(shop.world.line, shop.world.station, number="WO-77")
    expect(page.locator("#station-next")).to_contain_text("WO-77")
    page.wait_for_timeout(600)
    expect(page.locator(f"{SHEET} [name='number.torque']")).to_have_value("12,5")
    expect(page.locator(f"{SHEET} [name='lot.casting']")).to_have_value("C-9")
    expect(page.locator(f"{SHEET} [name='yes_no.clean'][value=yes]")).to_be_checked()
    for digit in PIN:
        page.locator(f"{SHEET} [data-key='{digit}']").click()
    page.locator(f"{SHEET} .go").click()
    expect(page.locator("#notice")).to_contain_text("Signed by Ivan.")
    expect(page.locator(SHEET)).to_have_count(0)
    expect(page.locator("#station-state")).to_contain_text("Running")
    expect(page.locator("#who")).to_contain_text("Olga")
    expect(wall.locator("#board-units")).to_contain_text("0 / 24")
    take_picture(page, "sign-done")
    assert Signature.objects.get().person_id == shop.world.ivan.pk
    assert shop.reload().state == "running"


def test_two_sign_and_what_one_has_signed_can_be_withdrawn(floor: Floor) -> None:
    shop = make_signed_shop(first_article(signers=2))
    page = at_the_article(floor, shop)
    other = floor.screen("/station/S1/A33/", shop.terminal)
    sign_in(other, badge="badge-lena")
    expect(other.locator("#do")).to_contain_text("Approve first piece")

    def sign(name: str) -> None:
        page.get_by_role("button", name="Approve first piece…").click()
        if page.locator(f"{SHEET} [name='number.torque']").count():
            fill_in(page, SHEET)
        prove(page, SHEET, f"badge-{name}")
        page.locator(f"{SHEET} .go").click()
        expect(page.locator("#notice")).to_contain_text(f"Signed by {name.title()}")

    sign("ivan")
    expect(page.locator("#do")).to_contain_text("Signed by Ivan; one more is needed.")
    expect(other.locator("#do")).to_contain_text("Signed by Ivan; one more is needed.")
    take_picture(page, "sign-one-more")
    other.locator("#do").get_by_role("button", name="Withdraw").click()
    expect(page.locator("#do")).not_to_contain_text("one more is needed")
    sign("ivan")
    page.get_by_role("button", name="Approve first piece…").click()
    expect(page.locator(f"{SHEET} .sign.done")).to_contain_text("Ivan")
    expect(page.locator(f"{SHEET} .kv")).to_contain_text("12.5 Nm")
    take_picture(page, "sign-second")
    page.locator(f"{SHEET} [data-close]").click()
    sign("iris")
    expect(page.locator("#station-state")).to_contain_text("Running")
    expect(other.locator("#station-state")).to_contain_text("Running")


def test_a_stop_is_on_every_screen_within_two_seconds_and_says_who_and_why(floor: Floor) -> None:
    shop = make_signed_shop()
    page = station(floor, shop)
    expect(page.locator("#do")).to_contain_text("Set up")
    page.evaluate("() => { window.still = true; }")
    begun = time.monotonic()
    stop_id = stopped(shop, "set_up", "Crack in the fixture.")
    expect(page.locator("#do")).to_contain_text("“Set up” has been stopped by Pia: Crack in the fixture.")
    assert time.monotonic() - begun < LIVE_SECONDS
    take_picture(page, "stopped-edge")
    begun = time.monotonic()
    run(resume_edge, shop.world.pia, stop_id=stop_id)
    expect(page.locator("#do")).not_to_contain_text("Crack")
    assert time.monotonic() - begun < LIVE_SECONDS
    assert page.evaluate("() => window.still")


def test_a_job_of_the_old_version_works_on_beside_one_of_the_new(floor: Floor) -> None:
    shop = make_signed_shop()
    page = at_the_article(floor, shop)
    page.evaluate("() => { window.still = true; }")
    unit = make_station(shop.world.line, "A34")

    def without(content: Content) -> None:
        content["edges"].append(edge("skip", "Skip the article", ["setting_up"], "paused", roles=["operator"]))

    shop.publish(without)
    make_job(shop.world.line, unit, number="WO-8")
    new = floor.screen("/station/S1/A34/", make_terminal(shop.world.site, station=unit))
    sign_in(new)
    new.get_by_role("button", name="Set up").click()
    expect(new.locator("#do")).to_contain_text("Skip the article")
    expect(page.locator("#do")).to_contain_text("Approve first piece")
    expect(page.locator("#do")).not_to_contain_text("Skip the article")
    page.get_by_role("button", name="Approve first piece…").click()
    fill_in(page, SHEET)
    prove(page, SHEET, "badge-ivan")
    page.locator(f"{SHEET} .go").click()
    expect(page.locator("#station-state")).to_contain_text("Running")
    new.get_by_role("button", name="Skip the article").click()
    expect(new.locator("#station-state")).to_contain_text("Pause")
    assert page.evaluate("() => window.still")


def test_a_broken_step_is_overridden_by_a_supervisor_by_name(floor: Floor) -> None:
    def broken(content: Content) -> None:
        sentence = texts("Not yet.")
        by_code(content, "set_up").update(expression="1 / (24 - int(to_do)) > 0", expression_sentence=sentence)

    shop = make_signed_shop(broken)
    give_role(shop.world.lena, "shift_supervisor", shop.world.site)
    page = station(floor, shop)
    expect(page.locator("#do")).to_contain_text("can't be checked, so it is not allowed")
    expect(page.locator("#do")).to_contain_text("It can be overridden, with a reason, by: ")
    expect(page.get_by_role("button", name="Override")).to_have_count(0)
    take_picture(page, "broken-operator")
    sign_in(page, badge="badge-lena")
    expect(page.locator("#who")).to_contain_text("Lena")
    page.locator("#do").get_by_role("button", name="Override: Set up…").click()
    sheet = "#override-set_up"
    page.locator(f"{sheet} [name=why]").fill("The customer waits, and the rule is wrong.")
    prove(page, sheet, "badge-lena")
    fits(page)
    take_picture(page, "override-sheet")
    page.locator(f"{sheet} .go").click()
    expect(page.locator("#notice")).to_contain_text("Overridden by Lena. It is on record.")
    expect(page.locator("#station-state")).to_contain_text("Setting up")
    assert LedgerEvent.objects.get(kind="workflows.edge_overridden").actor_id == shop.world.lena.pk
