"""The lamps over the line show what stands there, on a real broker, told by the worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from apps.andon.channels.light import Light
from apps.andon.commands import acknowledge, resolve
from apps.andon.lights import Lights
from apps.andon.models import FloorException
from apps.andon.tasks import follow_lights
from apps.core.worker import Task, Worker
from apps.plant.models import WorkUnit
from tests.andon.channels.test_light import kept, watching
from tests.andon.floor import Floor, make_floor
from tests.broker import Broker, broker
from tests.world import run

__all__ = ["broker"]
LINE, STATION = "mfgos/andon/S1/L3", "mfgos/andon/S1/L3/A33"


@pytest.fixture
def lights(broker: Broker, settings: Any) -> Iterator[Lights]:
    settings.MQTT_URL = broker.url
    light = Light()
    yield Lights(light)
    light.close()


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def shown(broker: Broker) -> dict[str, tuple[str, bool]]:
    return {topic: (state["state"], state["blink"]) for topic, state in kept(broker, "mfgos/andon").items()}


@pytest.mark.django_db
class TestALamp:
    def test_goes_through_its_colours_with_what_people_do(self, floor: Floor, lights: Lights, broker: Broker) -> None:
        lights.follow()
        assert (shown(broker)[LINE], shown(broker)[STATION]) == (("green", False), ("green", False))
        stop = floor.stop()
        lights.follow()
        assert shown(broker)[LINE] == ("red", True)
        run(acknowledge, floor.mia, exception_id=stop.pk)
        lights.follow()
        assert shown(broker)[LINE] == ("red", False)
        floor.stop("MS-40", type_code="shortage")
        run(resolve, floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
        lights.follow()
        assert shown(broker)[LINE] == ("amber", False)
        floor.end("MS-40")
        lights.follow()
        assert shown(broker)[LINE] == ("green", False)

    def test_of_the_station_shows_its_own_and_the_lines_shows_all(
        self, floor: Floor, lights: Lights, broker: Broker
    ) -> None:
        other = WorkUnit.objects.create(work_center=floor.world.line, code="A99", name="A99", position=9)
        floor.help()
        lights.follow()
        found = shown(broker)
        assert found[STATION][0] == found[LINE][0] != "green"
        assert found[f"{LINE}/{other.code}"] == ("green", False)

    def test_blinks_no_more_once_the_whole_storm_is_answered(
        self, floor: Floor, lights: Lights, broker: Broker
    ) -> None:
        stop, parent = floor.stop(), floor.stop("all of it")
        FloorException.objects.filter(pk=stop.pk).update(parent=parent)
        run(acknowledge, floor.mia, exception_id=parent.pk)
        lights.follow()
        assert shown(broker)[LINE] == ("red", False)

    def test_is_told_changes_only_and_everything_after_the_broker_was_gone(
        self, floor: Floor, lights: Lights, broker: Broker
    ) -> None:
        lit = lights.follow()
        assert lit >= 2
        assert lights.follow() == 0
        floor.stop()
        assert lights.follow() == 1
        broker.restart()
        floor.stop("MS-40", type_code="shortage")
        assert wait_for(lights.follow) == lit
        assert lights.follow() == 0

    def test_of_a_station_that_is_no_more_goes_out(self, floor: Floor, lights: Lights, broker: Broker) -> None:
        unit = WorkUnit.objects.create(work_center=floor.world.line, code="A99", name="A99", position=9)
        lights.follow()
        WorkUnit.objects.filter(pk=unit.pk).update(code="A98")
        lights.follow()
        assert (shown(broker)[f"{LINE}/A99"], shown(broker)[f"{LINE}/A98"]) == (("off", False), ("green", False))

    def test_asks_the_same_for_many_exceptions(
        self, floor: Floor, lights: Lights, django_assert_max_num_queries: Any
    ) -> None:
        for n in range(4):
            floor.stop(f"T{n}")
        with django_assert_max_num_queries(4):  # one of them is the clock's, if it is asked
            lights.follow()

    def test_without_a_broker_nothing_is_asked(self, settings: Any, django_assert_num_queries: Any) -> None:
        settings.MQTT_URL = ""
        with django_assert_num_queries(0):
            assert Lights(Light()).follow() == 0

    def test_follows_again_by_itself_and_complains_once(
        self, floor: Floor, lights: Lights, broker: Broker, caplog: pytest.LogCaptureFixture, settings: Any
    ) -> None:
        lights.follow()
        broker.stop()
        stop = floor.stop()
        for _ in range(2):
            lights.follow()
        assert len([r for r in caplog.records if "do not follow" in r.message]) == 1
        broker.start()
        wait_for(lights.follow)
        assert shown(broker)[LINE] == ("red", True)
        run(acknowledge, floor.mia, exception_id=stop.pk)
        lights.follow()
        assert shown(broker)[LINE] == ("red", False)


def wait_for(follow: Any, seconds: float = 10) -> int:
    """What it told once it could."""
    end = time.monotonic() + seconds
    while not (told := follow()):
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.1)
    return int(told)


@contextmanager
def working(*tasks: Task) -> Iterator[None]:
    """The worker of the product with these tasks, in a thread."""
    worker = Worker(tasks)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_from_the_cause_to_the_lamp_it_takes_less_than_a_second(broker: Broker, settings: Any) -> None:
    settings.MQTT_URL = broker.url
    floor = make_floor()
    took: list[float] = []
    with watching(broker, LINE) as seen, working(follow_lights):
        assert seen.get(timeout=20)[2]["state"] == "green"
        for n in range(10):
            began = time.monotonic()
            stop = floor.stop(f"T{n}")
            assert seen.get(timeout=5)[2]["state"] == "red"
            took.append(time.monotonic() - began)
            run(resolve, floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
            assert seen.get(timeout=5)[2]["state"] == "green"
    assert max(took) < 1, took
