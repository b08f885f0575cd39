"""The live channel as daphne serves it: as which role, to whom, and what a screen says when it is cut off."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie

import psycopg
import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import expect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from apps.plant.commands import revoke_terminal
from apps.plant.models import Terminal
from mfgos.supervisor import cluster
from tests.e2e.conftest import Floor
from tests.environment import BASE_DIR
from tests.orders.shop import SYSTEM, make_job, make_shop
from tests.supervisor.product import Product
from tests.world import SECRET, World, make_terminal, run


def watch(product: Product, fragment: str, terminal: Terminal | None, *, origin: str = "", seconds: float = 3) -> list:
    """What a screen hears, until it is closed or the time is over; the close code comes last."""

    async def listen() -> list:
        heard: list = []
        headers = {}
        if terminal:
            headers["Cookie"] = f"mfgos_terminal={terminal.pk}.{SECRET}"
        address = f"ws://127.0.0.1:{product.port}/live/?fragment={fragment}"
        own = f"http://127.0.0.1:{product.port}"
        try:
            async with connect(address, additional_headers=headers, origin=origin or own) as wire:
                async with asyncio.timeout(seconds):
                    while True:
                        heard.append(json.loads(await wire.recv()))
        except TimeoutError:
            return heard
        except InvalidStatus as refused:
            return [*heard, refused.response.status_code]
        except ConnectionClosed as closed:
            return [*heard, closed.rcvd.code if closed.rcvd else None]

    # Apart from the browser of other stories, which keeps a loop in this thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, listen()).result()


@pytest.fixture
def world(transactional_db: None, product: Product) -> World:
    return make_shop().world


@pytest.mark.usefixtures("transactional_db")
def test_daphne_and_the_worker_are_logged_in_as_the_web(product: Product) -> None:
    superuser = cluster.url(BASE_DIR, user="postgres", mode="test", database="postgres")
    asked_until = time.monotonic() + 10
    rows: list[tuple[str, ...]] = []
    with psycopg.connect(superuser, autocommit=True) as wire:
        while not rows and time.monotonic() < asked_until:
            rows = wire.execute(
                "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'mfgos%%'",
                [connection.settings_dict["NAME"]],
            ).fetchall()
    assert rows == [("mfgos_app",)]


class TestAScreen:
    def test_hears_the_whole_state_and_the_beat(self, product: Product, world: World) -> None:
        terminal = make_terminal(world.site, line=world.line)
        heard = watch(product, f"line-board:{world.line.pk}", terminal, seconds=1.5)
        assert any("beat" in frame for frame in heard)
        (state,) = [frame for frame in heard if "fragment" in frame]
        assert 'id="board-units"' in state["html"]

    def test_of_another_site_is_closed(self, product: Product, world: World) -> None:
        terminal = make_terminal(world.other_site, line=world.other_line)
        assert watch(product, f"line-board:{world.line.pk}", terminal)[-1] == 4403

    def test_of_nobody_is_closed(self, product: Product, world: World) -> None:
        assert watch(product, f"line-board:{world.line.pk}", None)[-1] == 4403

    def test_that_asks_for_what_does_not_exist_is_closed(self, product: Product, world: World) -> None:
        assert watch(product, "safe:1", make_terminal(world.site, line=world.line))[-1] == 4404

    def test_opened_from_a_foreign_page_is_refused(self, product: Product, world: World) -> None:
        terminal = make_terminal(world.site, line=world.line)
        address = f"line-board:{world.line.pk}"
        assert watch(product, address, terminal, origin="https://elsewhere.example") == [403]

    def test_of_a_revoked_terminal_is_closed_within_a_second(self, product: Product, world: World) -> None:
        terminal = make_terminal(world.site, line=world.line)
        closed: list = []

        def sit() -> None:
            closed.append((watch(product, f"line-board:{world.line.pk}", terminal, seconds=5)[-1], time.monotonic()))

        watcher = threading.Thread(target=sit)
        watcher.start()
        time.sleep(1)
        revoked_at = time.monotonic()
        run(revoke_terminal, SYSTEM, terminal_id=terminal.pk)
        watcher.join()
        assert closed[0][0] == 4403
        assert closed[0][1] - revoked_at < 1


@pytest.mark.browser
def test_a_wall_whose_listener_is_lost_says_so_and_comes_back_with_the_whole_state(floor: Floor) -> None:
    shop = make_shop()
    wall = floor.screen("/line/S1/L3/", make_terminal(shop.world.site, line=shop.world.line), width=1920, height=1080)
    expect(wall.locator("[data-link]")).to_contain_text("Connected")
    wall.evaluate(
        "() => { window.seen = []; new MutationObserver(() => window.seen.push("
        "document.body.classList.contains('is-stale'))).observe(document.body, {attributes: true}); }"
    )
    superuser = cluster.url(BASE_DIR, user="postgres", mode="test", database="postgres")
    with psycopg.connect(superuser, autocommit=True) as wire:
        wire.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'mfgos live' AND datname = %s",
            [connection.settings_dict["NAME"]],
        )
    make_job(shop.world.line, shop.world.station, number="WO-AFTER")
    expect(wall.locator("#board-next")).to_contain_text("WO-AFTER")
    expect(wall.locator("[data-link]")).to_contain_text("Connected")
    assert True in wall.evaluate("window.seen")


def test_a_screen_of_the_browser_needs_no_live_channel_to_be_first_painted(world: World) -> None:
    client = Client()
    client.cookies.update(SimpleCookie({"mfgos_terminal": f"{make_terminal(world.site, line=world.line).pk}.{SECRET}"}))
    assert b"board-units" in client.get("/line/S1/L3/").content
