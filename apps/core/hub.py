"""One per web process: hears which topics changed, renders each dirty fragment once per language, hands it round.

    NOTIFY ─> Listener ─> Hub.mark ─> Feed (one per fragment and language) ─> the same text to every Subscriber

Full state on connect and after a lost listener, so no replay is needed. The first change goes out at once, later ones
at most every COALESCE_SECONDS. A slow client is dropped, never waited for.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Collection, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import psycopg
from django.db import DatabaseError, connection
from django.utils import translation

from apps.core import clock, live
from apps.core.live import FragmentKind

log = logging.getLogger(__name__)

COALESCE_SECONDS = 0.1
# The least rest between two renderings of a fragment, for one that takes nearly as long or longer.
PAUSE_SECONDS = 0.02
BEAT_SECONDS = 5.0
RECONNECT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)

# Renders in one process at a time; more would only compete for the interpreter.
RENDER_THREADS = 2


class Subscriber(Protocol):
    """A connected screen. None of these waits for the network."""

    def offer(self, address: str, frame: str) -> None: ...
    def recheck(self) -> None: ...
    def beat(self, number: int, frame: str) -> None: ...


class Feed:
    """One fragment in one language: its subscribers, its last text, and when it may go out again."""

    def __init__(self, hub: Hub, kind: FragmentKind, key: str, language: str, topics: frozenset[str]) -> None:
        self.hub, self.kind, self.key, self.language, self.topics = hub, kind, key, language, topics
        self.address = kind.address(key)
        self.subscribers: set[Subscriber] = set()
        self.frame = ""
        self._dirty = asyncio.Event()
        self._dirty.set()
        self._task = asyncio.create_task(self._run())

    def mark(self) -> None:
        self._dirty.set()

    def close(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            await self._wait()
            begun = asyncio.get_running_loop().time()
            self._dirty.clear()
            if not self.hub.connected:
                continue  # everything is marked again on reconnect; what could be read now might be old
            try:
                await self._render()
            except Exception:
                log.exception("fragment %s could not be rendered", self.address)
            took = asyncio.get_running_loop().time() - begun
            await asyncio.sleep(max(COALESCE_SECONDS - took, self.kind.rest_seconds - took, PAUSE_SECONDS))

    async def _wait(self) -> None:
        if not self.kind.tick_seconds:
            await self._dirty.wait()
            return
        try:
            await asyncio.wait_for(self._dirty.wait(), self.kind.tick_seconds)
        except TimeoutError:
            return

    async def _render(self) -> None:
        html = await self.hub.html(self.kind, self.key, self.language)
        frame = json.dumps({"fragment": self.address, "html": html}, ensure_ascii=False)
        if frame != self.frame:
            self.frame = frame
            for subscriber in tuple(self.subscribers):
                subscriber.offer(self.address, frame)


class Together:
    """Fragments of one kind and language that the same word makes dirty, as a publication does: rendered at once."""

    def __init__(self, hub: Hub, kind: FragmentKind, language: str) -> None:
        self.hub, self.kind, self.language = hub, kind, language
        self._asked: dict[str, asyncio.Future[str | None]] = {}

    async def html(self, key: str) -> str:
        """By itself where nothing else is asked for, or where that fails."""
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._begin)  # all feeds that were woken together have asked by then
        html = await asyncio.shield(self._asked.setdefault(key, loop.create_future()))
        return html if html is not None else await self.hub.rendered(self.kind, key, self.language)

    def _begin(self) -> None:
        asked, self._asked = self._asked, {}
        self.hub.start(self._render(asked))

    async def _render(self, asked: dict[str, asyncio.Future[str | None]]) -> None:
        found: Mapping[str, str] = {}
        if len(asked) > 1:
            try:
                found = await self.hub.in_thread(render_all, self.kind, list(asked), self.language)
            except Exception:
                log.exception("fragments %s could not be rendered together", self.kind.name)
        for key, waiting in asked.items():
            waiting.set_result(found.get(key))


def render(kind: FragmentKind, key: str, language: str) -> str:
    try:
        with translation.override(language):
            return kind.render(key)
    finally:
        connection.close()  # back to the pool; this thread keeps none


def render_all(kind: FragmentKind, keys: Collection[str], language: str) -> Mapping[str, str]:
    assert kind.render_all, "asked only where there is one"
    try:
        with translation.override(language):
            return kind.render_all(keys)
    finally:
        connection.close()


def topics_of(kind: FragmentKind, key: str) -> frozenset[str]:
    try:
        return frozenset(kind.topics(key))
    finally:
        connection.close()


def plant_time() -> dict[str, Any]:
    """`now` in ISO 8601 and how many seconds of it pass in a real one."""
    try:
        return {"now": clock.now().isoformat(timespec="milliseconds"), "rate": float(clock.rate())}
    finally:
        connection.close()


class Hub:
    """Lives on the event loop of its process; made by the first screen that connects."""

    def __init__(self) -> None:
        self.connected = False
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._by_topic: defaultdict[str, set[Feed]] = defaultdict(set)
        self._together: dict[tuple[str, str], Together] = {}
        self._rendering: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="render")
        self._time: dict[str, Any] = {}
        self._beats = 0
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._beat())]

    def close(self) -> None:
        for task in (*self._tasks, *self._rendering):
            task.cancel()
        for feed in self._feeds.values():
            feed.close()
        self._threads.shutdown(wait=False)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._rendering.add(task)
        task.add_done_callback(self._rendering.discard)

    async def html(self, kind: FragmentKind, key: str, language: str) -> str:
        if kind.render_all is None:
            return await self.rendered(kind, key, language)
        if (kind.name, language) not in self._together:
            self._together[kind.name, language] = Together(self, kind, language)
        return await self._together[kind.name, language].html(key)

    async def rendered(self, kind: FragmentKind, key: str, language: str) -> str:
        html: str = await self.in_thread(render, kind, key, language)
        return html

    async def in_thread(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    async def subscribe(self, subscriber: Subscriber, address: str, language: str) -> None:
        """The whole current state follows at once, if this process has it fresh, else with the first rendering."""
        if (address, language) not in self._feeds:
            kind, key = live.find(address)
            topics = await self.in_thread(topics_of, kind, key)
            if (address, language) not in self._feeds:  # another screen may have been quicker
                feed = self._feeds[address, language] = Feed(self, kind, key, language, topics)
                for topic in topics:
                    self._by_topic[topic].add(feed)
        feed = self._feeds[address, language]
        feed.subscribers.add(subscriber)
        subscriber.beat(self._beats, self._beat_frame())
        if feed.frame:
            subscriber.offer(address, feed.frame)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        for name, feed in list(self._feeds.items()):
            feed.subscribers.discard(subscriber)
            if not feed.subscribers:
                feed.close()
                del self._feeds[name]
                for topic in feed.topics:
                    self._by_topic[topic].discard(feed)

    def _subscribers(self) -> set[Subscriber]:
        return {subscriber for feed in self._feeds.values() for subscriber in feed.subscribers}

    async def _listen(self) -> None:
        attempt = 0
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**listener_parameters(), autocommit=True) as wire:
                    await wire.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(live.CHANNEL)))
                    attempt = 0
                    self._set_connected(connected=True)
                    async for notification in wire.notifies():
                        self._changed(notification.payload)
            except (psycopg.Error, OSError) as error:
                log.warning("live push lost the database (%s); screens show that they are stale", error)
            self._set_connected(connected=False)
            await asyncio.sleep(RECONNECT_SECONDS[min(attempt, len(RECONNECT_SECONDS) - 1)])
            attempt += 1

    def _set_connected(self, *, connected: bool) -> None:
        self.connected = connected
        self._send_beat()
        if connected:
            self._mark(self._feeds.values())  # whatever was missed while away

    async def _beat(self) -> None:
        """Tells a quiet plant from a dead connection, and gives screens the plant's time."""
        while True:
            try:
                self._time = await self.in_thread(plant_time)
            except DatabaseError as error:
                log.warning("no plant time for the heartbeat (%s)", error)
            self._beats += 1
            self._send_beat()
            await asyncio.sleep(BEAT_SECONDS)

    def _send_beat(self) -> None:
        frame = self._beat_frame()
        for subscriber in self._subscribers():
            subscriber.beat(self._beats, frame)

    def _beat_frame(self) -> str:
        return json.dumps({"beat": self._beats, "stale": not self.connected, **self._time})

    def _changed(self, topic: str) -> None:
        if topic == live.ACCESS:
            for subscriber in self._subscribers():
                subscriber.recheck()
        self._mark(self._by_topic.get(topic, ()))

    @staticmethod
    def _mark(feeds: Collection[Feed]) -> None:
        for feed in feeds:
            feed.mark()


def listener_parameters() -> dict[str, Any]:
    """Django's own connection parameters, less what concerns its cursors and its pool."""
    parameters = dict(connection.get_connection_params())
    for name in ("context", "cursor_factory", "prepare_threshold", "pool"):
        parameters.pop(name, None)
    return {**parameters, "application_name": "mfgos live"}


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
