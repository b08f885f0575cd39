"""`make pictures`: the pictures of the README and of the guides, taken from the running demo plant in a browser."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import django
from playwright.sync_api import Browser, Page, expect

from tests import pictures_studio
from tests.bench.running import adopt
from tests.browser import chromium, executable
from tests.environment import BASE_DIR
from tests.pictures_studio import DANA
from tests.supervisor.product import Product

PICTURES = BASE_DIR / "docs" / "pictures"


def main() -> None:
    if not executable():
        sys.exit("Pictures are taken with Chromium: install Debian's chromium.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Product(Path(folder), MFGOS_DEMO="1") as product:
        product.running()
        with chromium() as browser:
            base = f"http://127.0.0.1:{product.port}"
            take(browser, base)
            adopt(product)
            django.setup()
            pictures_studio.take(browser, base, BASE_DIR / "docs" / "engineers")
        product.stop()


def take(browser: Browser, base: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = context.new_page()
    page.goto(base)
    page.screenshot(path=PICTURES / "home.png")
    page.get_by_role("button", name="A33").click()
    work(page)
    for theme in ("light", "dark"):
        page.set_viewport_size({"width": 1280, "height": 800})
        shoot(page, f"{base}/station/NORTH/A33/?theme={theme}", f"station-{theme}")
        page.set_viewport_size({"width": 1920, "height": 1080})
        shoot(page, f"{base}/line/NORTH/L3/?theme={theme}", f"line-{theme}")
    context.close()


def work(page: Page) -> None:
    """Dana signs in and works as far as the pictures show: in the fifth pump, with one scrapped."""
    page.locator("#who").click()
    page.fill("#sign-in [name=badge]", DANA[0])
    page.fill("#sign-in [name=pin]", DANA[1])
    page.locator("#sign-in button.go").click()
    expect(page.locator("#who")).to_contain_text("Dana")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#do .go")).to_contain_text("I have read this")
    step(page, "I have read this")
    page.fill("#do [name=lot_number]", "MS-40-1107")
    step(page, "Scan lot of MS-40")
    for value in ("0.41", "0.39", "0.40"):
        page.fill("#do [name=value]", value)
        step(page, "Save")
        step(page, "Bolt up")
    page.fill("#count [name=scrap]", "1")
    page.locator("#scrap-why").click()
    page.locator("#scrap-sheet label").first.click()
    page.locator("#book button").click()
    expect(page.locator("#trail")).to_contain_text("1 scrap")


def step(page: Page, words: str) -> None:
    """Presses the step's button, and waits until the next step is there."""
    title = page.locator("#do h2").inner_text()
    button = page.locator("#do .go")
    expect(button).to_contain_text(words)
    button.click()
    expect(page.locator("#do h2")).not_to_have_text(title)


def shoot(page: Page, address: str, name: str) -> None:
    page.goto(address)
    expect(page.locator("[data-link-word]")).to_contain_text("Connected")
    page.wait_for_timeout(2000)  # the flash of a changed value has faded
    page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
