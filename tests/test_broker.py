"""The tests' own broker does what tests of machines and lights rely on."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt import MQTTException, publish

from tests.broker import Broker, broker

__all__ = ["broker"]


def tell(broker: Broker, topic: str, text: str, **how: Any) -> None:
    publish.single(topic, text, qos=1, retain=True, hostname=broker.host, port=broker.port, **how)


def told(broker: Broker, topic: str) -> str:
    said: queue.Queue[str] = queue.Queue()
    listener = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    listener.on_message = lambda _client, _data, message: said.put(message.payload.decode())
    listener.connect(broker.host, broker.port)
    listener.subscribe(topic, qos=1)
    listener.loop_start()
    try:
        return said.get(timeout=5)
    finally:
        listener.disconnect()
        listener.loop_stop()


def test_what_it_acknowledged_outlives_a_restart_on_the_same_port(broker: Broker) -> None:
    port = broker.port
    tell(broker, "line/1", "red")
    broker.restart()
    assert (broker.port, told(broker, "line/1")) == (port, "red")


def test_after_a_kill_it_is_there_again_on_the_same_port(broker: Broker) -> None:
    port = broker.port
    broker.kill()
    broker.start()
    tell(broker, "line/1", "green")
    assert (broker.port, told(broker, "line/1")) == (port, "green")


def test_with_users_nobody_else_comes_in(tmp_path: Path) -> None:
    with Broker(tmp_path / "closed", users={"andon": "a secret"}) as closed:
        tell(closed, "line/1", "green", auth={"username": "andon", "password": "a secret"})
        with pytest.raises(MQTTException, match="authori"):
            tell(closed, "line/1", "red", auth={"username": "andon", "password": "wrong"})
