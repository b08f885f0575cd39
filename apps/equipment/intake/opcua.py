"""Subscribes to the nodes of an OPC UA server that mappings name; their source timestamps are the signals' own time.

The protocol keeps nothing for a client that is away: what changes meanwhile is a silence here, and the value of each
node comes again with the next subscription.
"""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.common.subscription import DataChangeNotif

from apps.core import clock
from apps.equipment.intake.collecting import Collector
from apps.equipment.intake.meaning import Raw
from apps.equipment.models import SignalMapping, SignalSource

PUBLISH_MILLISECONDS = 100
# So often the server is asked whether it is still there, and so often whether we are to stop.
ALIVE_SECONDS, LOOK_SECONDS = 5.0, 0.2


class Subscriber:
    """One source, from `run` until `stop`."""

    def __init__(self, source: SignalSource) -> None:
        self.source = source
        self.collector = Collector(source, read=_read)
        self._failure: Exception | None = None
        self._connected = False
        self._over = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Raises OSError when the server is lost, DatabaseError when the database is."""
        mappings = SignalMapping.objects.filter(source=self.source, active=True)
        tags = sorted(set(mappings.values_list("tag", flat=True)))
        listening = threading.Thread(target=self._listen, args=(tags,), name=f"opcua {self.source}")
        listening.start()
        try:
            self.collector.run(stop, check=self._check)
        finally:
            self._over.set()
            listening.join()

    def datachange_notification(self, node: Node, value: Any, data: DataChangeNotif) -> None:
        """Called by the subscription."""
        told = data.monitored_item.Value
        self.collector.put((node.nodeid.to_string(), value, told.SourceTimestamp or told.ServerTimestamp))

    def _check(self) -> None:
        if self._failure is not None:
            raise OSError(f"{type(self._failure).__name__}: {self._failure}") from self._failure
        if self._connected:
            self._connected = False
            SignalSource.objects.filter(pk=self.source.pk).update(connected_at=clock.now(), last_error="")

    def _listen(self, tags: list[str]) -> None:
        try:
            asyncio.run(self._subscribe(tags))
        except Exception as error:  # noqa: BLE001 - raised by the thread that can write it down
            self._failure = error
        self.collector.wake()

    async def _subscribe(self, tags: list[str]) -> None:
        client = Client(self.source.address)
        if self.source.user:
            client.set_user(self.source.user)
            client.set_password(os.environ.get(self.source.password_env, ""))
        async with client:
            subscription = await client.create_subscription(PUBLISH_MILLISECONDS, self)
            await subscription.subscribe_data_change([client.get_node(tag) for tag in tags])
            self._connected = True
            self.collector.wake()
            asked_at = 0.0
            loop = asyncio.get_running_loop()
            while not self._over.is_set():
                if loop.time() - asked_at > ALIVE_SECONDS:
                    await client.check_connection()
                    asked_at = loop.time()
                await asyncio.sleep(LOOK_SECONDS)


def _read(item: tuple[str, Any, datetime | None], received_at: datetime) -> Raw:
    tag, value, at = item
    return Raw(tag, _plain(value), received_at, at.replace(tzinfo=UTC) if at else None)


def _plain(value: Any) -> Any:
    """As JSON would have it, so that a path and a choice mean the same whatever carried the value."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value)
