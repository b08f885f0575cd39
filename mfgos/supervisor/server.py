"""One PostgreSQL server of ours: its data folder, its settings, its roles, and whether it is up."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from mfgos.supervisor import binaries, processes
from mfgos.supervisor.account import Account, run
from mfgos.supervisor.errors import SupervisorError
from mfgos.supervisor.places import Mode, Place, claim
from mfgos.supervisor.reason import reason

COMMON = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "jit": "off",
}
# Each mode has a folder of its own, so data that matters never meets fsync=off.
TUNING: dict[Mode, dict[str, str]] = {
    "run": {},
    "test": {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "1h",
        "lock_timeout": "10s",
    },
}
ORPHAN_SECONDS = 10


@dataclass(frozen=True)
class Server:
    """A cluster together with the programs and the account that run it."""

    place: Place
    account: Account
    binaries: Path

    @property
    def settings(self) -> list[str]:
        """As options and not in a file of the data folder: a checkout that moves takes its socket along."""
        values = COMMON | TUNING[self.place.mode] | {"unix_socket_directories": str(self.place.socket_dir)}
        return [part for name, value in values.items() for part in ("-c", f"{name}={value}")]

    @property
    def command(self) -> list[str]:
        return [str(self.binaries / "postgres"), "-D", str(self.place.data), *self.settings]


def url(place: Place, *, user: str, database: str) -> str:
    # The port is named because libpq would otherwise take PGPORT from the environment.
    return f"postgresql://{user}@/{quote(database, safe='')}?host={quote(str(place.socket_dir), safe='')}&port=5432"


def opened(base_dir: Path, mode: Mode) -> Server:
    """The cluster with its data folder made.  Call it locked."""
    place, account = claim(base_dir, mode)
    server = Server(place, account, binaries.reachable(binaries.find(place), place, account))
    if not (place.data / "PG_VERSION").exists():
        _create(server)
    return server


def _create(server: Server) -> None:
    """initdb into a side folder, then rename: never half a cluster."""
    place = server.place
    for leftover in place.base.glob("data.new.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if place.data.exists():
        raise SupervisorError(f"{place.data} is no data folder of PostgreSQL: move it away to start with an empty one.")
    side = Path(tempfile.mkdtemp(prefix="data.new.", dir=place.base))
    side.rmdir()  # initdb makes it, as its account
    command = [str(server.binaries / "initdb"), "-D", str(side), "-U", "postgres", "--auth-local=trust"]
    command += ["--auth-host=reject", "--encoding=UTF8", "--no-instructions"]
    # Sorted by code point on every machine, whatever its locale.
    if binaries.major_of(server.binaries) >= 17:
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    else:
        command += ["--locale=C.UTF-8"]
    if place.mode == "test":
        command.append("--no-sync")
    with tempfile.TemporaryFile() as output:
        done = run(command, server.account, output=output.fileno())
        output.seek(0)
        said = output.read().decode(errors="replace")
    if done.returncode:
        shutil.rmtree(side, ignore_errors=True)
        raise SupervisorError(f"PostgreSQL could not make its data folder in {place.base}: {reason(said)}.")
    side.rename(place.data)


# ---- is it up?


def running(server: Server) -> int:
    """The living postmaster of this data folder, 0 where there is none.

    After a crash or a reboot the number in postmaster.pid may be anybody's, or a zombie's.  PostgreSQL
    would refuse to start, so such a file is removed.  One of a folder that moved while its server runs is not.
    """
    pid_file = server.place.data / "postmaster.pid"
    try:
        lines = pid_file.read_text().splitlines()
        pid, started_for = int(lines[0]), lines[1]
    except (FileNotFoundError, ValueError, IndexError):
        return 0
    words = processes.command_line(pid) if processes.alive(pid) else []
    if started_for in words and started_for != str(server.place.data):
        raise SupervisorError(
            f"A PostgreSQL (pid {pid}) still runs on {server.place.data} under its former name {started_for}: "
            f"stop it with `kill -INT {pid}`."
        )
    if started_for in words or answers(server.place):
        return pid
    _clear_after_death(server.place)
    return 0


def _clear_after_death(place: Place) -> None:
    """A killed server's children notice within moments; then nothing but its two lock files is left of it."""
    end = time.monotonic() + ORPHAN_SECONDS
    while processes.working_in(place.data) and time.monotonic() < end:
        time.sleep(0.05)
    for leftover in (place.data / "postmaster.pid", place.socket_dir / ".s.PGSQL.5432.lock"):
        leftover.unlink(missing_ok=True)


def answers(place: Place) -> bool:
    try:
        with psycopg.connect(url(place, user="postgres", database="postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def wait_for(place: Place, seconds: float) -> bool:
    """Whether it answers within that time; one that recovers from a crash says no for a while."""
    end = time.monotonic() + seconds
    while not answers(place):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


# ---- roles and database


def provision(server: Server, *, start_over: bool = False) -> bool:
    """Give a new cluster its two roles and its database; what is there already stays.  True: the database is new."""
    address = url(server.place, user="postgres", database="postgres")
    with psycopg.connect(address, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'mfgos_owner'").fetchone():
            with connection.transaction():
                connection.execute("CREATE ROLE mfgos_owner LOGIN CREATEDB")
                connection.execute("CREATE ROLE mfgos_app LOGIN")
                connection.execute("GRANT mfgos_app TO mfgos_owner")
        if start_over:
            connection.execute("DROP DATABASE IF EXISTS mfgos WITH (FORCE)")
        new = not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'mfgos'").fetchone()
        if new:
            connection.execute("CREATE DATABASE mfgos OWNER mfgos_owner")
        if server.place.mode == "test":
            # Lets the flush between tests switch triggers off; the real thing must never have it.
            connection.execute("GRANT SET ON PARAMETER session_replication_role TO mfgos_owner")
    return new
