"""A process that the supervisor starts, watches and stops, in a session of its own and with a log of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mfgos.supervisor import processes
from mfgos.supervisor.reason import reason

LONGEST_LOG = 5_000_000
# A child that dies this often within this time won't come right by itself.
DEATHS, SECONDS = 5, 60.0
FIRST_DELAY = 0.1


@dataclass
class Child:
    """What to start and how to stop it; `process` is None before the first start."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    # SIGKILL for our own programs: they are made to survive it, and the port is free at once.
    death_signal: signal.Signals = signal.SIGKILL
    stop_seconds: float = 5.0
    folder: Path = Path(os.sep)
    account: dict[str, Any] = field(default_factory=dict)
    # Open files of ours that it goes on with, by the same numbers.
    files: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)
    due: float = 0.0
    _log_start: int = 0

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LONGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.old"))
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            # One thread, so preexec_fn is safe.  Its own session: Ctrl-C must reach us alone, or all stop in no order.
            self.process = subprocess.Popen(  # noqa: S603
                self.command,
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self.files,
                preexec_fn=processes.tether(self.death_signal),  # noqa: PLW1509
                **self.account,
            )

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def ended(self) -> int | None:
        """Its exit code (negative: the signal) once it is over."""
        return self.process.poll() if self.process else None

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def wait_stopped(self) -> None:
        """Give it its time, then kill it with everything it started."""
        if self.process is None:
            return
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def mourn(self, *, counts: bool) -> bool:
        """Note a death and plan the next start, later each time.  False: it died too often."""
        now = time.monotonic()
        self.deaths = [moment for moment in self.deaths if now - moment < SECONDS] + [now] * counts
        self.due = now + FIRST_DELAY * 2 ** len(self.deaths)
        self.process = None
        return len(self.deaths) < DEATHS

    def reason(self) -> str:
        """Why it ended, in its own words since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return reason(log.read().decode(errors="replace"))


def how(code: int) -> str:
    """The end of a process in words."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"
