"""A whole product in its own process, with its own folders and port, as `make up` starts it."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mfgos.supervisor import processes
from tests.environment import FOREIGN, OURS

ROOT = Path(__file__).resolve().parent.parent.parent
# One is started sooner than two, and is the one that a test kills or measures; `make up` starts two where there are two
# cores.
ONE_WEB, TWO_WEBS = {"MFGOS_WEB_PROCESSES": "1"}, {"MFGOS_WEB_PROCESSES": "2"}
# No demo: what it plants is not the supervisor's business, and it takes time.
PLAIN = {"MFGOS_DEMO": "0", "MFGOS_HTTPS": "0", "SECRET_KEY": OURS["SECRET_KEY"], **ONE_WEB}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def until(condition: Callable[[], object], seconds: float = 30) -> float:
    """How long it took until the condition held; a failed test where it never did."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - start


class Product:
    """Entering starts it and does not wait; `page()`, `said()` and `wait()` tell what came of it."""

    def __init__(
        self,
        folder: Path,
        *,
        root: Path = ROOT,
        own_folders: bool = True,
        preexec: Callable[[], object] | None = None,
        **extra: str,
    ) -> None:
        self.folder, self.root, self.port = folder, root, int(extra.get("PORT") or free_port())
        self.preexec = preexec
        keep = {name: value for name, value in os.environ.items() if name not in {*FOREIGN, *OURS}}
        folders = {"MFGOS_STATE_DIR": str(folder / "run"), "MFGOS_PG_DIR": str(folder / "pg")} if own_folders else {}
        self.environment = keep | PLAIN | folders | {"PORT": str(self.port)} | extra
        self.output = folder / f"output-{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Product:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mfgos.supervisor", "up"],
                cwd=self.root,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=self.preexec,  # noqa: PLW1509 - one thread
            )
        return self

    def __exit__(self, *_: object) -> None:
        """What is still running ends the hard way: quick, and one more attack on the next start."""
        children = self.children()
        self.stop(signal.SIGKILL)
        until(lambda: not any(processes.alive(pid) for pid in children))

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        assert self.process
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        return self.process.wait(60)

    def wait(self) -> int:
        assert self.process
        return self.process.wait(60)

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def page(self) -> float:
        """Seconds until the first page answers."""
        assert self.process
        return until(lambda: self.answers() or self._refuse_ended(), 120)

    def running(self, patience: float = 120) -> float:
        """Seconds until the table with the addresses is printed."""
        return until(lambda: "mfgos runs" in self.said() or self._refuse_ended(), patience)

    def _refuse_ended(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.said()
        return False

    def said(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def pid_of(self, mark: str) -> int:
        """The child of the supervisor whose command line has the mark, 0 if there is none."""
        return next(iter(self.pids_of(mark)), 0)

    def pids_of(self, mark: str) -> list[int]:
        return [pid for pid in self.children() if mark in " ".join(processes.command_line(pid))]

    def children(self) -> list[int]:
        assert self.process
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
                if int(parent) == self.process.pid and state != "Z":
                    found.append(int(stat.parent.name))
        return found

    def sentence(self) -> str:
        """What it said before it gave up: one line, no trace."""
        said = self.said().strip()
        assert "\n" not in said, said
        assert not re.search(r"Traceback|Error:", said), said
        return said
