"""Signals by a real broker: what it has handed over is here, whatever restarts, once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from apps.core import clock
from apps.core.worker import Service, Worker
from apps.equipment.intake import collecting, listening, mqtt
from apps.equipment.models import SignalSource
from tests.broker import Broker
from tests.equipment.machines import intervals, make_machine
from tests.equipment.sources import counted, kept_out, make_source, make_usual_mappings
from tests.world import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    made = make_world()
    make_machine(made.station, silence_seconds=None)
    return made


@pytest.fixture
def source(broker: Broker, world: World) -> SignalSource:
    made = make_source(world.site, "broker", "mqtt", address=broker.url, topics=["A33/#"])
    make_usual_mappings(made, world.station)
    return made


@contextmanager
def listener() -> Iterator[None]:
    """The worker's own service, as `make up` runs it."""
    worker = Worker([], [Service("tests.signals", listening.listen)])
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive()


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.05)


def is_connected(source: SignalSource) -> bool:
    source.refresh_from_db()
    return source.connected_at is not None


def publish(broker: Broker, *messages: tuple[str, Any]) -> None:
    """Returns when the broker has acknowledged them all."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    sent = [client.publish(topic, json.dumps(payload), qos=1) for topic, payload in messages]
    for each in sent:
        each.wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def good(*numbers: int) -> list[tuple[str, Any]]:
    """One piece each, at times of its own."""
    now = clock.now().timestamp()
    return [("A33/good", {"v": 1, "t": now - 1000 + number / 1000}) for number in numbers]


def test_a_state_is_here_within_a_moment_of_its_message(broker: Broker, source: SignalSource, world: World) -> None:
    with listener():
        until(lambda: is_connected(source))
        publish(broker, ("A33/state", {"v": 2, "t": clock.now().isoformat()}), ("A33/state", "rubbish"))
        told = time.monotonic()
        until(lambda: len(intervals(world.station)) == 1, 5)
        assert time.monotonic() - told < 1
    assert intervals(world.station)[0][0] == "stopped"
    assert kept_out() == [("A33/state", "bad_time")]


def test_what_is_sent_while_we_are_away_comes_when_we_are_back(
    broker: Broker, source: SignalSource, world: World
) -> None:
    with listener():
        until(lambda: is_connected(source))
    publish(broker, *good(*range(300)))
    with listener():
        until(lambda: counted(world.station) == 300)


def test_a_restart_of_the_broker_loses_nothing_and_doubles_nothing(
    broker: Broker, source: SignalSource, world: World
) -> None:
    with listener():
        until(lambda: is_connected(source))
        publish(broker, *good(*range(100)))
        broker.stop()
        until(lambda: not is_connected(source))
        broker.start()
        publish(broker, *good(*range(100, 200)))
        until(lambda: counted(world.station) == 200, 40)
        assert is_connected(source)


def test_nothing_is_acknowledged_before_it_is_committed(
    broker: Broker, source: SignalSource, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away again and again in the middle of a batch; the broker hands the same ones over again."""
    real, failures = collecting.take_signals, iter([True, True, False, True])

    def take(*args: Any) -> Any:
        if next(failures, False):
            raise OperationalError("the database is gone")
        return real(*args)

    monkeypatch.setattr(collecting, "take_signals", take)
    monkeypatch.setattr(mqtt, "MOST_AT_ONCE", 50)
    with listener():
        until(lambda: is_connected(source))
        publish(broker, *good(*range(500)))
        until(lambda: counted(world.station) == 500, 40)
        time.sleep(1)
    assert counted(world.station) == 500
    assert next(failures, None) is None, "it has failed as often as it was to"


def test_one_that_no_code_can_digest_is_kept_out_and_the_rest_is_taken(
    broker: Broker, source: SignalSource, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = collecting.take_signals

    def take(source: SignalSource, raws: Any) -> Any:
        if any(raw.payload == "poison" and raw.doubt is None for raw in raws):
            raise ZeroDivisionError
        return real(source, raws)

    monkeypatch.setattr(collecting, "take_signals", take)
    with listener():
        until(lambda: is_connected(source))
        publish(broker, *good(1, 2, 3), ("A33/good", "poison"), *good(4, 5))
        until(lambda: counted(world.station) == 5 and len(kept_out()) == 1)
    assert kept_out() == [("A33/good", "not_readable")]


def test_of_two_workers_one_listens_and_the_other_takes_over(
    broker: Broker, source: SignalSource, world: World
) -> None:
    first, second = threading.Event(), threading.Event()
    threads = [threading.Thread(target=listening.listen, args=(stop,)) for stop in (first, second)]
    for thread in threads:
        thread.start()
        until(lambda: is_connected(source))
        time.sleep(0.5)
    publish(broker, *good(1, 2))
    until(lambda: counted(world.station) == 2)
    first.set()
    threads[0].join(20)
    publish(broker, *good(3, 4))
    until(lambda: counted(world.station) == 4)
    second.set()
    threads[1].join(20)


def test_a_source_is_left_when_it_is_switched_off_and_a_broker_that_is_not_there_is_said(
    source: SignalSource, broker: Broker
) -> None:
    with listener():
        until(lambda: is_connected(source))
        SignalSource.objects.update(address="mqtt://127.0.0.1:1")
        until(lambda: not is_connected(source) and "refused" in source.last_error)
        SignalSource.objects.update(address=broker.url)
        until(lambda: is_connected(source) and source.last_error == "")


def test_over_tls_with_user_and_password(
    tmp_path: Path, certificate: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one record of TLS at once: what has been read already is not left lying."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("PLANT_BROKER", "right")
    with Broker(tmp_path / "tls", users={"mfgos": "right"}, tls=certificate) as secured:
        address = f"mqtts://localhost:{secured.port}"
        made = make_source(
            world.site, "tls", "mqtt", address=address, topics=["A33/#"], user="mfgos", password_env="PLANT_BROKER"
        )
        make_usual_mappings(made, world.station)
        with listener():
            until(lambda: is_connected(made))
            client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
            client.tls_set()
            client.username_pw_set("mfgos", "right")
            client.connect("localhost", secured.port)
            client.loop_start()
            for topic, payload in good(*range(300)):
                last = client.publish(topic, json.dumps(payload), qos=1)
            last.wait_for_publish(10)
            until(lambda: counted(world.station) == 300)
            client.disconnect()
            client.loop_stop()
            monkeypatch.setenv("PLANT_BROKER", "wrong")
            SignalSource.objects.update(active=False)
            time.sleep(3)
            SignalSource.objects.update(active=True)
            until(lambda: "lets nobody in" in SignalSource.objects.get().last_error)
