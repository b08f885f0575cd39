"""The pictures of the engineers' guide: Pia drafts a workflow, Paula publishes it, an inspector signs at a station."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Browser, Page, expect

from tests.studio_walk import (
    make_it_for,
    save_draft,
    send_for_review,
    sign_in_at_desk,
    take_first_article_from_library,
    type_containment,
)

DANA = ("1001", "402917")
IVO = ("1050", "461283")
STATION = "A32"
PIA = ("pia", "northgate-engineer-7")
CUSTOMER = "Harlow Water"
PAULA = ("paula", "northgate-manager-7")
# Taller than a screen, so that a picture shows a whole page.
DESK = {"width": 1440, "height": 1000}


def take(browser: Browser, base: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pia = signed_in(browser, base, *PIA)
    address = draft(pia, base, folder)
    rule(pia, base, folder)
    paula = signed_in(browser, base, *PAULA)
    paula.goto(f"{address}publish/")
    paula.get_by_label("What changes, and why").fill(f"{CUSTOMER} wants every first piece approved.")
    shoot(paula, folder, "publish")
    paula.get_by_role("button", name="Approve and publish").click()
    expect(paula.get_by_role("heading", name="On the floor")).to_be_visible()
    release(CUSTOMER)
    signature(browser, base, folder)
    next_version(pia, address, folder)
    pia.context.close()
    paula.context.close()


def signed_in(browser: Browser, base: str, name: str, password: str) -> Page:
    page = browser.new_context(viewport=DESK, locale="en-GB", color_scheme="light").new_page()
    sign_in_at_desk(page, base, name, password)
    return page


def draft(page: Page, base: str, folder: Path) -> str:
    """Its address, in review."""
    page.goto(f"{base}/admin/workflows/version/library/")
    shoot(page, folder, "library")
    take_first_article_from_library(page)
    address = page.url.removesuffix("change/")
    page.goto(f"{address}edit/")
    make_it_for(page, CUSTOMER)
    page.locator("#studio-form h3").scroll_into_view_if_needed()
    shoot(page, folder, "edit")
    page.goto(f"{address}check/")
    shoot(page, folder, "check")
    page.goto(f"{address}publish/")
    send_for_review(page)
    return address


def release(customer: str) -> None:
    """As the ERP does: an order at its station, due before all others."""
    from apps.core.actors import Actor
    from apps.orders.commands import Operation, release_work_order
    from apps.plant.models import WorkUnit

    unit = WorkUnit.objects.select_related("work_center__area__site").get(code=STATION)
    release_work_order(
        Actor.system("pictures"),
        uuid4(),
        site_id=unit.site_id,
        number="WO-10501",
        item_code="ES-65-200",
        item_name="End-suction pump ES 65-200",
        quantity=Decimal(12),
        unit="pcs",
        customer=customer,
        due_at=datetime.now(UTC),
        operations=[
            Operation(sequence=10, name="Bolt up", work_center_id=unit.work_center_id, work_unit_id=unit.pk),
        ],
    )


def signature(browser: Browser, base: str, folder: Path) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
    page.goto(base)
    page.get_by_role("button", name=STATION).click()
    page.locator("#who").click()
    page.fill("#sign-in [name=badge]", DANA[0])
    page.fill("#sign-in [name=pin]", DANA[1])
    page.locator("#sign-in button.go").click()
    page.get_by_role("button", name="Make the first piece").click()
    page.locator("#count [name=good]").click()
    page.locator("#count [data-key='1']").click()
    page.locator("#book button").click()
    page.get_by_role("button", name="Have the first piece checked").click()
    page.get_by_role("button", name="Approve the first piece").click()
    page.fill("[name='number.bore']", "65.02")
    shoot(page, folder, "sign")
    page.fill("#edge-approve_first_piece [name=badge]", IVO[0])
    page.fill("#edge-approve_first_piece [name=pin]", IVO[1])
    page.locator("#edge-approve_first_piece .go").click()
    expect(page.locator("#station-state")).to_contain_text("Series")
    page.context.close()


def next_version(page: Page, address: str, folder: Path) -> None:
    """A closer limit than what was signed; what it would have done to that."""
    page.goto(f"{address}edit/")
    page.get_by_role("button", name="Copy to a draft").click()
    page.locator("#studio-list").get_by_role("link", name=re.compile("^Approve the first piece")).click()
    page.locator("#id_inputs-0-high").fill("65.00")
    save_draft(page, "approve_first_piece changed")
    for name in ("Graph", "Simulate"):
        page.get_by_role("link", name=name, exact=True).click()
        if name == "Simulate":
            page.get_by_role("button", name="Simulate").click()
            expect(page.get_by_text("Replay")).to_be_visible()
        shoot(page, folder, name.lower())


def rule(page: Page, base: str, folder: Path) -> None:
    type_containment(page, base, "ES-65-200")
    shoot(page, folder, "rule", whole=True)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Simulate").click()
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_text("Replay")).to_be_visible()
    shoot(page, folder, "rule_simulate")


def shoot(page: Page, folder: Path, name: str, *, whole: bool = False) -> None:
    page.wait_for_timeout(500)
    page.screenshot(path=folder / f"{name}.png", full_page=whole)
