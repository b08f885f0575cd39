"""What an engineer does in the admin in a browser: for the stories that show it, and for the guide's pictures."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def sign_in_at_desk(page: Page, base: str, name: str, password: str) -> None:
    page.goto(f"{base}/admin/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")


def take_first_article_from_library(page: Page) -> None:
    """From the page of the library to the page of the draft."""
    page.locator("li", has_text="First-article approval").get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Import as drafts").click()
    expect(page.get_by_text("Look at the drafts")).to_be_visible()
    page.get_by_role("row", name=re.compile("First-article.*draft")).get_by_role("link").first.click()


def make_it_for(page: Page, customer: str) -> None:
    """In the editor: for whom it is, and what the inspector measures."""
    page.locator("#id_applies_to-0-customer").fill(customer)
    save_draft(page, "changed")
    page.locator("#studio-list").get_by_role("link", name=re.compile("^Approve the first piece")).click()
    page.locator("#studio-form").get_by_role("button", name="Input", exact=True).click()
    page.locator("#id_inputs-0-labels_en").fill("Bore")
    page.locator("#id_inputs-0-labels_de").fill("Bohrung")
    page.locator("#id_inputs-0-unit").fill("mm")
    save_draft(page, "approve_first_piece changed")


def save_draft(page: Page, done: str) -> None:
    page.locator(".studio-head").get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#studio-undo")).to_contain_text(done)


def send_for_review(page: Page) -> None:
    """On the page that publishes."""
    page.get_by_role("button", name="Send for review").click()
    expect(page.get_by_text("Someone other than you must approve.")).to_be_visible()


def type_containment(page: Page, base: str, item: str) -> None:
    """A rule, not saved yet: scrap of the item stops the operation."""
    page.goto(f"{base}/admin/workflows/ruleversion/add/")
    page.get_by_label("Name").fill("Containment of porous castings")
    page.get_by_label("When this happens").select_option(label="Quantity reported")
    page.get_by_role("button", name="Condition").click()
    page.locator("#id_conditions-0-field").select_option("event.scrap")
    page.locator("#id_conditions-0-operator").select_option(">")
    page.locator("#id_conditions-0-value").fill("0")
    page.get_by_role("button", name="Place, item or customer").click()
    page.locator("#id_scope-0-item").fill(item)
    page.get_by_role("button", name="Action").click()
    page.locator("#id_actions-0-code").select_option(label="Stop the operation")
    page.locator("#id_actions-0-with_say_en").fill("Set apart what was made since the last good check.")
    page.locator("#id_actions-0-with_say_de").fill("Aussondern, was seit der letzten guten Prüfung gemacht wurde.")
