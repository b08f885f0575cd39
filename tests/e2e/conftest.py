"""Browser stories run against what `make up` runs: its supervisor, its daphne, its worker, on the tests' database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, expect

from apps.core.privileges import settle_privileges
from apps.plant.models import Terminal
from tests.browser import chromium, executable
from tests.environment import BASE_DIR
from tests.supervisor.product import TWO_WEBS, Product
from tests.tables import as_owner, empty
from tests.tryton import seed
from tests.tryton.linked import PASSWORD_ENV
from tests.world import terminal_cookie

from mfgos.supervisor import cluster  # isort: skip


# Two cores carry browser, web, worker and database; how fast the product is, is measured elsewhere.
PATIENCE_MILLISECONDS = 15_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if executable():
        return
    if os.environ.get("MFGOS_REQUIRE_BROWSER"):
        raise pytest.UsageError("Chromium is required here and was not found on PATH.")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="no Chromium on PATH: install Debian's chromium"))


# Gone with the last story: its worker would take up the postings of the tests that come after.
@pytest.fixture(scope="package")
def product(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    folder: Path = tmp_path_factory.mktemp("product")
    name = connection.settings_dict["NAME"]
    urls = {
        key: cluster.url(BASE_DIR, user=user, mode="test", database=name)
        for key, user in [("DATABASE_URL", "mfgos_app"), ("DATABASE_OWNER_URL", "mfgos_owner")]
    }
    secrets = {PASSWORD_ENV: seed.PASSWORD}
    with Product(folder, MFGOS_CLOCK="shared", MFGOS_VOLATILE="1", **TWO_WEBS, **urls, **secrets) as running:
        running.running()
        yield running
        running.stop()
    as_before(django_db_blocker)


def as_before(django_db_blocker: Any) -> None:
    """What its worker has written since the last story, and the rights that it settled without the tests' own app."""
    with django_db_blocker.unblock():
        empty()
        with as_owner():
            settle_privileges()


@pytest.fixture(scope="package")
def chromium_browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(autouse=True)
def _quick_hashes() -> None:
    """Not here: what a PIN costs is part of how long a sign-in takes."""


class Floor:
    """The screens of a plant, each in a browser of its own, as tablets and displays are."""

    def __init__(self, browser: Browser, product: Product) -> None:
        self.browser, self.base = browser, f"http://127.0.0.1:{product.port}"
        self.contexts: list[BrowserContext] = []
        self.faults: list[str] = []

    def screen(
        self,
        path: str,
        terminal: Terminal | None = None,
        *,
        width: int = 1280,
        height: int = 800,
        language: str = "en-GB",
    ) -> Page:
        context = self.browser.new_context(viewport={"width": width, "height": height}, locale=language)
        self.contexts.append(context)
        if terminal:
            ((name, value),) = terminal_cookie(terminal).items()
            context.add_cookies([{"name": name, "value": value, "url": self.base}])
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "response",
            lambda response: response.status >= 500 and self.faults.append(f"{response.url} {response.status}"),
        )
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.goto(f"{self.base}{path}")
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def floor(transactional_db: None, product: Product, chromium_browser: Browser) -> Iterator[Floor]:
    floor = Floor(chromium_browser, product)
    yield floor
    floor.close()
    assert floor.faults == [], "a script failed on a screen"
