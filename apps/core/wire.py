"""The short way of one ready text to many sockets, where daphne is the server.

The long way (ASGI message, two coroutines of middleware, autobahn's frame and its formatting of a debug line, a turn of
the event loop to register with epoll, another to write) costs five times as much per frame as writing it at once, and
a live screen gets several frames a second. It stays the way of all other servers, of TLS, and of everything but frames.

    websocket = Wired(application)      # outermost: scope["wire"] is the socket of this connection, or None
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any

from autobahn.websocket.protocol import PreparedMessage
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.tcp import Server

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

# Texts whose frames are kept: the last ones of the fragments that change now, each for all its screens.
KEPT = 64


@lru_cache(maxsize=KEPT)
def frame(text: str) -> bytes:
    """As it goes over the wire. The hash of a text is worked out once, so the second screen finds it at no cost."""
    prepared = PreparedMessage(text.encode(), isBinary=False, applyMask=False, doNotCompress=True)
    packed: bytes = prepared.payloadHybi
    return packed


class Wire:
    """The socket of one connection, open and not encrypted."""

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self._protocol = protocol

    def write(self, text: str) -> bool:
        """Hands the text to the kernel at once. False: what was sent before is not through yet, so nothing was sent.

        What the kernel takes only in part is finished by the server; a connection that is going down swallows it.
        """
        protocol, transport = self._protocol, self._protocol.transport
        if protocol.state == protocol.STATE_CONNECTING:
            return False
        if protocol.state != protocol.STATE_OPEN or not transport.connected or transport.disconnecting:
            return True
        if transport._tempDataBuffer or len(transport.dataBuffer) > transport.offset:
            return False
        packed = frame(text)
        sent = transport.writeSomeData(packed)
        if not isinstance(sent, int):
            sent = 0  # lost: the server finds out by itself when it writes
        if sent < len(packed):
            transport.write(packed[sent:])
        return True


def wire_of(send: Any) -> Wire | None:
    """The socket behind an ASGI `send` of daphne's; None for any other server, and for one that encrypts."""
    protocol = send.args[0] if isinstance(send, partial) and send.args else None
    if not isinstance(protocol, WebSocketProtocol):
        return None
    transport = protocol.transport
    return Wire(protocol) if isinstance(transport, Server) and not transport.TLS else None


class Wired:
    """Gives the application its wire."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await self.application({**scope, "wire": wire_of(send)}, receive, send)
