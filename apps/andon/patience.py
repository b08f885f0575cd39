"""How long a server is waited for: one that has just failed twice is given a second, so that what waits behind it is
told by the next channel soon. It is asked all the same, and its first answer makes up for it.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

from apps.andon.channels.guard import ForbiddenError, target
from apps.andon.channels.interface import Address

FULL_SECONDS, SHORT_SECONDS = 10.0, 1.0
FAILURES, REMEMBERED_SECONDS = 2, 30.0


@dataclass
class Patience:
    """Of one process; its lanes share it."""

    _failures: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _failed_at: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seconds(self, server: str) -> float:
        with self._lock:
            is_recent = time.monotonic() - self._failed_at.get(server, -REMEMBERED_SECONDS) < REMEMBERED_SECONDS
            return SHORT_SECONDS if is_recent and self._failures[server] >= FAILURES else FULL_SECONDS

    def note(self, server: str, *, answered: bool) -> None:
        with self._lock:
            if answered:
                self._failures.pop(server, None)
                self._failed_at.pop(server, None)
            else:
                self._failures[server] += 1
                self._failed_at[server] = time.monotonic()


def server_of(address: Address) -> str:
    """The plant's own mail server and SMS provider by kind; receivers and push services by host."""
    url = address.webhook_url or address.endpoint
    if not url:
        return address.kind.value
    try:
        return target(url, trusted=True).where
    except ForbiddenError:
        return address.kind.value
