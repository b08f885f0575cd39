"""Which ERPs can be spoken to: name -> factory of a connector."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from apps.erp_sync.connectors.interface import Connector
from apps.erp_sync.connectors.tryton.client import HttpTransport, TrytonClient
from apps.erp_sync.connectors.tryton.connector import TrytonConnector
from apps.erp_sync.models import ErpLink

# A call must be over before its lease is, or another worker makes the same call meanwhile.
CALL_SECONDS = 10.0


class NotConfigured(Exception):
    """The link can't be used as this machine is set up; the sentence says what to do."""


def _tryton(link: ErpLink, password: str) -> Connector:
    transport = HttpTransport(link.host, link.port, tls=link.port == 443, timeout=CALL_SECONDS)
    return TrytonConnector(TrytonClient(transport, link.database, link.user, password), system=link.system)


CONNECTORS: dict[str, Callable[[ErpLink, str], Connector]] = {"tryton": _tryton}
_open = threading.local()


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
