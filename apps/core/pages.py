"""Pages over HTTP: each is answered in one thread, from its first middleware to its last byte, of a few that stay.

Django's own handler makes a thread for each page and goes back and forth between it and the event loop at every edge
between code that blocks and code that is awaited: eight times with our middleware, none of which is awaited.  That cost
as much as a station's panel itself.  What streams is also sent while it is made, in place of being collected first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from contextvars import Context
from typing import IO, Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]

# Each holds one connection to the database at most; with those that render fragments and let screens in they fit into
# the pool.
THREADS = 16
# Pages that run at the same time: more only compete for the interpreter, and cost half as much again each.
AT_ONCE = 4
# A page that takes longer waits for something else (a lock, a long query): the next begins beside it.
LONG_SECONDS = 0.25


class PageHandler(ASGIHandler):
    """The ASGI application for `http`; whoever comes while all threads are busy waits for the next."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="page")
        self._places = asyncio.Semaphore(AT_ONCE)
        super().__init__()

    def load_middleware(self, is_async: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 - Django's signature
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"pages are asked for by http, not by {scope['type']}")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        loop = asyncio.get_running_loop()
        gone = asyncio.ensure_future(receive())

        def hand_over(message: Message) -> None:
            if gone.done():
                raise RequestAborted
            asyncio.run_coroutine_threadsafe(_sent(send, message), loop).result()

        try:
            async with self._place():
                # A context of its own: what one page leaves behind in its thread is not seen by the next.
                made = await loop.run_in_executor(self._threads, Context().run, self._answer, scope, body, hand_over)
            for message in made:
                await send(message)
        finally:
            gone.cancel()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        await self._places.acquire()
        is_free = False

        def leave() -> None:
            nonlocal is_free
            if not is_free:
                is_free = True
                self._places.release()

        long = asyncio.get_running_loop().call_later(LONG_SECONDS, leave)
        try:
            yield
        finally:
            long.cancel()
            leave()

    def _answer(self, scope: Message, body: IO[bytes], hand_over: Callable[[Message], None]) -> list[Message]:
        """What is left to send; nothing of what streams, which has been handed over while it was made."""
        with closing(body):
            set_script_prefix(get_script_prefix(scope))
            signals.request_started.send(sender=type(self), scope=scope)
            request, refused = self.create_request(scope, body)
            response: Any = refused if request is None else self.get_response(request)
            response._handler_class = type(self)
            with closing(response):
                if not response.streaming:
                    return list(self._messages(response))
                if isinstance(response, FileResponse):
                    response.block_size = self.chunk_size
                try:
                    for message in self._messages(response):
                        hand_over(message)
                except RequestAborted:
                    pass  # nobody waits for the rest
                return []

    def _messages(self, response: Any) -> Iterator[Message]:
        yield {"type": "http.response.start", "status": response.status_code, "headers": list(_headers(response))}
        for part in response if response.streaming else [response.content]:
            for chunk, is_last in self.chunk_bytes(part):
                yield {"type": "http.response.body", "body": chunk, "more_body": response.streaming or not is_last}
        if response.streaming:
            yield {"type": "http.response.body"}


async def _sent(send: Send, message: Message) -> None:
    await send(message)


def _headers(response: HttpResponseBase) -> Iterator[tuple[bytes, bytes]]:
    for name, value in response.items():
        yield name.encode("ascii"), value.encode("latin1")
    for cookie in response.cookies.values():
        yield b"Set-Cookie", cookie.output(header="").strip().encode("ascii")
