"""Between a transport and the one door: gathers what comes, takes it at once, and says what may be forgotten."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from apps.core import clock
from apps.equipment.intake.meaning import Raw
from apps.equipment.intake.taking import take_signals
from apps.equipment.models import Doubt, SignalSource

log = logging.getLogger(__name__)

# What has come within so many seconds is taken together, but no more than so many.
GATHER_SECONDS = 0.05
MOST_AT_ONCE = 2000

# What the transport has, to be made a signal of; and whatever it needs to say "I have it" about it.
Item = Any
Receipt = Any
Sent = tuple[Item, Receipt, float]


class Collector:
    """One thread puts, one takes, and only that one has to do with the database.

    read  makes a signal of what was put, and when that was
    done  gets the receipts of what is committed, in the order it came
    """

    def __init__(
        self,
        source: SignalSource,
        *,
        read: Callable[[Item, datetime], Raw],
        done: Callable[[Sequence[Receipt]], None] = lambda _receipts: None,
    ) -> None:
        self.source, self._read, self._done = source, read, done
        self._waiting: queue.SimpleQueue[Sent | None] = queue.SimpleQueue()

    def put(self, item: Item, receipt: Receipt = None) -> None:
        self._waiting.put((item, receipt, time.monotonic()))

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
                now, ticks = clock.now(), time.monotonic()
                self._take(
                    [self._read(item, now - timedelta(seconds=ticks - put_at)) for item, _receipt, put_at in batch]
                )
                self._done([receipt for _item, receipt, _put_at in batch])
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

    def _take(self, batch: Sequence[Raw]) -> None:
        """One that no code can digest is found by halves and kept out: it must not come back for ever."""
        try:
            take_signals(self.source, batch)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            if len(batch) > 1:
                self._take(batch[: len(batch) // 2])
                self._take(batch[len(batch) // 2 :])
                return
            log.exception("a signal of %s is kept out", self.source)
            take_signals(self.source, [batch[0]._replace(doubt=Doubt.NOT_READABLE)])
