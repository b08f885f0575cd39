"""Many open stations in one process: `python -m tests.bench.station_screens PORT STATIONS RESULT`.

STATIONS is a file: a list of [fragments, path of the panel, cookie].  A station does as static/floor does: it answers
the beats, and soon after a frame it fetches its panel, or only its ways out where only its buttons have changed.
Says "ready" when each has its first panel.  On "await TEXT" it waits until every panel has shown TEXT, and says
"shown"; on "fetch" all fetch their ways at once, and it says "fetched"; on "close" it writes RESULT: by text the moment
of each station, by the monotonic clock that all processes share, and by fetch the seconds until each had its ways.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

PATIENCE_SECONDS = 30
CONNECTING_AT_ONCE = 20
# Of the panel's address, the part for the ways alone.
WAYS = "ways/"
# As static/floor/act.js waits before it fetches the panel anew, and the ways alone.
REST_SECONDS = {"": 0.15, WAYS: 0.03}


class Stations:
    def __init__(self, port: int, stations: list[list[str]]) -> None:
        self.port, self.stations = port, stations
        self.panels: list[str] = [""] * len(stations)
        self.shown_at: defaultdict[str, dict[int, float]] = defaultdict(dict)
        self.awaited = ""
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def watch(self, number: int) -> None:
        fragments, _, cookie = self.stations[number]
        asked = "".join(f"fragment={fragment}&" for fragment in fragments.split())
        url = f"ws://127.0.0.1:{self.port}/live/?{asked}language=en"
        origin: Any = f"http://127.0.0.1:{self.port}"
        async with self._connecting:
            wire = await connect(url, origin=origin, additional_headers={"Cookie": cookie}, ping_interval=None)
        fetching: asyncio.Task[None] | None = None
        wanted: set[str] = set()
        async with wire:
            async for frame in wire:
                text = str(frame)
                if text.startswith('{"beat": '):
                    await wire.send(text.split(",", maxsplit=1)[0] + "}")
                    continue
                if fetching:
                    fetching.cancel()
                wanted.add(WAYS if text.startswith('{"fragment": "station-buttons:') else "")
                fetching = asyncio.create_task(self._fetch_soon(number, wanted))

    async def _fetch_soon(self, number: int, wanted: set[str]) -> None:
        part = WAYS if wanted == {WAYS} else ""
        await asyncio.sleep(REST_SECONDS[part])
        wanted.clear()
        await asyncio.shield(asyncio.create_task(self.fetch(number, part)))

    async def fetch(self, number: int, part: str) -> None:
        _, path, cookie = self.stations[number]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path}{part} HTTP/1.0\r\nHost: 127.0.0.1:{self.port}\r\nCookie: {cookie}\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        assert " 200 " in answer.split("\r\n", 1)[0], answer[:200]
        now = time.monotonic()
        self.panels[number] = answer
        if self.awaited and self.awaited in answer:
            self.shown_at[self.awaited].setdefault(number, now)

    async def fetched_after(self, number: int, begun: float) -> float:
        await self.fetch(number, WAYS)
        return time.monotonic() - begun

    async def until_all(self, text: str) -> None:
        self.awaited = text
        end = time.monotonic() + PATIENCE_SECONDS
        while len(self.shown_at[text]) < len(self.stations) and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def run(port: int, stations: list[list[str]]) -> dict[str, Any]:
    own = Stations(port, stations)
    tasks = [asyncio.create_task(own.watch(number)) for number in range(len(stations))]
    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        while not all(own.panels):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.05)
    print("ready", flush=True)
    fetches: list[list[float]] = []  # of all stations, each time that all did at once
    while (line := (await asyncio.to_thread(sys.stdin.readline)).rstrip("\n")) != "close":
        if line == "fetch":
            begun = time.monotonic()
            fetches.append(await asyncio.gather(*(own.fetched_after(number, begun) for number in range(len(stations)))))
            print("fetched", flush=True)
        else:
            waiting = asyncio.create_task(own.until_all(line.removeprefix("await ")))
            print("waiting", flush=True)
            await waiting
            print("shown", flush=True)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    dropped = [repr(error) for error in ended if isinstance(error, Exception)]
    return {"shown": {text: list(at.values()) for text, at in own.shown_at.items()}, "dropped": dropped} | {
        "fetches": fetches
    }


if __name__ == "__main__":
    port_, stations_, result_ = sys.argv[1:]
    found = asyncio.run(run(int(port_), json.loads(Path(stations_).read_text())))
    Path(result_).write_text(json.dumps(found))
    print("done", flush=True)
