"""The live channel of one screen: who may watch what, and the beat that tells silence from stillness.

GET ws /live/?fragment=line-board:7&fragment=station:5&language=de
<- {"fragment": "line-board:7", "html": "..."}             whole state, at once and after each change
<- {"beat": 12, "stale": false, "now": "...", "rate": 1.0}   every few seconds
-> {"beat": 12}                                              the client's answer
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from apps.core import live, rights
from apps.core.hub import Hub, hub
from apps.core.wire import Wire

# A client that has not answered this many beats is too slow, or gone; it is dropped and comes back by itself.
MISSED_BEATS = 4

# How often a client that can't take more is tried again.
ROOM_SECONDS = 0.05

MAX_FRAGMENTS = 12
CLOSE_NOT_ALLOWED, CLOSE_UNKNOWN, CLOSE_SLOW = 4403, 4404, 4408


class LiveConsumer(AsyncWebsocketConsumer):
    """What waits to be sent is bounded: the last state of each fragment and the last beat, no more."""

    hub: Hub | None = None
    addresses: list[str]

    async def connect(self) -> None:
        query = parse_qs(self.scope["query_string"].decode())
        self.addresses = query.get("fragment", [])[:MAX_FRAGMENTS]
        language = query.get("language", [settings.LANGUAGE_CODE])[0]
        self.language = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        self._wire: Wire | None = self.scope.get("wire")
        self._waiting: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._answered: int | None = None
        self._sender: asyncio.Task[None] | None = None
        self._passing: set[asyncio.Task[None]] = set()
        await self.accept()
        refusal = await sync_to_async(self.refusal)()
        if refusal:
            await self.close(code=refusal)
            return
        self.hub = hub()
        for address in self.addresses:
            await self.hub.subscribe(self, address, self.language)
        self._sender = asyncio.create_task(self._send_frames())
        self.recheck()  # rights taken away while it subscribed were announced to others only

    def refusal(self) -> int:
        """A close code, or 0 when every fragment asked for exists and may be seen."""
        actor = rights.identify(self.scope["session"], self.scope.get("cookies", {}))
        try:
            found = [live.find(address) for address in self.addresses]
        except LookupError:
            return CLOSE_UNKNOWN
        if not found:
            return CLOSE_UNKNOWN
        allowed = actor is not None and all(kind.may_view(actor, key) for kind, key in found)
        return 0 if allowed else CLOSE_NOT_ALLOWED

    async def dispatch(self, message: dict[str, Any]) -> None:
        """An answered beat touches no database; Channels would take it through a thread to close old connections."""
        if message["type"] == "websocket.receive":
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:  # noqa: ARG002
        with contextlib.suppress(ValueError, TypeError, KeyError):
            self._answered = int(json.loads(text_data or "")["beat"])

    async def disconnect(self, code: int) -> None:  # noqa: ARG002
        if self._sender:
            self._sender.cancel()
        if self.hub:
            self.hub.unsubscribe(self)

    # -- what the hub calls; none of it waits

    def offer(self, address: str, frame: str) -> None:
        """Straight onto the wire, unless something is on its way already."""
        if self._wire is None or self._waiting or not self._wire.write(frame):
            self._waiting[address] = frame
            self._wake.set()

    def beat(self, number: int, frame: str) -> None:
        if self._answered is None:
            self._answered = number
        if number - self._answered > MISSED_BEATS:
            self._spawn(self.close(code=CLOSE_SLOW))
        else:
            self.offer("", frame)

    def recheck(self) -> None:
        self._spawn(self._recheck())

    # -- own tasks

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _recheck(self) -> None:
        refusal = await sync_to_async(self.refusal)()
        if refusal:
            await self.close(code=refusal)

    async def _send_frames(self) -> None:
        """Sends what could not go out at once. Over a full wire it waits for room, keeping the newest state of each."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                address = next(iter(self._waiting))
                if self._wire is None:
                    await self.base_send({"type": "websocket.send", "text": self._waiting.pop(address)})
                elif self._wire.write(self._waiting[address]):
                    del self._waiting[address]
                else:
                    await asyncio.sleep(ROOM_SECONDS)
