"""Where the web listens: HOST and PORT, with a certificate wherever others can reach it."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mfgos.supervisor import processes
from mfgos.supervisor.errors import SupervisorError

# All screens of a plant may come back at once.
BACKLOG = 1024
MOST_WEB_PROCESSES = 4


@dataclass(frozen=True)
class Address:
    """What the environment asked for; `key` and `certificate` are "" on a plain loopback address."""

    host: str
    port: int
    key: str
    certificate: str

    @property
    def url(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.key else 'http'}://{shown}:{self.port}"

    @property
    def endpoint(self) -> str:
        """Twisted's form of it; colons and backslashes inside a value are escaped."""
        interface = f"interface={_escaped(self.host)}"
        if not self.key:
            return f"tcp:{self.port}:{interface}"
        files = f"privateKey={_escaped(self.key)}:certKey={_escaped(self.certificate)}"
        return f"ssl:{self.port}:{files}:{interface}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:")


def read(values: Mapping[str, str] = os.environ) -> Address:
    host = (values.get("HOST") or "127.0.0.1").strip("[]")
    port = values.get("PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SupervisorError(f"PORT is {port!r}: set it to a number from 1 to 65535.")
    key, certificate = values.get("TLS_KEY", ""), values.get("TLS_CERT", "")
    if bool(key) != bool(certificate):
        raise SupervisorError("TLS_CERT and TLS_KEY go together: set both to the paths of PEM files, or neither.")
    for name, path in (("TLS_KEY", key), ("TLS_CERT", certificate)):
        if path and not os.access(path, os.R_OK):
            raise SupervisorError(f"{name} is {path!r}, which can't be read: set it to the path of a PEM file.")
    if not key and not _is_loopback(host):
        raise SupervisorError(
            f"HOST={host} lets other machines in, and without TLS their passwords would travel in clear: "
            f"set TLS_CERT and TLS_KEY to PEM files, or leave HOST at 127.0.0.1 behind a proxy."
        )
    if not name_of(host) and not values.get("ALLOWED_HOSTS"):
        raise SupervisorError(
            f"HOST={host} listens on every address of this machine: set ALLOWED_HOSTS to the names or addresses "
            f"by which browsers reach it, or HOST to one of them."
        )
    return Address(host, int(port), *(str(Path(path).absolute()) if path else "" for path in (key, certificate)))


def web_processes(address: Address, values: Mapping[str, str] = os.environ) -> int:
    """How many share the address: a second one answers while the first is busy, or dead, on a machine that can do both.

    Only one with TLS or IPv6: daphne takes a socket that is open already by IPv4 alone, and encrypts only its own.
    """
    asked = values.get("MFGOS_WEB_PROCESSES") or str(min(2, os.cpu_count() or 1))
    if not asked.isdecimal() or not 0 < int(asked) <= MOST_WEB_PROCESSES:
        raise SupervisorError(
            f"MFGOS_WEB_PROCESSES is {asked!r}: set it to a number from 1 to {MOST_WEB_PROCESSES}, or leave it out."
        )
    return 1 if address.key or ":" in address.host or address.host == "localhost" else int(asked)


def name_of(host: str) -> list[str]:
    """As browsers name it; none for an address that stands for all of them."""
    bare = host.strip("[]")
    if not bare or bare in ("0.0.0.0", "::"):  # noqa: S104  # refused here, not listened on
        return []
    return [f"[{bare}]" if ":" in bare else bare]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_taken(address: Address) -> None:
    """One sentence before anything is started, rather than a trace in a log afterwards."""
    listen(address).close()


def listen(address: Address) -> socket.socket:
    """Raises SupervisorError where it can't be listened on."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as unless_it_listens:
            listener = unless_it_listens.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(BACKLOG)
            # Of several that are woken by a connection one gets it; the others must not wait for the next.
            listener.settimeout(0)
            unless_it_listens.pop_all()
            return listener
    except socket.gaierror as error:
        raise SupervisorError(f"HOST is {address.host!r}, which is no address of this machine: {error}.") from error
    except PermissionError as error:
        raise SupervisorError(f"Port {address.port} needs more rights than we have: set PORT above 1023.") from error
    except OSError as error:
        if not (who := processes.listener(address.port)):
            raise SupervisorError(f"{address.host} can't be listened on ({error.strerror}): set HOST.") from error
        raise SupervisorError(
            f"Port {address.port} is taken by {who}: stop that, or choose another port, e.g. "
            f"`PORT={address.port % 65535 + 1} make up`."
        ) from error


def status_of_first_page(address: Address) -> int:
    """The HTTP status of `/`, 0 while nothing answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 - compared, not bound
    connection: http.client.HTTPConnection
    if address.key:
        # Our own server a moment after we started it: its certificate names the plant's host, not this one.
        unverified = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(host, address.port, timeout=10, context=unverified)
    else:
        connection = http.client.HTTPConnection(host, address.port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
