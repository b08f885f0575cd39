"""A real MQTT broker for the tests: Debian's mosquitto, on a free port, that can be stopped and started again there.

A test asks for the fixture `broker`; import it into the conftest of the folder: `from tests.broker import broker`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

START_SECONDS = 10.0


def executable() -> str | None:
    """Debian keeps it where only root's PATH looks."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def require_broker() -> str:
    """The path of mosquitto; without it the test is skipped, or fails where MFGOS_REQUIRE_BROKER says so."""
    path = executable()
    if path is None:
        if os.environ.get("MFGOS_REQUIRE_BROKER"):
            pytest.fail("mosquitto is required here and was not found.")
        pytest.skip("no mosquitto: install Debian's mosquitto")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """mosquitto with a folder of its own. `stop` and `start` lose nothing that it has acknowledged, `kill` may lose the
    last moment: mosquitto acknowledges before it writes.

    `users` (name -> password) shuts out everybody else; without it anybody may come in. `rights` are lines of an
    acl_file, `tls` is a PEM file with key and certificate.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        folder: Path,
        *,
        users: dict[str, str] | None = None,
        rights: str = "",
        tls: Path | None = None,
        port: int = 0,
    ) -> None:
        self.port = port or free_port()
        self._folder = folder
        self._users = users or {}
        self._rights = rights
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Without user and password: those are the test's to choose."""
        return f"mqtt://{self.host}:{self.port}"

    def start(self) -> None:
        """Returns when it answers on its port.  Raises RuntimeError with its log when it does not."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "mosquitto.conf"
        config.write_text(self._config(), encoding="utf-8")
        log = self._folder / "mosquitto.log"
        with log.open("ab") as sink:
            self._process = subprocess.Popen([require_broker(), "-c", str(config)], stdout=sink, stderr=sink)
        give_up_at = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                self.kill()
                raise RuntimeError(f"mosquitto does not answer on {self.port}:\n{log.read_text(errors='replace')}")
            time.sleep(0.02)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """On the same port, with what it had kept."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """It keeps its connections and answers nobody, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the broker does not run"
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(START_SECONDS)
        self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1):
                return True
        except OSError:
            return False

    def _config(self) -> str:
        lines = [
            f"listener {self.port} {self.host}",
            "persistence true",
            f"persistence_location {self._folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            "max_queued_messages 0",
            "log_type error",
            "log_type warning",
            f"allow_anonymous {'false' if self._users else 'true'}",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # else it would give up root for a user that may not read this folder
        if self._users:
            lines.append(f"password_file {self._password_file()}")
        if self._tls:
            lines += [f"certfile {self._tls}", f"keyfile {self._tls}"]
        if self._rights:
            rights = self._folder / "rights"
            rights.write_text(self._rights, encoding="utf-8")
            rights.chmod(0o600)
            lines.append(f"acl_file {rights}")
        return "\n".join(lines) + "\n"

    def _password_file(self) -> Path:
        path = self._folder / "passwords"
        path.write_text("".join(f"{name}:{word}\n" for name, word in self._users.items()), encoding="utf-8")
        path.chmod(0o600)
        tool = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
        subprocess.run([tool, "-U", str(path)], check=True, capture_output=True)
        return path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Running, empty, open to everybody; gone after the test."""
    with Broker(tmp_path / "broker") as running:
        yield running
