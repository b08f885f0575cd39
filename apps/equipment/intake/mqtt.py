"""Listens to a broker. A signal is acknowledged when it is committed, so neither side's restart loses one.

The session outlives the connection (MQTT 5, clean start off): what the broker could not hand over, it keeps. One thread
reads, takes and acknowledges in turn: with a second one for the network a signal took more than twice the time.
"""

from __future__ import annotations

import os
import select
import threading
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from apps.core import clock
from apps.equipment.intake.collecting import GATHER_SECONDS, MOST_AT_ONCE, Sent, as_signals, take
from apps.equipment.intake.meaning import Raw, decoded
from apps.equipment.models import SignalSource

# So long the broker keeps what we have not acknowledged; so many it hands over before it waits for us.
SESSION_SECONDS = 7 * 24 * 3600
IN_FLIGHT = 4000
KEEPALIVE_SECONDS = 15
IDLE_SECONDS = 0.5


class Listener:
    """One source over one connection, from `run` until `stop`."""

    def __init__(self, source: SignalSource) -> None:
        self.source = source
        self._batch: list[Sent] = []
        self._refusal = ""
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"mfgos-{source.site.code}-{source.code}",
            protocol=MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message

    def run(self, stop: threading.Event) -> None:
        """Raises OSError when the broker is lost, DatabaseError when the database is: whoever comes next gets anew what
        was not acknowledged.
        """
        address = urlsplit(self.source.address)
        if address.scheme == "mqtts":
            self.client.tls_set()
        if self.source.user:
            self.client.username_pw_set(self.source.user, os.environ.get(self.source.password_env, ""))
        self._insist(
            self.client.connect(
                address.hostname or "",
                address.port or (8883 if address.scheme == "mqtts" else 1883),
                keepalive=KEEPALIVE_SECONDS,
                clean_start=False,
                properties=_session(),
            )
        )
        try:
            while not stop.is_set():
                self._gather()
                if self._batch:
                    batch, self._batch = self._batch, []
                    take(self.source, as_signals(batch, _read))
                    for (_topic, _payload, number, quality), _put_at in batch:
                        self.client.ack(number, quality)
        finally:
            # Without a word of parting the broker would wait for us a while; the session stays either way.
            self.client.disconnect()

    def _gather(self) -> None:
        """What comes within a moment of the first; nothing when nothing comes for a while."""
        end = time.monotonic() + IDLE_SECONDS
        while len(self._batch) < MOST_AT_ONCE and (left := end - time.monotonic()) > 0:
            was_empty = not self._batch
            if self._has_come(left):
                self._read_all()
            if was_empty and self._batch:
                end = time.monotonic() + GATHER_SECONDS
            if self.client.want_write():
                self._insist(self.client.loop_write())
        self._insist(self.client.loop_misc())

    def _has_come(self, seconds: float) -> bool:
        wire = self.client.socket()
        if wire is None:
            raise ConnectionError(self._refusal or "the broker has closed the connection")
        # Of TLS some may have been read already, where poll does not see it.
        if getattr(wire, "pending", lambda: 0)():
            return True
        poll = select.poll()
        poll.register(wire, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def _read_all(self) -> None:
        while len(self._batch) < MOST_AT_ONCE:
            before = len(self._batch)
            self._insist(self.client.loop_read())
            if len(self._batch) == before:
                return

    def _insist(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise ConnectionError(self._refusal or f"the broker is lost: {code.name}")

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refusal = f"the broker lets nobody in: {reason}"
            return
        if self.source.topics:
            client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self.source.topics])
        SignalSource.objects.filter(pk=self.source.pk).update(connected_at=clock.now(), last_error="")

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        # Not the message itself: it has a hundred small objects, and a batch of them keeps the garbage collector busy.
        self._batch.append(((message.topic, message.payload, message.mid, message.qos), time.monotonic()))


def _read(message: tuple[str, bytes, int, int], received_at: datetime) -> Raw:
    return decoded(message[0], bytes(message[1]), received_at)


def _session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_SECONDS
    properties.ReceiveMaximum = IN_FLIGHT
    return properties
