"""Many screens in one process: `python -m tests.bench.screens URL ORIGIN COOKIE COUNT MARK RESULT`.

Says "ready" when every screen has its first state.  On "end N" it waits until all show change N, five seconds at most,
and says "settled"; on "close" it closes them and writes RESULT: per screen the changes it saw and when, by the
monotonic clock that all processes share.
A frame is parsed as little as can be: MARK is a regular expression whose group is the number of the change it shows.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

SETTLE_SECONDS = 5.0
CONNECTING_AT_ONCE = 20
PATIENCE_SECONDS = 60
BEAT = re.compile(rb'^\{"beat": (\d+)')


class Screens:
    def __init__(self, mark: str) -> None:
        self.mark = re.compile(mark.encode())
        self.seen: list[list[tuple[int, float]]] = []
        self.frame_bytes = 0
        self.extensions: set[str] = set()
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def watch(self, url: str, origin: str, cookie: str) -> None:
        """One screen: answers the beats as static/floor/live.js does, and notes what it shows."""
        seen: list[tuple[int, float]] = []
        headers = {"Cookie": cookie} if cookie else {}
        async with self._connecting:
            wire = await connect(url, origin=origin, additional_headers=headers, ping_interval=None)  # type: ignore[arg-type]
        self.extensions |= {extension.name for extension in wire.protocol.extensions}
        self.seen.append(seen)
        async with wire:
            while True:
                frame = await wire.recv(decode=False)
                now = time.monotonic()
                if beat := BEAT.match(frame):
                    await wire.send(f'{{"beat": {beat[1].decode()}}}')
                elif found := self.mark.search(frame):
                    seen.append((int(found[1]), now))
                    self.frame_bytes = len(frame)

    def all_show(self, number: int) -> bool:
        return all(seen and seen[-1][0] >= number for seen in self.seen)


async def run(url: str, origin: str, cookie: str, count: int, mark: str) -> dict[str, Any]:
    screens = Screens(mark)
    tasks = [asyncio.create_task(screens.watch(url, origin, cookie)) for _ in range(count)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (len(screens.seen) == count and screens.all_show(0)):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.05)
    print("ready", flush=True)
    before = cpu()
    last = int((await asyncio.to_thread(sys.stdin.readline)).split()[1])
    end = time.monotonic() + SETTLE_SECONDS
    while not screens.all_show(last) and time.monotonic() < end:  # noqa: ASYNC110 - an event per frame would cost
        await asyncio.sleep(0.02)
    spent = cpu() - before
    print("settled", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    dropped = [repr(error) for error in ended if isinstance(error, Exception)]
    found = {"seen": screens.seen, "bytes": screens.frame_bytes, "cpu": spent, "dropped": dropped}
    return found | {"extensions": sorted(screens.extensions)}


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    where, page, cookie_, count_, mark_, result_ = sys.argv[1:]
    Path(result_).write_text(json.dumps(asyncio.run(run(where, page, cookie_, int(count_), mark_))))
    print("done", flush=True)
