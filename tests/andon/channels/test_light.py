"""The andon light shows the last state that was told, on a real broker."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from apps.andon.channels import light
from apps.andon.channels.interface import Address, ChannelKind, Failed
from apps.andon.channels.light import Colour, Light
from tests.andon.channels.servers import message
from tests.broker import Broker

MORNING = datetime(2026, 3, 2, 10, 2, tzinfo=UTC)
A34 = light.topic("Nord", "L2", "A34")


@pytest.fixture
def lamp(broker: Broker, settings: Any) -> Iterator[Light]:
    settings.MQTT_URL = broker.url
    made = Light()
    yield made
    made.close()


def show(lamp: Light, colour: Colour, topic: str = A34, seconds: float = 10, **how: Any) -> str:
    told = message(data=light.signal(colour, at=MORNING, **how))
    return lamp.send(told, Address(kind=ChannelKind.LIGHT, topic=topic), seconds)


@contextmanager
def watching(broker: Broker, topic: str, **login: str) -> Iterator[queue.Queue[Any]]:
    seen: queue.Queue[Any] = queue.Queue()
    watcher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    if login:
        watcher.username_pw_set(**login)
    watcher.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
    watcher.on_message = lambda _client, _data, told: seen.put((told.retain, told.topic, json.loads(told.payload)))
    watcher.connect(broker.host, broker.port)
    watcher.loop_start()
    try:
        yield seen
    finally:
        watcher.disconnect()
        watcher.loop_stop()


def kept(broker: Broker, below: str) -> dict[str, Any]:
    """By topic, what a lamp that is switched on now gets; `below` without the wildcard.

    What it publishes itself once it has subscribed comes back after all of that.
    """
    end, found = f"{below}/-", queue.Queue[Any]()
    lamp = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    lamp.on_connect = lambda client, *_: client.subscribe(f"{below}/#", qos=1)
    lamp.on_subscribe = lambda client, *_: client.publish(end, "null", qos=1)
    lamp.on_message = lambda _client, _data, told: found.put((told.topic, json.loads(told.payload)))
    lamp.connect(broker.host, broker.port)
    lamp.loop_start()
    try:
        return dict(iter(lambda: found.get(timeout=30), (end, None)))
    finally:
        lamp.disconnect()
        lamp.loop_stop()


def test_a_lamp_that_is_switched_on_later_shows_the_last_state(broker: Broker, lamp: Light) -> None:
    show(lamp, Colour.AMBER)
    assert show(lamp, Colour.RED, blink=True, exception=17).startswith("PUBACK")
    with watching(broker, "mfgos/andon/#") as seen:
        assert seen.get(timeout=30) == (
            True,
            "mfgos/andon/Nord/L2/A34",
            {"state": "red", "blink": True, "exception": 17, "at": "2026-03-02T10:02:00+00:00"},
        )


def test_a_change_is_seen_at_once_by_a_lamp_that_is_on(broker: Broker, lamp: Light) -> None:
    show(lamp, Colour.RED, exception=17)
    with watching(broker, A34) as seen:
        seen.get(timeout=30)
        show(lamp, Colour.GREEN)
        retained, _, state = seen.get(timeout=1)
    assert not retained
    assert state == {"state": "green", "blink": False, "exception": None, "at": MORNING.isoformat()}


def test_all_lamps_share_one_connection_also_from_many_threads(broker: Broker, lamp: Light) -> None:
    before = threading.active_count()
    topics = [light.topic("Nord", "L2", f"A{n}") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda topic: show(lamp, Colour.RED, topic), topics))
    assert len(set(answers)) == 40
    assert threading.active_count() == before + 1
    with watching(broker, "mfgos/andon/#") as seen:
        assert {seen.get(timeout=30)[1] for _ in topics} == set(topics)


def test_after_a_restart_of_the_broker_it_goes_on_by_itself(broker: Broker, lamp: Light) -> None:
    show(lamp, Colour.RED)
    broker.restart()
    show(lamp, Colour.GREEN, seconds=5)
    with watching(broker, A34) as seen:
        assert seen.get(timeout=30)[2]["state"] == "green"


def test_what_could_not_be_told_does_not_come_late(broker: Broker, lamp: Light) -> None:
    """By then another process may have told something newer."""
    show(lamp, Colour.GREEN)
    broker.stop()
    with pytest.raises(Failed, match="No connection"):
        show(lamp, Colour.RED, seconds=0.5)
    broker.start()
    with watching(broker, A34) as seen:
        assert seen.get(timeout=30)[2]["state"] == "green"
        time.sleep(1.5)
        assert seen.empty()
        show(lamp, Colour.AMBER)
        assert seen.get(timeout=30)[2]["state"] == "amber"


def test_what_was_never_acknowledged_does_not_come_late_either(broker: Broker, lamp: Light) -> None:
    show(lamp, Colour.GREEN)
    broker.restart()
    show(lamp, Colour.GREEN, seconds=5)
    broker.freeze()
    with pytest.raises(Failed, match="did not acknowledge"):
        show(lamp, Colour.RED, seconds=0.5)
    broker.kill()
    broker.start()
    show(lamp, Colour.AMBER, light.topic("Nord", "L3"), seconds=5)
    time.sleep(1.5)
    shown = kept(broker, "mfgos/andon").get(A34, {"state": "nothing"})  # killed before it had written
    assert shown["state"] != "red"


def test_a_broker_that_hangs_is_not_waited_for(broker: Broker, lamp: Light) -> None:
    show(lamp, Colour.GREEN)
    broker.freeze()
    try:
        started_at = time.monotonic()
        with pytest.raises(Failed, match="did not acknowledge"):
            show(lamp, Colour.RED, seconds=0.5)
        assert time.monotonic() - started_at < 1
    finally:
        broker.thaw()
    show(lamp, Colour.AMBER)


def test_login_and_rights_at_the_broker(tmp_path: Path, settings: Any) -> None:
    users = {"andon": "hush/4711@", "lamp": "lamp"}
    rights = "user andon\ntopic write mfgos/andon/Nord/#\n"
    with Broker(tmp_path / "closed", users=users, rights=rights) as closed:
        settings.MQTT_URL = f"mqtt://andon:wrong@{closed.host}:{closed.port}"
        lamp = Light()
        with pytest.raises(Failed, match="MFGOS_MQTT_URL") as caught:
            show(lamp, Colour.RED)
        assert "wrong" not in caught.value.sentence
        settings.MQTT_URL = f"mqtt://andon:hush%2F4711%40@{closed.host}:{closed.port}"
        show(lamp, Colour.RED)
        with pytest.raises(Failed, match="give the user the right"):
            show(lamp, Colour.RED, light.topic("Sued", "L1"))
        lamp.close()


def test_with_tls_only_to_a_broker_whose_certificate_is_trusted(
    tmp_path: Path, certificate: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Broker(tmp_path / "tls", tls=certificate) as closed:
        settings.MQTT_URL = f"mqtts://localhost:{closed.port}"
        lamp = Light()
        with pytest.raises(Failed, match="No connection"):
            show(lamp, Colour.RED, seconds=1)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert show(lamp, Colour.RED).startswith("PUBACK")
        lamp.close()


def test_names_of_places_make_topics_that_mean_nothing_else(broker: Broker, lamp: Light) -> None:
    assert light.topic("Nord/1", "#", "A+3") == "mfgos/andon/Nord_1/_/A_3"
    assert light.topic("Nord", "L2") == "mfgos/andon/Nord/L2"
    show(lamp, Colour.RED, light.topic("Nord", "#", "+"))
    for topic in ("", "mfgos/andon/#", "a" * 70_000):
        with pytest.raises(Failed) as caught:
            show(lamp, Colour.RED, topic)
        assert caught.value.permanent


def test_a_message_without_a_colour_is_refused(lamp: Light) -> None:
    with pytest.raises(Failed, match="colour") as caught:
        lamp.send(message(), Address(kind=ChannelKind.LIGHT, topic=A34), 1)
    assert caught.value.permanent
