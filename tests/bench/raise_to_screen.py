"""From the command that raises a cause until its owner's own screen shows it: one after another, on a floor at work.

p95_s     over all causes; beside it the same change seen by a bare listener of PostgreSQL that reads the row, which is
          the least that any screen would have to wait
"""

from __future__ import annotations

import asyncio
import threading
import time
from functools import cache
from typing import Any
from uuid import uuid4

import psycopg
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.bench.figures import compared, load, percentile, told
from tests.bench.running import own_wire, product
from tests.supervisor.product import Product, until

CAUSES, PAUSE_SECONDS = 100, 0.15
BARS = {"p95_s": "<= 1"}
BEAT = '{"beat": '


def main() -> None:
    with product() as running:
        person_id, cookie = owner()
        screen = Screen(running, person_id, cookie)
        bare = Listener()
        own: list[float] = []
        least: list[float] = []
        until(lambda: screen.frames > 0, 30)
        for number in range(CAUSES):
            exception_id, committed = raised(number)
            own.append(screen.shows(f"/phone/{exception_id}/") - committed)
            least.append(bare.saw(exception_id) - committed)
            ended(number)
            time.sleep(PAUSE_SECONDS)
        screen.stop()
        bare.stop()
    print(f"p50 {percentile(own, 50):.3f} s, max {max(own):.3f} s, {load()}")
    compared("cause to screen", "s", own, least, "a bare listener")
    told("raise_to_screen", {"p95_s": percentile(own, 95)}, BARS)


@cache
def line() -> Any:
    from apps.plant.models import WorkCenter

    return WorkCenter.objects.get(code="L3")


def owner() -> tuple[int, str]:
    """Who owns what nobody qualified stands at on L3 now, signed in at a desk."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from apps.andon.models import FloorException
    from apps.plant.models import Person

    exception_id, _committed = raised(-1)
    person = Person.objects.get_queryset().get(exceptions=FloorException.objects.get(pk=exception_id))
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return person.pk, f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def raised(number: int) -> tuple[int, float]:
    """The exception of a new cause, and when its command began, by the monotonic clock: its own time counts in."""
    from apps.andon.models import FloorException
    from apps.core.actors import Actor
    from tests.bench.raising import raise_some

    where = {"site_id": line().site_id, "line_id": line().pk, "type_code": "missing_skill"}
    begun = time.monotonic()
    raise_some(Actor.system("bench"), uuid4(), first=number, count=1, **where)
    return FloorException.objects.get(cause_kind="bench", cause_key=str(number)).pk, begun


def ended(number: int) -> None:
    """The list of the owner stays as long as a list is on a floor at work."""
    from apps.core.actors import Actor
    from tests.bench.raising import end_one

    end_one(Actor.system("bench"), uuid4(), site_id=line().site_id, number=number)


class Screen:
    """The owner's own, as the phone page opens it."""

    def __init__(self, running: Product, person_id: int, cookie: str) -> None:
        self.frames, self._last, self._stop = 0, "", False
        self._heard = threading.Condition()
        origin = f"http://127.0.0.1:{running.port}"
        url = f"ws://127.0.0.1:{running.port}/live/?fragment=mine:{person_id}&language=en"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch(url, origin, cookie)), daemon=True)
        self._thread.start()

    async def _watch(self, url: str, origin: str, cookie: str) -> None:
        async with connect(url, origin=origin, additional_headers={"Cookie": cookie}, ping_interval=None) as wire:  # type: ignore[arg-type]
            while not self._stop:
                try:
                    frame = str(await wire.recv())
                except ConnectionClosed:
                    return
                if frame.startswith(BEAT):
                    await wire.send(frame.split(",", maxsplit=1)[0] + "}")
                    continue
                with self._heard:
                    self.frames, self._last, self._at = self.frames + 1, frame, time.monotonic()
                    self._heard.notify_all()

    def shows(self, text: str) -> float:
        """When the frame came that shows it."""
        with self._heard:
            assert self._heard.wait_for(lambda: text in self._last, 20), f"{text} was never shown"
            return self._at

    def stop(self) -> None:
        self._stop = True


class Listener:
    """Hears that something has changed, and asks for the row."""

    def __init__(self) -> None:
        self._seen: dict[int, float] = {}
        self._wire, self._reader = own_wire(), own_wire()
        self._wire.autocommit = self._reader.autocommit = True
        self._wire.execute("LISTEN mfgos_live")
        self._stop = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        known: set[int] = set()
        while not self._stop:
            for _word in self._wire.notifies(timeout=0.5, stop_after=1):
                rows: list[Any] = self._reader.execute("SELECT id FROM andon_floorexception ORDER BY id").fetchall()
                now = time.monotonic()
                for (pk,) in rows:
                    if pk not in known:
                        known.add(pk)
                        self._seen[pk] = now

    def saw(self, pk: int) -> float:
        until(lambda: pk in self._seen, 20)
        return self._seen[pk]

    def stop(self) -> None:
        self._stop = True
        try:
            self._wire.close()
        except psycopg.Error:
            return
