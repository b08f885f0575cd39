"""The database beside the checkout, as the rest of the product sees it.

`identity` and `url` only compute: settings call them on import, and mypy and `manage.py help` import settings.
`ensure` and `stop` are for tests and `make down`; the supervisor keeps the run cluster as its own child.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from mfgos.supervisor import places, server
from mfgos.supervisor.account import run
from mfgos.supervisor.errors import SupervisorError
from mfgos.supervisor.places import Mode, Place, identity
from mfgos.supervisor.reason import reason
from mfgos.supervisor.server import Server

__all__ = ["Mode", "ensure", "identity", "place", "stop", "url"]

# How the server is asked to stop, and for how many seconds it may take (a checkpoint syncs every file).
STOP: dict[Mode, tuple[str, int]] = {"run": ("fast", 300), "test": ("immediate", 60)}
START_SECONDS = 300
ANSWER_SECONDS = 30


def place(base_dir: Path, mode: Mode | None = None) -> Place:
    return places.place(base_dir, mode or places.default_mode())


def url(base_dir: Path, *, user: str, mode: Mode | None = None, database: str = "mfgos") -> str:
    """The address of a database of the cluster, whether or not it is up or even made."""
    return server.url(place(base_dir, mode), user=user, database=database)


def ensure(base_dir: Path, mode: Mode) -> None:
    """Make the cluster on first use and start it as a daemon, unless it is up.  Safe from several processes at once."""
    with places.locked(places.pg_dir(base_dir)):
        found = server.opened(base_dir, mode)
        if not server.running(found):
            _start(found)
        elif not server.wait_for(found.place, ANSWER_SECONDS):
            raise SupervisorError(
                f"A PostgreSQL holds {found.place.data} but does not answer on {found.place.socket_dir}; "
                f"see {found.place.log}, then `make down`."
            )
        server.provision(found)


def _start(found: Server) -> None:
    log = found.place.log
    before = log.stat().st_size if log.exists() else 0
    command = [str(found.binaries / "pg_ctl"), "-D", str(found.place.data), "-l", str(log), "-s", "-w"]
    command += ["-t", str(START_SECONDS), "-o", shlex.join(found.settings), "start"]
    if run(command, found.account).returncode:
        said = log.read_bytes()[before:].decode(errors="replace") if log.exists() else ""
        raise SupervisorError(f"PostgreSQL did not start in {found.place.data}: {reason(said)} (see {log}).")


def stop(base_dir: Path, mode: Mode) -> bool:
    """Stop the server, whoever started it.  False: none was running."""
    if not (place(base_dir, mode).data / "PG_VERSION").exists():
        return False
    with places.locked(places.pg_dir(base_dir)):
        return stop_server(server.opened(base_dir, mode))


def stop_server(found: Server) -> bool:
    if not server.running(found):
        return False
    how, seconds = STOP[found.place.mode]
    command = [str(found.binaries / "pg_ctl"), "-D", str(found.place.data), "-s", "-w"]
    if run([*command, "-m", how, "-t", str(seconds), "stop"], found.account).returncode and server.running(found):
        raise SupervisorError(f"PostgreSQL in {found.place.data} did not stop in {seconds} s; see {found.place.log}.")
    return True
