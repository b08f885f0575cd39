"""Signals of 40 machines through a broker into the product of `make up`, on whatever this machine has.

per_second: the worker finds a backlog at the broker; from its first commit until the last signal is committed (90 %
counts, each once; 10 % repeated states).  The baseline takes the same backlog by a bare loop in one process: paho, and
a COPY of each raw message into one table per batch, acknowledged after the commit; no meaning, no counting once, no
states.  Runs alternate.
state_to_board_p95_s: from the publisher's call until a screen on the live channel shows the change, while 2,000 signals
a second come in.  kept_up: how many of these were committed within a second of the last one's sending, as a share.
rss_growth_mb: of the worker, from the end of the first backlog to the end of all; over a million signals with LONG=1.
"""

from __future__ import annotations

import json
import os
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psutil
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.bench.figures import compared, load, percentile, told
from tests.bench.live_push import SECRET, latencies
from tests.bench.machine_board import APP, FRAGMENT
from tests.bench.running import folder, helper, own_wire, product
from tests.broker import Broker
from tests.supervisor.product import Product, until

MACHINES, RUNS = 40, 3
BACKLOG = 330_000 if os.environ.get("LONG") else 40_000
RATE, SECONDS = 2000, 30
BARS = {"per_second": ">= 2000", "state_to_board_p95_s": "<= 1", "kept_up": ">= 1", "rss_growth_mb": "<= 100"}
COUNTED = "SELECT coalesce(sum(quantity), 0) FROM equipment_countedminute"
COPY = (
    "COPY equipment_quarantinedsignal (site_id, source_id, doubt, tag, payload, received_at, count, is_rest) FROM STDIN"
)


class Bulk(Broker):
    """Writes down what it holds once in a while, not all of it with each message: a backlog would never come about."""

    def _config(self) -> str:
        return super()._config().replace("autosave_on_changes true\nautosave_interval 1\n", "autosave_interval 1800\n")


def main() -> None:
    with folder() as scratch, Bulk(scratch / "broker") as broker, product(MFGOS_TEST_APPS=APP) as running:
        source_id, url, origin, cookie = prepare(running, broker)
        worker = psutil.Process(running.pid_of("worker"))
        own: list[float] = []
        bare: list[float] = []
        grown_from = 0
        for number in range(RUNS):
            own.append(taken(broker, source_id))
            grown_from = grown_from or worker.memory_info().rss
            bare.append(by_hand(broker, source_id))
            print(f"{number}: mfgos {own[-1]:8,.0f}/s, bare loop {bare[-1]:8,.0f}/s, {load()}", flush=True)
        late, kept_up = steady(broker, source_id, (url, origin, cookie), scratch)
        grown = (worker.memory_info().rss - grown_from) / 2**20
    print(f"state to board p50 {percentile(late, 50):.3f} s, p95 {percentile(late, 95):.3f} s, max {max(late):.3f} s")
    compared("signals per second", "", own, bare, "bare loop")
    figures = {
        "per_second": median(own),
        "state_to_board_p95_s": percentile(late, 95),
        "kept_up": kept_up,
        "rss_growth_mb": grown,
    }
    told("signals", figures, BARS)


def prepare(running: Product, broker: Broker) -> tuple[int, str, str, str]:
    """Machines at L3 with their mappings, a source that is switched off, and a board for the first machine."""
    from pydantic import SecretStr

    from apps.core.actors import Actor
    from apps.equipment.models import Machine, SignalMapping, SignalSource
    from apps.plant.commands import enrol_terminal
    from apps.plant.models import WorkCenter, WorkUnit

    line = WorkCenter.objects.get(code="L3")
    source = SignalSource.objects.create(
        site_id=line.site_id, code="bench", transport="mqtt", address=broker.url, topics=["bench/#"], active=False
    )
    units = [
        WorkUnit.objects.create(work_center=line, code=f"B{number}", name=f"Bench {number}", position=100 + number)
        for number in range(MACHINES)
    ]
    paths = {"value_path": "v", "time_path": "t"}
    for number, unit in enumerate(units):
        Machine.objects.create(work_unit=unit, silence_seconds=None, raises_exceptions=False)
        states = {"1": "producing", "0": "idle"}
        state = {"work_unit": unit, "tag": f"bench/{number}/state", "meaning": "state", "choices": states}
        count = {"work_unit": unit, "tag": f"bench/{number}/good", "meaning": "count", "counter": "good"}
        for mapping in (state, count):
            SignalMapping.objects.create(source=source, **paths, **mapping)
    terminal = enrol_terminal(
        Actor.system("bench"), uuid4(), code="BENCH", site_id=line.site_id, work_center_id=line.pk,
        secret=SecretStr(SECRET),
    )  # fmt: skip
    url = f"ws://127.0.0.1:{running.port}/live/?fragment={FRAGMENT}:{units[0].pk}"
    return source.pk, url, f"http://127.0.0.1:{running.port}", f"mfgos_terminal={terminal}.{SECRET}"


def counted() -> int:
    with own_wire() as wire:
        return int((wire.execute(COUNTED).fetchone() or (0,))[0])


@contextmanager
def listening(source_id: int) -> Iterator[None]:
    """The worker listens meanwhile, and only then."""
    from apps.equipment.models import SignalSource

    rows = SignalSource.objects.filter(pk=source_id)
    rows.update(active=True, connected_at=None)
    try:
        yield
    finally:
        rows.update(active=False)
        # It looks every second whether it is still to listen.
        time.sleep(3)


# ---- throughput


def taken(broker: Broker, source_id: int) -> float:
    """Signals per second that the worker takes of a backlog."""
    from apps.equipment.models import SignalSource

    with listening(source_id):  # the session has to be there before anything is kept for it
        until(lambda: SignalSource.objects.get(pk=source_id).connected_at, 30)
    before = counted()
    send(broker, "bench", BACKLOG, 0)
    wanted = before + BACKLOG * 9 // 10
    with listening(source_id):
        until(lambda: counted() > before, 30)
        first, begun = counted(), time.perf_counter()
        until(lambda: counted() >= wanted or time.sleep(0.1), 600)
        rate = (wanted - first) / 0.9 / (time.perf_counter() - begun)
    assert counted() == wanted, "a count was lost, or counted twice"
    return rate


def by_hand(broker: Broker, source_id: int) -> float:
    """The same backlog by a bare loop, under a name of its own at the broker."""
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    ready: queue.SimpleQueue[bool] = queue.SimpleQueue()
    with bare_client(broker, ready, waiting):
        ready.get(timeout=30)
    send(broker, "bare", BACKLOG, 0)
    with own_wire() as wire:
        site_id = (wire.execute("SELECT site_id FROM equipment_signalsource LIMIT 1").fetchone() or (0,))[0]
        with bare_client(broker, ready, waiting) as client:
            batch = [waiting.get(timeout=30)]
            begun, done = time.perf_counter(), 0
            while done < BACKLOG:
                end = time.monotonic() + 0.05
                while len(batch) < 2000 and (left := end - time.monotonic()) > 0:
                    try:
                        batch.append(waiting.get(timeout=left))
                    except queue.Empty:
                        break
                now = datetime.now(UTC)
                with wire.cursor() as cursor, cursor.copy(COPY) as rows:
                    for message in batch:
                        text = message.payload.decode()
                        rows.write_row((site_id, source_id, "no_mapping", message.topic, text, now, 1, False))
                wire.commit()
                for message in batch:
                    client.ack(message.mid, message.qos)
                done += len(batch)
                batch = [] if done >= BACKLOG else [waiting.get(timeout=30)]
            taken_seconds = time.perf_counter() - begun
        wire.execute("DELETE FROM equipment_quarantinedsignal")
        wire.commit()
    return BACKLOG / taken_seconds


@contextmanager
def bare_client(broker: Broker, ready: Any, waiting: Any) -> Iterator[Client]:
    client = Client(CallbackAPIVersion.VERSION2, client_id="bare", protocol=MQTTv5, manual_ack=True)
    session = Properties(PacketTypes.CONNECT)
    session.SessionExpiryInterval, session.ReceiveMaximum = 3600, 4000
    client.on_connect = lambda client, *_: client.subscribe("bare/#", qos=1)
    client.on_subscribe = lambda *_: ready.put(True)
    client.on_message = lambda _client, _data, message: waiting.put(message)
    client.connect("127.0.0.1", broker.port, clean_start=False, properties=session)
    client.loop_start()
    try:
        yield client
        time.sleep(0.5)
    finally:
        client.disconnect()
        client.loop_stop()


def send(broker: Broker, prefix: str, count: int, rate: float) -> dict[str, Any]:
    with helper("machines", broker.port, prefix, count, rate, MACHINES) as machines:
        said, _ = machines.communicate(timeout=600)
    found: dict[str, Any] = json.loads(said)
    return found


# ---- latency


def steady(broker: Broker, source_id: int, board: tuple[str, str, str], scratch: Path) -> tuple[list[float], float]:
    """Seconds of each change of a state, and the share of the signals that were there a second after the last."""
    result = scratch / "screens.json"
    with listening(source_id), helper("screens", *board, 1, "since ([0-9]+)", result) as screens:
        assert screens.stdin
        assert screens.stdout
        assert screens.stdout.readline() == "ready\n", "the screen did not come up"
        time.sleep(3)
        before = counted()
        sent = send(broker, "bench", RATE * SECONDS, RATE)
        kept_up = (counted() - before) / (RATE * SECONDS * 0.9)
        print(f"{RATE * SECONDS} signals in {sent['seconds']:.1f} s, {load()}", flush=True)
        for word, answer in ((f"end {sent['flips'][-1][0]}", "settled\n"), ("close", "done\n")):
            screens.stdin.write(f"{word}\n")
            screens.stdin.flush()
            assert screens.stdout.readline() == answer
    (seen,) = json.loads(result.read_text())["seen"]
    found = latencies([(number, at) for number, at in sent["flips"]], seen)
    assert len(found) == len(sent["flips"]), "a change was never shown"
    return [late / 1e3 for late in found], kept_up


if __name__ == "__main__":
    main()
