"""A second version of a rule: undone and done again, laid beside the first, tried on one line, on all, taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from apps.workflows.models import RuleVersion
from tests.e2e.conftest import Floor
from tests.e2e.test_publish import desk
from tests.e2e.test_steps import take_picture
from tests.orders.shop import make_shop
from tests.studio_walk import send_for_review, type_containment
from tests.world import PASSWORD, give_role, make_person

pytestmark = pytest.mark.browser


@pytest.fixture
def engineers(floor: Floor) -> tuple[Page, Page]:
    make_shop()
    for name in ("petra", "paul"):
        give_role(make_person(name, password=PASSWORD, is_staff=True), "process_engineer")
    return desk(floor, "petra"), desk(floor, "paul")


def approve(page: Page, address: str, note: str, *, first_on: str = "") -> None:
    page.goto(address)
    page.get_by_label("What changes, and why").fill(note)
    if first_on:
        page.get_by_label("first on these").check()
        page.get_by_label(first_on).check()
    page.get_by_role("button", name="Approve and publish").click()
    expect(page.get_by_role("heading", name="On the floor")).to_be_visible()


def test_a_second_version_comes_to_one_line_first_and_goes_back(floor: Floor, engineers: tuple[Page, Page]) -> None:
    petra, paul = engineers
    type_containment(petra, floor.base, "ES-65")
    petra.get_by_role("button", name="Save", exact=True).click()
    expect(petra.get_by_role("heading", name="Containment of porous castings", exact=True)).to_be_visible()
    petra.get_by_role("link", name="Publish", exact=True).click()
    send_for_review(petra)
    approve(paul, petra.url, "Complaint 4711.")

    petra.get_by_role("link", name="Edit", exact=True).click()
    petra.get_by_role("button", name="Copy to a draft").click()
    petra.get_by_label("Then rest for minutes").fill("30")
    petra.get_by_role("button", name="Save", exact=True).click()
    undo, redo = petra.get_by_role("button", name="Undo"), petra.get_by_role("button", name="Redo")
    expect(undo).to_contain_text("rest in minutes")
    take_picture(petra, "rule-draft")
    undo.click()
    expect(redo).to_contain_text("rest in minutes")
    expect(petra.get_by_label("Then rest for minutes")).to_have_value("0")
    redo.click()
    expect(petra.get_by_label("Then rest for minutes")).to_have_value("30")

    petra.get_by_role("link", name="Compare", exact=True).click()
    expect(petra.get_by_text("1 difference from version 1")).to_be_visible()
    expect(petra.locator("ins")).to_have_text("30")
    take_picture(petra, "rule-compare")
    petra.get_by_role("link", name="Publish", exact=True).click()
    send_for_review(petra)
    take_picture(petra, "rule-review")
    paul.goto(petra.url)
    take_picture(paul, "rule-approve")
    approve(paul, petra.url, "Once in half an hour is enough.", first_on="S1 L3")
    expect(paul.get_by_text("It holds only on: L3")).to_be_visible()
    take_picture(paul, "rule-tried")
    paul.get_by_role("button", name="Widen to all lines").click()
    expect(paul.get_by_text("On all lines since")).to_be_visible()
    paul.get_by_label("What is wrong").fill("Half an hour is too long.")
    paul.get_by_role("button", name="Roll back").click()
    expect(paul.get_by_text("Version 3, published")).to_be_visible()
    paul.get_by_role("link", name="History", exact=True).click()
    expect(paul.get_by_text("made to go back to version 1")).to_be_visible()
    take_picture(paul, "rule-history")
    statuses = RuleVersion.objects.filter(rule__code="containment_of_porous_castings").order_by("number")
    assert list(statuses.values_list("status", flat=True)) == ["retired", "retired", "published"]
