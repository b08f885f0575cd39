"""The andon light: the state of each station and line as a retained MQTT message; topics in docs/integrators.md."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from apps.andon.channels.interface import Address, ChannelKind, Failed, Message
from apps.andon.channels.mqtt import BrokerAddress, Line, broker_address

ROOT = "mfgos/andon"
MAX_TOPIC_BYTES = 65_535


class Colour(enum.StrEnum):
    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    OFF = "off"


def topic(site: str, line: str, unit: str = "") -> str:
    """Of a work unit, or of the whole line. What MQTT has a meaning of its own for becomes "_"."""
    return "/".join([ROOT, *(re.sub(r"[/+#$\x00-\x1f]", "_", name) for name in (site, line, unit) if name)])


def signal(state: Colour, *, at: datetime, blink: bool = False, exception: int | str = "") -> Mapping[str, str | int]:
    """The `Message.data` that the light shows. `exception`: its id, "" when none is open."""
    return {"state": state.value, "blink": int(blink), "exception": exception, "at": at.isoformat()}


class Light:
    """One lasting connection for each process, to the broker of MFGOS_MQTT_URL."""

    kind = ChannelKind.LIGHT

    def __init__(self) -> None:
        self._line: Line | None = None

    def send(self, message: Message, address: Address, timeout_seconds: float) -> str:
        if reason := self.why_not_ready():
            raise Failed(reason)
        _check_topic(address.topic)
        return self._to(broker_address(settings.MQTT_URL)).publish(address.topic, state_of(message), timeout_seconds)

    def why_not_ready(self) -> str:
        if not settings.MQTT_URL:
            return _("No MQTT broker is set: set MFGOS_MQTT_URL to mqtt://user:password@host:1883 and start again.")
        try:
            broker_address(settings.MQTT_URL)
        except ValueError:
            return _("The MQTT broker's address is none: set MFGOS_MQTT_URL to mqtt://host:1883 or mqtts://host:8883.")
        return ""

    @property
    def connections(self) -> int:
        """How often the present broker has let us in."""
        return self._line.connections if self._line else 0

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _to(self, broker: BrokerAddress) -> Line:
        if self._line is None or self._line.broker != broker:
            self.close()
            self._line = Line(broker)
        return self._line


def state_of(message: Message) -> bytes:
    """Raises Failed for data that `signal` has not made."""
    try:
        shown = {
            "state": Colour(str(message.data["state"])).value,
            "blink": bool(message.data["blink"]),
            "exception": message.data["exception"] or None,
            "at": message.data["at"],
        }
    except (KeyError, ValueError):
        raise Failed(_("The message names no colour for the light."), permanent=True) from None
    return json.dumps(shown, separators=(",", ":")).encode()


def _check_topic(name: str) -> None:
    if not name or len(name.encode()) > MAX_TOPIC_BYTES or re.search(r"[+#\x00]", name):
        raise Failed(_("The light has no topic that can be published to; correct it."), permanent=True)
