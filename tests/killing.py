"""Workers as processes, to be killed at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parents[1]


class Workers:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.alive: list[int] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.alive.append(int(line))

    def kill_one(self) -> None:
        victim = self.alive.pop(random.randrange(len(self.alive)))
        os.kill(victim, signal.SIGKILL)


@contextmanager
def workers(count: int, task: str) -> Iterator[Workers]:
    """So many processes that do the task over and over; one that is killed is followed by another."""
    command_line = [
        sys.executable,
        "-m",
        "tests.timer_workers",
        str(connection.settings_dict["NAME"]),
        str(count),
        task,
    ]
    process = subprocess.Popen(command_line, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        found = Workers(process)
        wait_for(lambda: len(found.alive) == count)
        yield found
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)
