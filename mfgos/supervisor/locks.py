"""A lock that lives as long as the process that holds it and tells others who that is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock and what it said about itself."""

    pid: int
    note: str


class HeldError(Exception):
    """Somebody else holds the lock."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(holder)
        self.holder = holder


@contextmanager
def hold(path: Path, note: str) -> Iterator[None]:
    """Hold the lock, or raise HeldError.  The kernel lets go of it however the process ends."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeldError(_holder(path)) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n{note}\n")
        file.flush()
        yield
        file.truncate(0)


def holder(path: Path) -> Holder | None:
    """Who holds it now; a file that a killed process left behind counts for nothing."""
    if not path.exists():
        return None
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(path)
    return None


def _holder(path: Path) -> Holder:
    pid, _, note = path.read_text().partition("\n")
    return Holder(int(pid) if pid.isdecimal() else 0, note.strip())
