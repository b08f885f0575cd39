"""Between a transport and the one door: gathers what comes and takes it at once."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError

from apps.core import clock
from apps.equipment.intake.meaning import Raw
from apps.equipment.intake.taking import take_signals
from apps.equipment.models import Doubt, SignalSource

log = logging.getLogger(__name__)

# What has come within so many seconds is taken together, but no more than so many.
GATHER_SECONDS = 0.05
MOST_AT_ONCE = 2000

# What a transport has, to be made a signal of, and when it was put, by the monotonic clock.
Sent = tuple[Any, float]


class Collector:
    """One thread puts, one takes, and only that one has to do with the database; `read` makes a signal of what was put,
    and when that was.
    """

    def __init__(self, source: SignalSource, *, read: Callable[[Any, datetime], Raw]) -> None:
        self.source, self._read = source, read
        self._waiting: queue.SimpleQueue[Sent | None] = queue.SimpleQueue()

    def put(self, item: Any) -> None:
        self._waiting.put((item, time.monotonic()))

    def wake(self) -> None:
        self._waiting.put(None)

    def run(self, stop: threading.Event, *, check: Callable[[], None]) -> None:
        """Until `stop`; raises what the database raises, and what `check` does, which is called between batches."""
        while not stop.is_set():
            check()
            batch = self._gather()
            if batch:
                take(self.source, as_signals(batch, self._read))

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


def as_signals(batch: Sequence[Sent], read: Callable[[Any, datetime], Raw]) -> list[Raw]:
    """Our clock is asked once for all."""
    now, ticks = clock.now(), time.monotonic()
    return [read(item, now - timedelta(seconds=ticks - put_at)) for item, put_at in batch]


def take(source: SignalSource, batch: Sequence[Raw]) -> None:
    """One that no code can digest is found by halves and kept out: it must not come back for ever. Raises what the
    database raises: then nothing of the batch may be acknowledged.
    """
    try:
        take_signals(source, batch)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(batch) > 1:
            take(source, batch[: len(batch) // 2])
            take(source, batch[len(batch) // 2 :])
            return
        log.exception("a signal of %s is kept out", source)
        take_signals(source, [batch[0]._replace(doubt=Doubt.NOT_READABLE)])
