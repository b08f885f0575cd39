"""Between a transport and the one door: gathers what comes, takes it at once, and says what may be forgotten."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from apps.equipment.intake.meaning import Raw
from apps.equipment.intake.taking import take_signals
from apps.equipment.models import Doubt, SignalSource

log = logging.getLogger(__name__)

# What has come within so many seconds is taken together, but no more than so many.
GATHER_SECONDS = 0.05
MOST_AT_ONCE = 2000

# Whatever the transport needs to say "I have it" about one signal.
Receipt = Any
Sent = tuple[Raw, Receipt]


class Collector:
    """One thread puts, one takes. `done` gets the receipts of what is committed, in the order it came."""

    def __init__(self, source: SignalSource, done: Callable[[Sequence[Receipt]], None]) -> None:
        self.source, self._done = source, done
        self._waiting: queue.SimpleQueue[Sent | None] = queue.SimpleQueue()

    def put(self, raw: Raw, receipt: Receipt = None) -> None:
        self._waiting.put((raw, receipt))

    def wake(self) -> None:
        self._waiting.put(None)

    def run(self, stop: threading.Event, *, check: Callable[[], None] = lambda: None) -> None:
        """Until `stop`; raises what the database raises: nothing of the batch is acknowledged then.

        check  called between batches, to raise when there is a reason to give up
        """
        while not stop.is_set():
            check()
            batch = self._gather()
            if batch:
                self._take(batch)
                self._done([receipt for _raw, receipt in batch])
        connection.close()

    def _gather(self) -> list[Sent]:
        try:
            batch = [self._waiting.get(timeout=1)]
        except queue.Empty:
            return []
        end = time.monotonic() + GATHER_SECONDS
        while len(batch) < MOST_AT_ONCE and (left := end - time.monotonic()) > 0:
            try:
                batch.append(self._waiting.get(timeout=left))
            except queue.Empty:
                break
        return [sent for sent in batch if sent is not None]

    def _take(self, batch: Sequence[Sent]) -> None:
        """One that no code can digest is found by halves and kept out: it must not come back for ever."""
        try:
            take_signals(self.source, [raw for raw, _receipt in batch])
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            if len(batch) > 1:
                self._take(batch[: len(batch) // 2])
                self._take(batch[len(batch) // 2 :])
                return
            log.exception("a signal of %s is kept out", self.source)
            take_signals(self.source, [batch[0][0]._replace(doubt=Doubt.NOT_READABLE)])
