"""Which ERPs can be spoken to: name -> factory of a connector."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from apps.erp_sync.connectors.interface import Connector
from apps.erp_sync.connectors.tryton.client import HttpTransport, TrytonClient
from apps.erp_sync.connectors.tryton.connector import TrytonConnector
from apps.erp_sync.models import ErpLink

# A call must be over before the lease is, which is renewed between calls: two calls fit into it.
CALL_SECONDS = 10.0


_open = threading.local()


class NotConfigured(Exception):
    """The link can't be used as this machine is set up; the sentence says what to do."""


def _tryton(link: ErpLink, password: str) -> Connector:
    transport = HttpTransport(link.host, link.port, tls=link.port == 443, timeout=CALL_SECONDS, before=before_a_call)
    return TrytonConnector(TrytonClient(transport, link.database, link.user, password), system=link.system)


def before_a_call() -> None:
    """Connectors run it ahead of each call: who speaks may have lost the right to."""
    step: Callable[[], None] | None = _open.__dict__.get("before")
    if step is not None:
        step()


@contextmanager
def asking_first(step: Callable[[], None]) -> Iterator[None]:
    """Within it `step` runs before each call of this thread's connectors; what it raises ends the posting."""
    _open.__dict__["before"] = step
    try:
        yield
    finally:
        del _open.__dict__["before"]


CONNECTORS: dict[str, Callable[[ErpLink, str], Connector]] = {"tryton": _tryton}


def connector_for(link: ErpLink) -> Connector:
    """This thread's own connector to the link's ERP.  Raises NotConfigured."""
    address = (link.pk, link.system, link.host, link.port, link.database, link.user, link.password_env)
    known: dict[object, Connector] = _open.__dict__.setdefault("connectors", {})
    if address not in known:
        known[address] = _connect(link)
    return known[address]


def forget(link: ErpLink) -> None:
    """The next call connects anew."""
    known: dict[tuple[object, ...], Connector] = _open.__dict__.setdefault("connectors", {})
    for address in [address for address in known if address[0] == link.pk]:
        del known[address]


def _connect(link: ErpLink) -> Connector:
    factory = CONNECTORS.get(link.system)
    if factory is None:
        raise NotConfigured(f"There is no connector for {link.system}.")
    password = os.environ.get(link.password_env)
    if password is None:
        raise NotConfigured(f"Set {link.password_env} to the password of {link.user} and restart the worker.")
    return factory(link, password)
