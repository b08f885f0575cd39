"""A stopped step, and an operation that goes on by another version, reach the open station within two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.hub import Hub
from apps.floor.fragments import all_station_buttons, exception_topics, station_buttons
from apps.plant.models import WorkUnit
from apps.workflows.commands import resume_edge, stop_edge
from apps.workflows.life.seen import buttons_topic
from apps.workflows.models import EdgeStop, Policy, Version
from apps.workflows.tasks import move_items
from tests.core.test_live import Screen, on_a_hub, until
from tests.floor.test_live_places import apart
from tests.orders.shop import make_job, make_shop
from tests.orders.test_two_versions import engineer, released
from tests.world import make_line, make_station, run

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 2.0


async def in_time(condition: Callable[[], bool]) -> None:
    begun = time.monotonic()
    await until(condition)
    assert time.monotonic() - begun < SECONDS


def mark(*parts: int) -> str:
    return f'data-buttons="{".".join(str(part) for part in parts)}"'


def test_the_station_hears_of_a_stopped_step_and_of_another_version() -> None:
    shop = make_shop()
    paul, old = engineer("paul"), shop.job.workflow_version
    stop: list[int] = []

    def stop_it() -> None:
        stop.append(run(stop_edge, paul, workflow_id=old.workflow_id, edge="start", reason="A crack."))

    def publish_it() -> None:
        released(shop, paul, Policy.SAFE)
        while move_items.run():
            pass

    async def story(hub: Hub) -> None:
        screen = Screen()
        await hub.subscribe(screen, station_buttons.address(shop.world.station.pk), "en")
        await until(lambda: mark(old.pk) in screen.html)
        await apart(stop_it)
        await in_time(lambda: mark(old.pk, stop[0]) in screen.html)
        await apart(lambda: run(resume_edge, paul, stop_id=EdgeStop.objects.get().pk))
        await in_time(lambda: mark(old.pk) in screen.html)
        await apart(publish_it)
        await in_time(lambda: mark(old.pk) not in screen.html and "data-buttons" in screen.html)

    on_a_hub(story)
    assert shop.reload().workflow_version == Version.objects.latest("number")


def test_the_marks_of_many_stations_are_those_of_each_alone_for_the_queries_of_two(settings: Any) -> None:
    settings.CLOCK = "real"  # the shared clock is read from the database now and then
    shop = make_shop()
    line, other = shop.world.line, make_line(shop.world.line.area, "L4")
    for number in range(6):
        unit = make_station(line if number % 2 else other, f"B{number}", position=number + 2)
        make_job(unit.work_center, unit, number=f"WO-B{number}")
    make_job(other, None, number="WO-any")
    run(stop_edge, engineer("paul"), workflow_id=shop.job.workflow_version.workflow_id, edge="start", reason="A crack.")
    keys = [str(pk) for pk in WorkUnit.objects.values_list("pk", flat=True)]
    alone = {key: station_buttons.render(key) for key in keys}
    counts = []
    for some in (keys[:2], keys):
        with CaptureQueriesContext(connection) as queries:
            found = all_station_buttons(some)
        counts.append(len(queries))
        assert found == {key: alone[key] for key in some}
    assert counts[0] == counts[1] <= 4


def test_the_page_of_an_exception_hears_of_its_workflow() -> None:
    assert buttons_topic("exception") in exception_topics("7")
