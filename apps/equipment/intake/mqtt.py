"""Listens to a broker. A signal is acknowledged when it is committed, so neither side's restart loses one.

The session outlives the connection (MQTT 5, clean start off): what the broker could not hand over, it keeps.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from apps.core import clock
from apps.equipment.intake.collecting import Collector
from apps.equipment.intake.meaning import Raw, decoded
from apps.equipment.models import SignalSource

log = logging.getLogger(__name__)

# So long the broker keeps what we have not acknowledged; so many it hands over before it waits for us.
SESSION_SECONDS = 7 * 24 * 3600
IN_FLIGHT = 4000
KEEPALIVE_SECONDS = 15


class Listener:
    """One source, from `run` until `stop`."""

    def __init__(self, source: SignalSource) -> None:
        self.source = source
        self.collector = Collector(source, read=_read, done=self._acknowledge)
        # Numbers of messages mean nothing beyond the connection that they came by.
        self._connection = 0
        self._problem: str | None = None
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"mfgos-{source.site.code}-{source.code}",
            protocol=MQTTv5,
            manual_ack=True,
            reconnect_on_failure=True,
        )
        self.client.reconnect_delay_set(min_delay=1, max_delay=30)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message

    def run(self, stop: threading.Event) -> None:
        """Raises OSError when the broker can't be reached, DatabaseError when the database can't."""
        address = urlsplit(self.source.address)
        if address.scheme == "mqtts":
            self.client.tls_set()
        if self.source.user:
            self.client.username_pw_set(self.source.user, os.environ.get(self.source.password_env, ""))
        self.client.connect(
            address.hostname or "",
            address.port or (8883 if address.scheme == "mqtts" else 1883),
            keepalive=KEEPALIVE_SECONDS,
            clean_start=False,
            properties=_session(),
        )
        self.client.loop_start()
        try:
            self.collector.run(stop, check=self._note)
        finally:
            # Without a word of parting the broker would take us for dead; the session stays either way.
            self.client.disconnect()
            self.client.loop_stop()

    def _acknowledge(self, receipts: Sequence[tuple[int, int, int]]) -> None:
        for number, quality, connection in receipts:
            if connection == self._connection:
                self.client.ack(number, quality)

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._connection += 1
        if reason.is_failure:
            self._problem = str(reason)
            return
        self._problem = ""
        if self.source.topics:
            client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self.source.topics])
        self.collector.wake()

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._problem = str(reason)
        self.collector.wake()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.collector.put(message, (message.mid, message.qos, self._connection))

    def _note(self) -> None:
        """How it goes, for the page of the source; in the thread that has the database."""
        problem, self._problem = self._problem, None
        if problem is None:
            return
        rows = SignalSource.objects.filter(pk=self.source.pk)
        if problem:
            rows.update(connected_at=None, last_error=problem[:400])
        else:
            rows.update(connected_at=clock.now(), last_error="")


def _read(message: MQTTMessage, received_at: datetime) -> Raw:
    return decoded(message.topic, bytes(message.payload), received_at)


def _session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_SECONDS
    properties.ReceiveMaximum = IN_FLIGHT
    return properties
