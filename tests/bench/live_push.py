"""Live push: 20 bookings a second on one line, each to be seen on every screen that watches the line.

Latency: from just before COMMIT of a booking (a process of its own) until a screen has the first frame that shows it or
a later one; over every screen and booking of a run.  The figure is the median of the runs' 99th percentiles.
lost: screens that did not end on the last booking.
One web process, as process is compared with process; with two, as `make up` starts, each has half of the screens.
ratio_group_send: frames per CPU second of the one daphne, everything that it does included (listening, rendering,
encoding, sending), against a daphne that only passes a text of the same size on by group_send; in alternation.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from uuid import uuid4

import psutil
from websockets.asyncio.client import connect

from tests.bench.figures import compared, load, percentile, told
from tests.bench.running import folder, helper, product
from tests.supervisor.product import ONE_WEB, ROOT, Product, free_port, until

RATE, SECONDS, RUNS = 20, 8, 5
SCREENS, MORE_SCREENS = 200, 500
BARS = {"p99_ms_200": "<= 150", "p99_ms_500": "<= 300", "lost": "<= 0", "ratio_group_send": ">= 5"}
SECRET = "a-secret-of-the-bench"
BASELINE_MARK = "made ([0-9]+)"


@dataclass(frozen=True)
class Watched:
    """What is looked at: a running operation at the counting station of the demo plant's L3, and by whom."""

    url: str
    origin: str
    cookie: str
    mark: str
    job_id: int
    person_id: int


@dataclass(frozen=True)
class Run:
    """One run: latencies in ms of every screen and change, screens that ended behind, and the server's bill."""

    latencies: list[float]
    lost: int
    frames: int
    server_cpu: float
    client_cpu: float
    frame_bytes: int
    seconds: float

    @property
    def frames_per_cpu_second(self) -> float:
        return self.frames / self.server_cpu

    def __str__(self) -> str:
        return (
            f"p50 {percentile(self.latencies, 50):7.1f}  p99 {percentile(self.latencies, 99):7.1f}"
            f"  max {max(self.latencies):7.1f} ms  lost {self.lost}  {self.frames} frames of {self.frame_bytes} bytes"
            f"  server {self.server_cpu:.2f} CPU s of {self.seconds:.1f}"
            f"  {self.frames_per_cpu_second:,.0f} frames/CPU s  (clients {self.client_cpu:.2f} CPU s)  {load()}"
        )


def main() -> None:
    with product(**ONE_WEB) as running, folder() as scratch:
        watched = prepare(running)
        web = psutil.Process(running.pid_of("daphne"))
        own: list[Run] = []
        base: list[Run] = []
        size = measure_product(watched, web, SCREENS, scratch, seconds=2).frame_bytes
        for _ in range(RUNS):
            own.append(shown(f"mfgos, {SCREENS} screens", measure_product(watched, web, SCREENS, scratch)))
            with baseline() as (port, process):  # a new one each time: what it is behind with would spoil the next run
                base.append(shown(f"group_send, {SCREENS} screens", measure_baseline(port, process, size, scratch)))
        more = [
            shown(f"mfgos, {MORE_SCREENS} screens", measure_product(watched, web, MORE_SCREENS, scratch))
            for _ in range(RUNS)
        ]
    p99 = [percentile(run.latencies, 99) for run in own]
    compared("p99", "ms", p99, [percentile(run.latencies, 99) for run in base], "group_send")
    per_cpu = [run.frames_per_cpu_second for run in own]
    ratio = compared("frames per CPU second", "", per_cpu, [run.frames_per_cpu_second for run in base], "group_send")
    figures = {
        "p99_ms_200": median(p99),
        "p99_ms_500": median(percentile(run.latencies, 99) for run in more),
        "lost": float(sum(run.lost for run in own + more)),
        "ratio_group_send": ratio,
    }
    told("live_push", figures, BARS)


def shown(what: str, run: Run) -> Run:
    print(f"{what:<24} {run}", flush=True)
    return run


def prepare(running: Product) -> Watched:
    """A terminal at L3, its demo jobs begun, and one order so large that the bench never finishes it."""
    from pydantic import SecretStr

    from apps.core.actors import Actor
    from apps.orders.commands import Operation, release_work_order, take_edge
    from apps.orders.models import JobOrder
    from apps.plant.commands import enrol_terminal
    from apps.plant.models import Person, WorkCenter

    bench = Actor.system("bench")
    line = WorkCenter.objects.get(code="L3")
    dana = Person.objects.get(username="dana")
    terminal = enrol_terminal(
        bench, uuid4(), code="BENCH", site_id=line.site_id, work_center_id=line.pk, secret=SecretStr(SECRET)
    )
    assert line.counting_unit_id
    released = release_work_order(
        bench,
        uuid4(),
        site_id=line.site_id,
        number="WO-BENCH",
        item_code="ES-65-200",
        item_name="End-suction pump ES 65-200",
        quantity=Decimal(1_000_000),
        unit="pcs",
        due_at=None,
        operations=[Operation(sequence=70, name="Pack", work_center_id=line.pk, work_unit_id=line.counting_unit_id)],
    )
    (job_id,) = released.job_order_ids
    begun = {job.work_unit_id: job.pk for job in JobOrder.objects.filter(work_center=line, status="ready")}
    for pk in begun.values():
        take_edge(Actor(person_id=dana.pk), uuid4(), job_order_id=pk, edge="start", inputs={})
    return Watched(
        url=f"ws://127.0.0.1:{running.port}/live/?fragment=line-board:{line.pk}",
        origin=f"http://127.0.0.1:{running.port}",
        cookie=f"mfgos_terminal={terminal}.{SECRET}",
        mark=rf'unit-{line.counting_unit_id}\\">([0-9]+)',
        job_id=job_id,
        person_id=dana.pk,
    )


# ---- one run


def measure_product(
    watched: Watched, web: psutil.Process, count: int, scratch: Path, *, seconds: float = SECONDS
) -> Run:
    def publish() -> list[tuple[int, float]]:
        changes = int(RATE * seconds)
        with helper("writer", watched.job_id, watched.person_id, RATE, changes) as writer:
            said, _ = writer.communicate(timeout=seconds + 60)
        found: list[tuple[int, float]] = json.loads(said)
        return found

    return measure((watched.url, watched.origin, watched.cookie, count, watched.mark), web, publish, scratch)


def measure(where: tuple, server: psutil.Process, publish: Callable[[], list[tuple[int, float]]], scratch: Path) -> Run:
    """Connects the screens, has the changes made, waits for the last of them, and reckons up."""
    result = scratch / "screens.json"
    with helper("screens", *where, result) as screens:
        assert screens.stdin
        assert screens.stdout
        assert screens.stdout.readline() == "ready\n", "the screens did not come up"
        time.sleep(1)
        started, before = time.monotonic(), cpu(server)
        changes = publish()
        screens.stdin.write(f"end {changes[-1][0]}\n")
        screens.stdin.flush()
        assert screens.stdout.readline() == "settled\n"
        spent, seconds = cpu(server) - before, time.monotonic() - started
        screens.stdin.write("close\n")
        screens.stdin.flush()
        assert screens.stdout.readline() == "done\n"
    found = json.loads(result.read_text())
    assert found["extensions"] == [], "frames are compressed one by one: permessage-deflate is on"
    assert not found["dropped"], found["dropped"][:3]
    last = changes[-1][0]
    return Run(
        latencies=[late for seen in found["seen"] for late in latencies(changes, seen)],
        lost=sum(seen[-1][0] != last for seen in found["seen"]),
        frames=sum(at >= started for seen in found["seen"] for _, at in seen),
        server_cpu=spent,
        client_cpu=found["cpu"],
        frame_bytes=found["bytes"],
        seconds=seconds,
    )


def latencies(changes: list[tuple[int, float]], seen: list[tuple[int, float]]) -> list[float]:
    """Per change the ms until the first frame that shows it or a later one; both lists are in order of time."""
    late, position = [], 0
    for number, committed in changes:
        while position < len(seen) and seen[position][0] < number:
            position += 1
        if position == len(seen):
            break
        late.append((seen[position][1] - committed) * 1e3)
    return late


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


# ---- the baseline


@contextmanager
def baseline() -> Iterator[tuple[int, psutil.Process]]:
    """A daphne with nothing but channels: its port, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "tests.bench.group_send:application"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        server = psutil.Process(process.pid)
        try:
            until(lambda: any(wire.laddr.port == port for wire in server.net_connections()), 30)
            yield port, server
        finally:
            process.kill()


def measure_baseline(port: int, server: psutil.Process, size: int, scratch: Path) -> Run:
    return measure(
        (f"ws://127.0.0.1:{port}/screen", f"http://127.0.0.1:{port}", "", SCREENS, BASELINE_MARK),
        server,
        lambda: asyncio.run(publish(port, size)),
        scratch,
    )


async def publish(port: int, size: int) -> list[tuple[int, float]]:
    """At the same rate; stamped just before the word to publish is sent, as COMMIT is."""
    sent = []
    async with connect(f"ws://127.0.0.1:{port}/publish") as wire:
        start = time.monotonic()
        for number in range(1, RATE * SECONDS + 1):
            await asyncio.sleep(max(0.0, start + number / RATE - time.monotonic()))
            sent.append((number, time.monotonic()))
            await wire.send(f"{number} {size}")
    return sent
