"""`python -m mfgos.supervisor up | down | status`."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from mfgos.supervisor import cluster, locks, server
from mfgos.supervisor.errors import SupervisorError
from mfgos.supervisor.places import Mode
from mfgos.supervisor.terminal import say
from mfgos.supervisor.up import state_dir, up

BASE_DIR = Path(__file__).resolve().parent.parent.parent
MODES: tuple[Mode, ...] = ("run", "test")
DOWN_SECONDS = 330  # the database may take 300


def down(base_dir: Path) -> None:
    """Stop whatever of this checkout runs, and say where its data lies."""
    lock = state_dir(base_dir) / "lock"
    if found := locks.holder(lock):
        os.kill(found.pid, signal.SIGTERM)
        end = time.monotonic() + DOWN_SECONDS
        while locks.holder(lock):
            if time.monotonic() > end:
                raise SupervisorError(
                    f"`make up` (pid {found.pid}) did not stop in {DOWN_SECONDS} s: kill -9 {found.pid}."
                )
            time.sleep(0.05)
        say(f"Stopped {found.note}.")
    for mode in MODES:
        if cluster.stop(base_dir, mode):
            say(f"Stopped the {mode} database.")
    for mode in MODES:
        data = cluster.place(base_dir, mode).data
        if data.exists():
            say(f"Data of the {mode} database: {data}")


def status(base_dir: Path) -> None:
    found = locks.holder(state_dir(base_dir) / "lock")
    say(f"up       {found.note} (pid {found.pid})" if found else "up       no")
    for mode in MODES:
        place = cluster.place(base_dir, mode)
        state = "answers" if server.answers(place) else "stopped"
        say(f"{mode:8} {state if place.data.exists() else 'not made yet'}  {place.data}")


def main() -> None:
    verbs = {"up": up, "down": down, "status": status}
    verb = sys.argv[1] if len(sys.argv) == 2 else ""
    if verb not in verbs:
        sys.exit("usage: python -m mfgos.supervisor up | down | status")
    try:
        verbs[verb](BASE_DIR)
    except SupervisorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
