"""An engineer changes a draft in a browser, without a reload and without losing what was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from playwright.sync_api import Dialog, Page, expect

from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from tests.browser import chromium, executable
from tests.workflows.studio.sent import desk_of
from tests.workflows.workshop import make_shop, thing_workflow

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(executable() is None, reason="no Chromium on PATH: install Debian's chromium"),
]
PATIENCE_MILLISECONDS = 15_000


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def page(shop, live_server):
    """The editor, opened by Pia; a reload would take the mark off the window that is set here."""
    desk = desk_of("pia", shop.version)
    faults: list[str] = []
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        cookie = desk.client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("response", lambda answer: answer.status >= 500 and faults.append(f"{answer.status} {answer.url}"))
        page.goto(f"{live_server.url}{desk.address}")
        page.evaluate("window.isTheSamePage = true")
        yield page
        assert page.evaluate("window.isTheSamePage"), "nothing here needs a reload"
        context.close()
    assert faults == []


def draft():
    return to_definition(Version.objects.latest("number"))


def save(page: Page, name: str = "Save") -> None:
    page.locator(".studio-head").get_by_role("button", name=name, exact=True).click()


def add(page: Page, what: str) -> None:
    page.locator("#studio-form").get_by_role("button", name=what, exact=True).click()


def test_a_state_and_an_edge_with_a_guard_and_an_input_are_added_undone_and_done_again(page: Page) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    page.locator("#studio-add-state").click()
    page.get_by_label("Label (English)").fill("First-piece check")
    page.get_by_label("Status").select_option("held")
    page.get_by_label("Kind").select_option("hold")
    save(page, "Add")
    expect(page.locator("#studio-undo")).to_contain_text("state first_piece_check added")
    expect(page).to_have_url(re.compile(r"\?state=first_piece_check$"))

    page.get_by_role("link", name="Edge from First-piece check").click()
    page.locator("#id_edge-labels_en").fill("Piece is good")
    page.get_by_label("To", exact=False).and_(page.locator("select")).select_option("running")
    page.get_by_label("Line_Lead").or_(page.locator("input[value=line_lead]")).first.check()
    add(page, "Input")
    expect(page.locator("#id_inputs-0-type")).to_be_focused()
    page.locator("#id_inputs-0-labels_en").fill("Torque")
    page.locator("#id_inputs-0-unit").fill("Nm")
    add(page, "Condition")
    page.locator("#id_conditions-0-field").select_option("inputs.torque")
    expect(page.locator("#id_edge-labels_en")).to_have_value("Piece is good")
    page.locator("#id_conditions-0-operator").select_option(">=")
    page.locator("#id_conditions-0-value").fill("12.5")
    save(page, "Add")
    expect(page.locator("#studio-form")).to_contain_text("Say it in at least one language.")
    page.locator("#id_conditions-0-sentence_en").fill("Too loose.")
    page.locator("#id_conditions-0-sentence_en").press("Enter")
    expect(page.locator("#studio-undo")).to_contain_text("edge piece_is_good added")

    made = draft()
    edge = next(edge for edge in made.edges if edge.code == "piece_is_good")
    assert (edge.sources, edge.target, edge.inputs[0].unit) == (["first_piece_check"], "running", "Nm")
    assert (edge.conditions[0].field, edge.conditions[0].value) == ("inputs.torque", 12.5)

    for gone in ("edge piece_is_good added", "state first_piece_check added"):
        page.locator("#studio-undo").click()
        expect(page.locator("#studio-redo")).to_contain_text(gone)
    assert draft() == thing_workflow()
    for back in ("state first_piece_check added", "edge piece_is_good added"):
        page.locator("#studio-redo").click()
        expect(page.locator("#studio-undo")).to_contain_text(back)
    assert draft() == made


def dismissed(page: Page) -> list[str]:
    """What the page asks from here on; the answer is always no."""
    asked: list[str] = []

    def no(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", no)
    return asked


@contextmanager
def without_answers(page: Page) -> Iterator[None]:
    """The network is gone."""
    page.route("**/edit/**", lambda route: route.abort())
    try:
        yield
    finally:
        page.unroute("**/edit/**")


def test_moving_keeps_what_is_typed_and_leaving_it_is_asked_about(page: Page) -> None:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    page.get_by_role("link", name=re.compile("^Held")).click()
    label = page.get_by_label("Label (English)")
    expect(label).to_have_value("Held")
    label.fill("On hold")
    up = page.locator("#up-state-held")
    up.focus()
    up.press("Enter")
    expect(page.locator("#studio-undo")).to_contain_text("state held moved")
    expect(label).to_have_value("On hold")
    expect(up).to_be_focused()

    asked = dismissed(page)
    page.get_by_role("link", name=re.compile("^Running")).click()
    assert len(asked) == 1
    expect(label).to_have_value("On hold")
    with without_answers(page):
        with page.expect_event("requestfailed"):
            save(page)
        page.wait_for_timeout(200)
        page.get_by_role("link", name=re.compile("^Running")).click()
        assert len(asked) == 2
    expect(label).to_have_value("On hold")
    save(page)
    expect(page.locator("#studio-undo")).to_contain_text("state held changed")
    assert [state.code for state in draft().states][3:5] == ["held", "paused"]
    page.get_by_role("link", name=re.compile("^Running")).click()
    expect(label).to_have_value("Running")
    assert len(asked) == 2
