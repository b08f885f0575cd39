"""A lasting connection to an MQTT 5 broker that knows whether what it has published was taken."""

from __future__ import annotations

import os
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from django.utils.translation import gettext as _
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from apps.andon.channels.interface import Failed

PORTS = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_SECONDS = 20
RECONNECT_SECONDS = (1, 5)


@dataclass(frozen=True)
class BrokerAddress:
    host: str
    port: int
    tls: bool
    user: str = field(repr=False)
    password: str = field(repr=False)

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"


def broker_address(url: str) -> BrokerAddress:
    """Of mqtt://user:password@host:port or mqtts://...  Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/"):
        raise ValueError("no address of an MQTT broker")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return BrokerAddress(parts.hostname, parts.port or PORTS[parts.scheme], parts.scheme == "mqtts", user, password)


class Line:
    """Thread-safe. Nothing waits in it: what was not taken in time is given up, so that no old state comes late.

    connections  how often the broker has let us in: when it grows, the broker may have forgotten what it was told
    """

    def __init__(self, broker: BrokerAddress) -> None:
        self.broker = broker
        self._lock = threading.Lock()
        self._client: paho.Client | None = None
        self._process_id = 0
        self._is_up = threading.Event()
        self._refusal = ""
        self._denied: dict[int, str] = {}
        self.connections = 0

    def publish(self, topic: str, payload: bytes, timeout_seconds: float) -> str:
        """Retained, QoS 1: returns when the broker has acknowledged.  Raises Failed."""
        give_up_at = time.monotonic() + timeout_seconds
        if not self._lock.acquire(timeout=timeout_seconds):
            raise self._late(timeout_seconds)
        try:
            client = self._connected()
            while not self._is_up.wait(0.02):
                if self._refusal or time.monotonic() > give_up_at:
                    raise self._not_up(timeout_seconds)
            return self._published(client, topic, payload, give_up_at, timeout_seconds)
        except Failed:
            self._drop()
            raise
        except (OSError, ValueError, RuntimeError):
            self._drop()
            raise self._unreachable() from None
        finally:
            self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _published(
        self, client: paho.Client, topic: str, payload: bytes, give_up_at: float, timeout_seconds: float
    ) -> str:
        told = client.publish(topic, payload, qos=1, retain=True)
        told.wait_for_publish(max(give_up_at - time.monotonic(), 0.01))
        if not told.is_published():
            raise self._late(timeout_seconds)
        if denied := self._denied.pop(told.mid, ""):
            names = {"where": self.broker.where, "topic": topic, "said": denied}
            sentence = _(
                "The broker %(where)s refuses what we publish to %(topic)s (%(said)s); give the user the right."
            )
            raise Failed(sentence % names, code=denied)
        return f"PUBACK {told.mid}"

    def _connected(self) -> paho.Client:
        """The client of this process: a connection does not outlive a fork."""
        if self._client is None or self._process_id != os.getpid():
            self._is_up.clear()
            self._refusal = ""
            self._denied.clear()
            self._process_id = os.getpid()
            self._client = self._new_client()
            self._client.connect_async(self.broker.host, self.broker.port, KEEPALIVE_SECONDS)
            self._client.loop_start()
        return self._client

    def _new_client(self) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.reconnect_delay_set(*RECONNECT_SECONDS)
        client.connect_timeout = RECONNECT_SECONDS[1]
        if self.broker.user:
            client.username_pw_set(self.broker.user, self.broker.password)
        if self.broker.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        self._is_up.clear()
        if client is not None:
            client.on_connect = client.on_disconnect = client.on_publish = None
            client.disconnect()
            # Joining its thread would wait for a connection that hangs; it ends by itself.
            threading.Thread(target=client.loop_stop, daemon=True).start()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
        else:
            self.connections += 1
            self._is_up.set()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, _reason: ReasonCode, _properties: Any) -> None:
        self._is_up.clear()

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._denied[mid] = str(reason)

    def _not_up(self, timeout_seconds: float) -> Failed:
        if self._refusal:
            names = {"where": self.broker.where, "said": self._refusal}
            sentence = _("The broker %(where)s lets us not in (%(said)s); correct user and password in MFGOS_MQTT_URL.")
            return Failed(sentence % names, code=self._refusal)
        names = {"where": self.broker.where, "seconds": f"{timeout_seconds:g}"}
        return Failed(
            _("No connection to the MQTT broker %(where)s within %(seconds)s s; see whether it runs.") % names
        )

    def _late(self, timeout_seconds: float) -> Failed:
        names = {"where": self.broker.where, "seconds": f"{timeout_seconds:g}"}
        return Failed(_("The MQTT broker %(where)s did not acknowledge within %(seconds)s s; see to it.") % names)

    def _unreachable(self) -> Failed:
        names = {"where": self.broker.where}
        return Failed(_("The MQTT broker %(where)s can't be reached; see whether it runs.") % names)
