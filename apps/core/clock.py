"""The time that rules go by: the machine's in production, or one movable clock shared by all processes of a run.

Rules, timers and SQL take their time from here as a value; only `recorded_at` columns read the database's own clock.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection

# How old another process's setting may be before it is read again, in seconds.
REREAD_SECONDS = 0.1


@dataclass(frozen=True)
class Setting:
    """shown time = shown_anchor + (real time - real_anchor) * rate"""

    real_anchor: datetime
    shown_anchor: datetime
    rate: Decimal

    def at(self, real: datetime) -> datetime:
        elapsed = real - self.real_anchor
        return self.shown_anchor + timedelta(seconds=elapsed.total_seconds() * float(self.rate))


REAL = Setting(datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), Decimal(1))


class _Cache(threading.local):
    setting: Setting = REAL
    read_at: float = float("-inf")


_cache = _Cache()


def now() -> datetime:
    """Aware, UTC."""
    real = datetime.now(UTC)
    return real if settings.CLOCK == "real" else _setting().at(real)


def of_database() -> datetime:
    """What stamps postings and tells which of them a record of the stock has in it: never moved, the same for all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (moment,) = cursor.fetchone()
    stamped: datetime = moment
    return stamped


def rate() -> Decimal:
    """Seconds shown per real second."""
    return Decimal(1) if settings.CLOCK == "real" else _setting().rate


def move_to(shown: datetime, *, rate: Decimal | int = 1) -> None:
    """Shows `shown` from now on, running at `rate` (60: a minute a second; 0: stands still), in all processes."""
    if settings.CLOCK == "real":
        raise RuntimeError("this run goes by the machine's clock; start it with MFGOS_CLOCK=shared to move time")
    setting = Setting(datetime.now(UTC), shown, Decimal(rate))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_sharedclock (id, real_anchor, shown_anchor, rate) VALUES (1, %s, %s, %s) "
            "ON CONFLICT (id) DO UPDATE SET real_anchor = excluded.real_anchor, "
            "shown_anchor = excluded.shown_anchor, rate = excluded.rate",
            [setting.real_anchor, setting.shown_anchor, setting.rate],
        )
    _cache.setting, _cache.read_at = setting, time.monotonic()


def forget() -> None:
    """The next `now()` reads the shared setting again."""
    _cache.read_at = float("-inf")


def _setting() -> Setting:
    if time.monotonic() - _cache.read_at > REREAD_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute("SELECT real_anchor, shown_anchor, rate FROM core_sharedclock WHERE id = 1")
            row = cursor.fetchone()
        _cache.setting, _cache.read_at = Setting(*row) if row else REAL, time.monotonic()
    return _cache.setting
