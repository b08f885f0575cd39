"""`make up`: starts database, web and worker, keeps them running, and stops them in order.

Everything is a child of this one process and dies with it, even by kill -9.  A child that dies is started again.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mfgos.supervisor import address, locks, places, server, stamp
from mfgos.supervisor.account import environment as without_postgres_variables
from mfgos.supervisor.address import Address
from mfgos.supervisor.children import DEATHS, SECONDS, Child, how
from mfgos.supervisor.cluster import stop_server
from mfgos.supervisor.errors import SupervisorError
from mfgos.supervisor.terminal import StopAskedError, StopSignals, logins, say, table

TICK = 0.05
FIRST_PAGE_SECONDS = 60


def state_dir(base_dir: Path) -> Path:
    return Path(os.environ.get("MFGOS_STATE_DIR") or base_dir / ".run").absolute()


def up(base_dir: Path) -> None:
    """Run until asked to stop.  Raises SupervisorError when it can't, or can't any longer."""
    asked = address.read()
    state = state_dir(base_dir)
    try:
        state.mkdir(parents=True, exist_ok=True)
        with locks.hold(state / "lock", asked.url):
            address.refuse_taken(asked)
            if os.environ.get("DATABASE_URL"):
                Supervisor(base_dir, state, asked, own_database=False).run()
            else:
                places.pg_dir(base_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
                with locks.hold(places.pg_dir(base_dir) / "run.owner", asked.url):
                    Supervisor(base_dir, state, asked, own_database=True).run()
    except locks.HeldError as error:
        raise SupervisorError(
            f"This checkout runs already: {error.holder.note} (pid {error.holder.pid}); `make down` stops it."
        ) from None
    except OSError as error:
        raise SupervisorError(f"{error.filename or state} can't be used: {error.strerror}.") from error


class Supervisor:
    """The children of one `make up`."""

    def __init__(self, base_dir: Path, state: Path, asked: Address, *, own_database: bool) -> None:
        self.base_dir = base_dir
        self.state = state
        self.address = asked
        self.web_processes = address.web_processes(asked)
        self.listener: socket.socket | None = None
        self.signals = StopSignals()
        self.server: server.Server | None = None
        self.database: Child | None = None
        self.database_ready = not own_database
        self.own_database = own_database
        self.programs: list[Child] = []

    def run(self) -> None:
        with places.locked(places.pg_dir(self.base_dir)):
            places.name(self.base_dir)
        try:
            if self.own_database:
                self._start_database()
            self._prepare()
            self._start_programs()
            self._wait_for_first_page()
            self._introduce()
            while True:
                self._watch()
                self.signals.pause(TICK)
        except StopAskedError:
            say("Stopping.")
        finally:
            self._stop()
        say("Stopped.")

    def _stop(self) -> None:
        """First those who use the database, then the database."""
        if self.listener:
            self.listener.close()
        for group in (self.programs, [self.database] if self.database else []):
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.wait_stopped()

    # ---- start

    def _start_database(self) -> None:
        with places.locked(places.pg_dir(self.base_dir)):
            self.server = server.opened(self.base_dir, "run")
        if stop_server(self.server):
            say("A database without a supervisor was still running here; it has been stopped.")
        self.database = Child(
            "database",
            self.server.command,
            self.state / "postgres.log",
            without_postgres_variables() | {"LC_ALL": "C"},
            stop_signal=signal.SIGINT,  # fast; SIGTERM would wait for every client
            death_signal=signal.SIGINT,
            stop_seconds=300,
            account=self.server.account.spawn,
        )
        self.database.start()
        told = time.monotonic() + 5
        while not server.answers(self.server.place):
            self._refuse_dead(self.database)
            if time.monotonic() > told:
                say("The database takes its time (it repairs itself after a crash).")
                told += 30
            self.signals.pause(TICK)
        unfinished = self.server.place.unfinished
        if unfinished.exists():
            say("The first start was cut short; the database is made anew.")
        if server.provision(self.server, start_over=unfinished.exists()):
            unfinished.touch()
        self.database_ready = True

    def _prepare(self) -> None:
        """Migrate, seed and collect static files in one process; not at all where nothing has changed."""
        mark_file = self.state / "prepared"
        inputs, before = stamp.inputs(self.base_dir), stamp.database(self._owner_url)
        if before and mark_file.exists() and mark_file.read_text() == f"{inputs} {before}":
            return
        (self.base_dir / "staticfiles").mkdir(exist_ok=True)
        child = self._program("preparation", "-m", "mfgos.supervisor.prepare", MFGOS_DB_ROLE="owner")
        self.programs = [child]  # so that Ctrl-C stops it too
        child.start()
        while (code := child.ended()) is None:
            self.signals.pause(TICK)
        if code:
            raise SupervisorError(f"Preparing the database failed: {child.reason()} (see {child.log}).")
        mark_file.write_text(f"{stamp.inputs(self.base_dir)} {stamp.database(self._owner_url)}")
        if self.server:
            self.server.place.unfinished.unlink(missing_ok=True)

    def _start_programs(self) -> None:
        self.programs = [*self._webs(), self._program("worker", "manage.py", "worker")]
        for child in self.programs:
            child.start()

    def _webs(self) -> Iterator[Child]:
        """One, which listens itself; or several that share a socket of ours, which outlives each of them."""
        if self.web_processes == 1:
            yield self._web("web", "-e", self.address.endpoint)
            return
        self.listener = address.listen(self.address)
        shared = self.listener.fileno()
        for number in range(1, self.web_processes + 1):
            web = self._web("web" if number == 1 else f"web-{number}", "--fd", str(shared))
            web.files = (shared,)
            yield web

    def _web(self, name: str, *where: str) -> Child:
        return self._program(name, "-m", "daphne", *where, "mfgos.asgi:application", MFGOS_DB_POOL="1")

    def _program(self, name: str, *arguments: str, **extra: str) -> Child:
        """One of our Python programs, with the rights of the web unless told otherwise."""
        own = without_postgres_variables() | {"MFGOS_CLUSTER": "run"}
        values = own if self.own_database else dict(os.environ)
        values |= {"MFGOS_DB_ROLE": "app", "PYTHONUNBUFFERED": "1"} | extra
        command = [sys.executable, *arguments]
        return Child(name, command, self.state / f"{name}.log", values, folder=self.base_dir)

    @property
    def _owner_url(self) -> str:
        if self.server:
            return server.url(self.server.place, user="mfgos_owner", database="mfgos")
        return os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]

    def _refuse_dead(self, child: Child) -> None:
        """At the start a death is an answer, not an accident."""
        if (code := child.ended()) is not None:
            raise SupervisorError(f"The {child.name} {how(code)}: {child.reason()} (see {child.log}).")

    def _wait_for_first_page(self) -> None:
        end = time.monotonic() + FIRST_PAGE_SECONDS
        while not 0 < (status := address.status_of_first_page(self.address)) < 500:
            for child in self.programs:
                self._refuse_dead(child)
            if time.monotonic() > end:
                answer = f"answers {status}" if status else "does not answer"
                raise SupervisorError(f"The first page {answer} in {FIRST_PAGE_SECONDS} s (see {self.state}/web.log).")
            self.signals.pause(TICK)

    def _introduce(self) -> None:
        data = str(self.server.place.data) if self.server else "the server that DATABASE_URL names"
        rows: list[tuple[str, ...]] = [
            ("screens", f"{self.address.url}/"),
            ("admin", f"{self.address.url}/admin/"),
            ("logs", f"{self.state}/*.log"),
            ("data", data),
        ]
        say(f"mfgos runs (Ctrl-C stops it).\n\n{table(rows)}\n")
        demo = os.environ.get("MFGOS_DEMO", "1" if self.own_database else "0") == "1"
        people = logins(self.base_dir / "fixtures" / "demo" / "logins.json", self.address.url) if demo else []
        if people:
            say(table([("who", "user", "secret", "page"), *people]) + "\n")

    # ---- keep running

    def _watch(self) -> None:
        if self.database and self.server:
            if self.database.ended() is not None:
                self.database_ready = False
            self._heal(self.database)
            if not self.database_ready:
                self.database_ready = self.database.process is not None and server.answers(self.server.place)
        for child in self.programs:
            self._heal(child)

    def _heal(self, child: Child) -> None:
        code = child.ended()
        if code is not None:
            say(f"The {child.name} {how(code)}; starting it again.")
            # Without a database a program has no chance: that death does not count against it.
            if not child.mourn(counts=child is self.database or self.database_ready):
                raise SupervisorError(
                    f"The {child.name} died {DEATHS} times within {SECONDS:.0f} s, last: {child.reason()} "
                    f"(see {child.log}); all is stopped."
                )
        waits_for_database = child is not self.database and not self.database_ready
        if child.process is None and time.monotonic() >= child.due and not waits_for_database:
            if child is self.database and self.server:
                server.running(self.server)  # clears a pid file whose number now belongs to somebody else
            child.start()
