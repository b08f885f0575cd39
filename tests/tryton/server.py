"""One Tryton server over one data folder."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from apps.erp_sync.connectors.tryton.client import HttpTransport, Transport, TrytonClient, TrytonError
from tests.tryton import packages, seed

START_SECONDS = 60.0


class Tryton:
    """Starts, kills and restarts a real Tryton with the seeded plant in `data`.

    After `start` the fields url, database, user, password, version and pid describe it.
    """

    database = packages.DATABASE
    user = seed.USER
    password = seed.PASSWORD
    admin_password = packages.ADMIN_PASSWORD

    def __init__(self, data: Path | str) -> None:
        self.data = Path(data).resolve()
        self.port = 0
        self.version = ""
        self._process: subprocess.Popen[bytes] | None = None

    # ---- life

    def start(self, port: int = 0) -> Self:
        """Starts the server (on a free port if 0) with the seeded plant. Raises TrytonUnavailable."""
        cache = packages.prepare()
        databases = self.data / "databases"
        databases.mkdir(parents=True, exist_ok=True)
        self.port = port or self.port or _free_port()
        if _answers(self.port):
            raise packages.TrytonUnavailable(f"Port {self.port} of 127.0.0.1 is taken by something else.")
        database = databases / f"{self.database}.sqlite"
        seeded = cache / f"seeded-{_seed_digest()}-{seed.today()}.sqlite"
        fresh = not database.exists()
        if fresh:
            shutil.copyfile(seeded if seeded.exists() else cache / "empty.sqlite", database)
        self._spawn(cache, databases)
        if fresh and not seeded.exists():
            self._fill(database, seeded)
        print(f"Tryton {self.version}, process {self.pid}, {self.url} database {self.database}, data {self.data}")
        return self

    def stop(self) -> None:
        """Ends the server in order; does nothing if it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the server at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Starts again on the same port and data."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- what it is

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it does not run. Survives the object: read from the data folder."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        return _living(self.data)

    def client(self, user: str = seed.USER, password: str = seed.PASSWORD, transport: Transport | None = None) -> Any:
        """A client of this server; by default as the integration user."""
        return TrytonClient(transport or HttpTransport("127.0.0.1", self.port), self.database, user, password)

    # ---- the inside

    def _spawn(self, cache: Path, databases: Path) -> None:
        config = self.data / "trytond.conf"
        packages.write_config(config, databases, self.port)
        command = [str(cache / "venv" / "bin" / "trytond"), "-c", str(config), "-d", self.database]
        # The child holds the lock as long as it lives, so a recorded id is known to be ours, never a reused number.
        with (self.data / "alive.lock").open("a") as lock, (self.data / "trytond.log").open("ab") as log:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.data, start_new_session=True,
                env=packages.environment(config), pass_fds=[lock.fileno()],
            )  # fmt: skip
        (self.data / "server.json").write_text(json.dumps({"pid": self._process.pid, "port": self.port}))
        self._await_answer(self._process)

    def _fill(self, database: Path, seeded: Path) -> None:
        try:
            seed.seed(self.client("admin", self.admin_password))
        except BaseException:
            self.stop()
            database.unlink()  # a half-filled plant would be taken for a whole one
            raise
        _keep(database, seeded)

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        client = self.client()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(TrytonError):
                self.version = client.version()
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise packages.TrytonUnavailable(f"Tryton did not come up; its log is {self.data / 'trytond.log'}.")

    def _end(self, how: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, how)
            if self._process is not None:
                try:
                    self._process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
            else:
                _wait_until_gone(self.data, pid)
        self._process = None
        (self.data / "server.json").unlink(missing_ok=True)


def _living(data: Path) -> int | None:
    """The id of a server that an earlier process started over this folder, if it still lives."""
    record, lock = data / "server.json", data / "alive.lock"
    if not record.exists() or not lock.exists():
        return None
    with lock.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(json.loads(record.read_text())["pid"])
    return None


def _wait_until_gone(data: Path, pid: int) -> None:
    deadline = time.monotonic() + 15
    while _living(data) is not None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _seed_digest() -> str:
    return hashlib.sha256(Path(seed.__file__).read_bytes()).hexdigest()[:12]


def _keep(database: Path, copy: Path) -> None:
    """Keeps the seeded plant for the next start on the same day: its dates are relative to the day."""
    with packages.locked(copy.parent / "building"):
        for old in copy.parent.glob("seeded-*.sqlite"):
            old.unlink()
        part = copy.with_suffix(".part")
        part.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(database)) as source, contextlib.closing(sqlite3.connect(part)) as kept:
            source.backup(kept)
        part.rename(copy)
