"""The short way to the sockets of daphne: what goes over it, and when it is not taken."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from daphne.server import Server as Daphne
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.tcp import Server

from apps.core.consumers import LiveConsumer
from apps.core.wire import Wire, Wired, frame, wire_of
from tests.core.loops import on_a_loop


class Transport(Server):
    """A socket of the server that takes `room` bytes."""

    connected, disconnecting, TLS = 1, False, False

    def __init__(self, room: int = 1_000_000) -> None:
        self.room, self.taken, self._tempDataBuffer = room, b"", []

    def writeSomeData(self, data: bytes) -> int | Exception:  # noqa: N802
        if self.room < 0:
            return ConnectionError()
        taken, self.room = data[: self.room], max(0, self.room - len(data))
        self.taken += bytes(taken)
        return len(taken)

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)


def protocol_on(transport: Any) -> WebSocketProtocol:
    protocol = WebSocketProtocol.__new__(WebSocketProtocol)
    protocol.transport, protocol.state = transport, WebSocketProtocol.STATE_OPEN
    return protocol


class TestWire:
    def test_writes_one_unmasked_text_frame_at_once(self) -> None:
        transport = Transport()
        assert Wire(protocol_on(transport)).write("made 5 \u00d7")
        assert transport.taken == b"\x81" + b"\x09" + "made 5 \u00d7".encode()
        assert transport._tempDataBuffer == []

    @pytest.mark.parametrize(
        ("length", "head"), [(125, b"\x81\x7d"), (126, b"\x81\x7e\x00\x7e"), (70_000, b"\x81\x7f")]
    )
    def test_says_the_length_as_the_protocol_has_it(self, length: int, head: bytes) -> None:
        assert frame("x" * length).startswith(head)
        assert frame("x" * length).endswith(b"x" * length)

    def test_leaves_the_rest_of_a_frame_to_the_server_and_then_takes_no_more(self) -> None:
        transport = Transport(room=5)
        wire = Wire(protocol_on(transport))
        assert wire.write("first")
        assert transport.taken + b"".join(transport._tempDataBuffer) == frame("first")
        assert not wire.write("second"), "it would have cut the first frame in two"
        transport._tempDataBuffer.clear()
        assert wire.write("third")

    def test_leaves_a_lost_connection_to_the_server(self) -> None:
        transport = Transport(room=-1)
        assert Wire(protocol_on(transport)).write("gone")
        assert transport._tempDataBuffer == [frame("gone")]

    def test_swallows_what_comes_after_the_close_and_holds_back_what_comes_before_the_handshake(self) -> None:
        transport = Transport()
        protocol = protocol_on(transport)
        protocol.state = WebSocketProtocol.STATE_CLOSING
        assert Wire(protocol).write("late")
        protocol.state = WebSocketProtocol.STATE_CONNECTING
        assert not Wire(protocol).write("early")
        assert transport.taken == b""


class TestWireOf:
    def test_daphne_is_its_socket(self) -> None:
        daphne = Daphne.__new__(Daphne)
        assert wire_of(partial(daphne.handle_reply, protocol_on(Transport()))) is not None

    def test_another_server_or_an_encrypted_connection_is_none(self) -> None:
        encrypted = Transport()
        encrypted.TLS = True
        sends: list[Any] = [print, partial(print, 7), partial(print, protocol_on(encrypted)), partial(print)]
        assert [wire_of(send) for send in sends] == [None] * 4

    def test_reaches_the_application_in_its_scope(self) -> None:
        seen: list[Any] = []

        async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
            seen.append(scope["wire"])

        on_a_loop(Wired(application)({"type": "websocket"}, None, print))
        assert seen == [None]


class TestAConsumer:
    @staticmethod
    def consumer(wire: Any) -> LiveConsumer:
        made = LiveConsumer()
        made._wire, made._waiting, made._wake = wire, {}, asyncio.Event()
        return made

    def test_over_a_full_wire_keeps_the_newest_state_of_each_fragment_only(self) -> None:
        async def story() -> None:
            transport = Transport(room=0)
            consumer = self.consumer(Wire(protocol_on(transport)))
            for made in range(50):
                consumer.offer("line-board:1", f"made {made}")
                consumer.offer("", f'{{"beat": {made}}}')
            assert transport._tempDataBuffer == [frame("made 0")]
            assert consumer._waiting == {"": '{"beat": 49}', "line-board:1": "made 49"}
            sender = asyncio.create_task(consumer._send_frames())
            await asyncio.sleep(0.01)
            transport._tempDataBuffer, transport.room = [], 1_000
            await asyncio.sleep(0.2)
            sender.cancel()
            assert transport.taken == frame('{"beat": 49}') + frame("made 49")
            assert consumer._waiting == {}

        on_a_loop(story())

    def test_without_a_wire_sends_as_asgi_has_it(self) -> None:
        async def story() -> None:
            sent: list[Any] = []

            async def send(message: Any) -> None:
                sent.append(message)

            consumer = self.consumer(None)
            consumer.base_send = send
            sender = asyncio.create_task(consumer._send_frames())
            consumer.offer("line-board:1", "made 1")
            consumer.offer("line-board:1", json.dumps("made 2"))
            await asyncio.sleep(0.01)
            sender.cancel()
            assert sent == [{"type": "websocket.send", "text": '"made 2"'}]

        on_a_loop(story())
