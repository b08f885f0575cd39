"""What changes reaches the screens that show it within a second, over the hub of a web process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.andon.commands import acknowledge
from apps.andon.models import FloorException
from apps.core.hub import Hub
from apps.floor import shift_look
from apps.floor.fragments import blocked_fragment, line_alerts, station_fragment
from apps.plant.models import Person
from tests.andon.floor import make_floor
from tests.core.test_live import Screen, on_a_hub, until
from tests.materials.stock_world import make_location, put_stock
from tests.orders.test_cures import Short
from tests.orders.test_material_use import make_store
from tests.world import make_line, make_person, run

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE_SECONDS = 1.0


async def apart(act: Callable[[], Any]) -> None:
    """As in another process: committed, and its connection given back."""

    def run_it() -> None:
        try:
            act()
        finally:
            connection.close()

    await asyncio.to_thread(run_it)


async def soon(condition: Callable[[], bool]) -> None:
    begun = time.monotonic()
    await until(condition)
    assert time.monotonic() - begun < AT_ONCE_SECONDS


def desk(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


class TestAStorm:
    def test_that_somebody_answers_is_quiet_at_every_line_that_it_has_gathered(self) -> None:
        floor = make_floor()
        for n in range(6):
            floor.stop(f"U{n}")
        parent = FloorException.objects.get(cause_kind="storm")
        assert parent.work_center_id is None, "it is of the area"

        async def story(hub: Hub) -> None:
            wall, tablet = Screen(), Screen()
            await hub.subscribe(wall, line_alerts.address(floor.world.line.pk), "en")
            await hub.subscribe(tablet, station_fragment.address(floor.world.station.pk), "en")
            await until(lambda: "level 1 of" in wall.html and "many at once" in tablet.html)
            await apart(lambda: run(acknowledge, floor.sven, exception_id=parent.pk))
            await soon(lambda: "Sven answered" in wall.html and "Sven answered" in tablet.html)

        on_a_hub(story)

    def test_a_line_that_has_none_of_it_is_not_drawn_anew(self) -> None:
        floor = make_floor()
        for n in range(6):
            floor.stop(f"U{n}")
        parent, other = FloorException.objects.get(cause_kind="storm"), make_line(floor.world.area, "L4")
        assert f"line:{floor.world.line.pk}" in parent.topics
        assert f"line:{other.pk}" not in parent.topics


class TestTheBlockedPage:
    @pytest.fixture
    def short(self) -> Short:
        short = Short(make_store(seals=40))
        put_stock(short.store.seal, make_location(short.store.shop.world.site, "LINE-2", kind="production"), 30)
        return short

    def test_hears_of_a_cure_and_of_a_new_owner_and_then_shows_it(self, short: Short) -> None:
        client, place = desk(short.sven), short.store.shop.world.site.place
        page = client.get("/blocked/S1/").content.decode()
        assert f'data-live="blocked:{place}"' in page
        assert 'data-panel="/blocked/S1/panel/"' in page
        boss = make_person("boss", site=short.store.shop.world.site)

        async def story(hub: Hub) -> None:
            screen = Screen()
            await hub.subscribe(screen, blocked_fragment.address(place), "en")
            await until(lambda: "WO-9" in screen.html)
            heard = len(screen.frames)
            exception = await asyncio.to_thread(lambda: short.exception)
            await apart(lambda: FloorException.objects.filter(pk=exception.pk).update(owner=boss))
            await apart(lambda: run(acknowledge, short.sven, exception_id=exception.pk))
            await soon(lambda: len(screen.frames) > heard)
            await apart(lambda: short.press(short.ways("borrow")[0]))
            await soon(lambda: "No order is blocked" in screen.html)

        on_a_hub(story)
        assert "No order is blocked." in client.get("/blocked/S1/panel/").content.decode()

    def test_hears_of_what_only_a_later_page_shows(self, short: Short, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shift_look, "BLOCKED_ROWS", 0)
        place = short.store.shop.world.line.place

        async def story(hub: Hub) -> None:
            screen = Screen()
            await hub.subscribe(screen, blocked_fragment.address(place), "en")
            await until(lambda: bool(screen.html))
            assert "WO-9" not in screen.html
            before = screen.html
            await apart(lambda: run(acknowledge, short.sven, exception_id=short.exception.pk))
            await soon(lambda: screen.html != before)

        on_a_hub(story)

    def test_of_who_may_see_one_line_hears_of_that_line_alone(self, short: Short) -> None:
        world = short.store.shop.world
        page = desk(world.lena).get("/blocked/S1/").content.decode()
        assert f'data-live="blocked:{world.line.place}"' in page
        assert "WO-9" in desk(world.lena).get("/blocked/S1/panel/").content.decode()
        assert desk(world.otto).get("/blocked/S1/panel/").status_code == 404

    def test_somebody_who_is_signed_out_is_told_so(self) -> None:
        assert Client().get("/blocked/S1/panel/", headers={"HX-Request": "true"}).status_code == 401
