"""Real servers on this machine for the ways of telling: good ones, and some that behave badly."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from apps.andon.channels.interface import Message
from tests.broker import free_port

HOST = "127.0.0.1"


def message(**changes: Any) -> Message:
    plain: dict[str, Any] = {
        "key": "notification:17:1",
        "title": "Line 2 stands: Säge klemmt",
        "body": "A34 since 10:02. Nobody has acknowledged.",
        "url": "https://plant.example/phone/exceptions/17/",
        "severity": "down",
        "tag": "exception:17",
        "data": {"exception": 17, "line": "L2"},
    }
    return Message(**{**plain, **changes})


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Web:
    """Answers each request in the same way, and keeps what it was asked."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    asked: list[Asked] = field(default_factory=list)
    delay_seconds: float = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextmanager
def web(status: int = 200, body: bytes = b"", tls: ssl.SSLContext | None = None, **headers: str) -> Iterator[Web]:
    made = Web(status=status, body=body, headers=headers)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def do_POST(self) -> None:
            told = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.asked.append(Asked(self.command, self.path, dict(self.headers), told))
            time.sleep(made.delay_seconds)
            with contextlib.suppress(OSError):
                self.send_response(made.status)
                for name, value in made.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(made.body)

        do_GET = do_POST  # noqa: N815

    server = ThreadingHTTPServer((HOST, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


Behaviour = Callable[[socket.socket, threading.Event], None]


def silent(_wire: socket.socket, over: threading.Event) -> None:
    over.wait()


def dripping(wire: socket.socket, over: threading.Event) -> None:
    """A byte now and then: no timeout of a socket ever strikes."""
    for byte in b"220-HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000:
        if over.wait(0.1):
            return
        wire.sendall(bytes([byte]))


def garbage(wire: socket.socket, _over: threading.Event) -> None:
    wire.sendall(b"\xff\xfe\x00 what is this \r\n\r\n" * 20)
    time.sleep(0.05)


@contextmanager
def tcp(behaviour: Behaviour) -> Iterator[int]:
    """A server that speaks no protocol; gives its port."""
    over = threading.Event()
    listener = socket.create_server((HOST, 0))

    def serve(wire: socket.socket) -> None:
        with wire, contextlib.suppress(OSError):
            behaviour(wire, over)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = listener.accept()
                threading.Thread(target=serve, args=(wire,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextmanager
def closed() -> Iterator[int]:
    yield free_port()
