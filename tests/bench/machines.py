"""Machines that send: `python -m tests.bench.machines PORT PREFIX COUNT RATE MACHINES`; RATE 0: as fast as can be.

Nine of ten signals are counts, the tenth repeats the state.  At a rate, machine 0 changes its state twice a second.
Prints one JSON line: each change (its time in ms, which is its number) and when it was handed to the client, by the
monotonic clock that all processes share; and the time that the broker took for all.
"""

from __future__ import annotations

import json
import sys
import time

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

AT_ONCE, WAIT_EVERY, FLIP_SECONDS = 2000, 5000, 0.5
STATES = (1, 0)


def send(port: int, prefix: str, count: int, rate: float, machines: int) -> tuple[list[tuple[int, float]], float]:
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.max_inflight_messages_set(AT_ONCE)
    client.connect("127.0.0.1", port)
    client.loop_start()
    begun, base = time.monotonic(), time.time() - 60
    flips: list[tuple[int, float]] = []
    flip_at = begun + FLIP_SECONDS
    last = None
    for number in range(count):
        if rate:
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            if time.monotonic() >= flip_at:
                flip_at += FLIP_SECONDS
                # A time ahead of the reader's clock would count as of its coming, and be another number.
                at_ms = int(time.time() * 1000) - 5
                flips.append((at_ms, time.monotonic()))
                state = STATES[len(flips) % 2]
                client.publish(f"{prefix}/0/state", json.dumps({"v": state, "t": at_ms / 1000}), qos=1)
        machine = 1 + number % (machines - 1)
        name = "state" if number % 10 == 0 else "good"
        at = time.time() if rate else base + number / 1_000_000
        last = client.publish(f"{prefix}/{machine}/{name}", json.dumps({"v": 1, "t": at}), qos=1)
        if not rate and number % WAIT_EVERY == 0:
            last.wait_for_publish(60)
    assert last is not None
    last.wait_for_publish(60)
    seconds = time.monotonic() - begun
    time.sleep(1)
    client.disconnect()
    client.loop_stop()
    return flips, seconds


if __name__ == "__main__":
    port_, prefix_, count_, rate_, machines_ = sys.argv[1:]
    told, took = send(int(port_), prefix_, int(count_), float(rate_), int(machines_))
    print(json.dumps({"flips": told, "seconds": took}), flush=True)
