"""What a person sees of the supervisor, and the signals they send it."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def say(text: str) -> None:
    """One line, at once.  The terminal may be gone (SIGHUP); stopping in order matters more."""
    with contextlib.suppress(OSError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


class StopAskedError(Exception):
    """Somebody asked us to stop."""


class StopSignals:
    """Turns the signals into an exception at the places where we wait, never in the middle of a step."""

    def __init__(self) -> None:
        self._asked = False
        for number in STOP_SIGNALS:
            # Set for SIGINT too: a shell without job control starts us with SIGINT ignored.
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True

    def pause(self, seconds: float) -> None:
        """Wait, and raise StopAskedError if a stop was asked for."""
        if not self._asked:
            time.sleep(seconds)
        if self._asked:
            raise StopAskedError


def logins(file: Path, url: str) -> list[tuple[str, str, str, str]]:
    """The demo's people with where they go first; none where there is no such file."""
    if not file.exists():
        return []
    rows = json.loads(file.read_text())
    return [(row["who"], row["user"], row["secret"], _absolute(row.get("url", "/"), url)) for row in rows]


def _absolute(path: str, url: str) -> str:
    return path if "://" in path else f"{url}/{path.lstrip('/')}"


def table(rows: list[tuple[str, ...]]) -> str:
    """The rows with their columns under each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"  {line.rstrip()}" for line in lines)
