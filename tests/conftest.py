"""The database that tests run on: a reused one, as the role that the web has, never as its owner."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import OperationalError, connection
from django.test import TransactionTestCase
from django.utils import translation
from xdist.scheduler import LoadScopeScheduling

from apps.core import clock
from apps.workflows.rules import in_force
from tests.environment import assert_test_server
from tests.supervisor.folders import folder
from tests.tables import empty, empty_for_good

ROOT = Path(__file__).resolve().parent.parent
APP_ROLE = "mfgos_app"
# Of several that share the work (pytest -n), each has a database of its own on the one server.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
# What starts whole products and servers, each kind in one worker: a start costs seconds, and two starve each other.
GROUPS = {
    "tests/tryton/": "tryton",
    "tests/e2e/": "product",
    "tests/supervisor/": "processes",
    "tests/faults/": "processes",
    "tests/erp_sync/test_worker_killed.py": "processes",
    "tests/andon/test_timers_killed.py": "processes",
    "tests/workflows/rules/test_timers_killed.py": "processes",
    "tests/equipment/test_worker_killed.py": "processes",
}
# A client's first request would read the whole folder of static files, and each test has a client of its own.
settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def used_folder() -> Iterator[Path]:
    """Shared by tests that start one after another: its database is made once, later starts find it prepared, and what
    the tests before have left in it.
    """
    with folder(0o755, "mfgos used ") as path:
        yield path


class Groups(LoadScopeScheduling):
    """Who shares the work takes one test after another, but a group as a whole.

    Not by `--dist loadgroup`: with this pytest it leaves the groups out, silently (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((group for path, group in GROUPS.items() if nodeid.startswith(path)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)


def schema_hash() -> str:
    """Changes with any migration, so that a reused database never has an old schema."""
    digest = hashlib.sha256()
    for file in sorted(ROOT.glob("apps/*/migrations/*.py")) + sorted(ROOT.glob("tests/*/testapp/**/*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def own_schema() -> str:
    return f"test_mfgos_{schema_hash()}"


@pytest.fixture(scope="session")
def one_at_a_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IO[str]]:
    """Closing it lets the next worker of this run make its database."""
    with (tmp_path_factory.getbasetemp().parent / "databases.lock").open("w") as lock:
        if WORKER:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


@pytest.fixture(scope="session")
def django_db_modify_db_settings(one_at_a_time: IO[str]) -> None:
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = "_".join(filter(None, [own_schema(), WORKER]))


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_modify_db_settings: None, django_db_setup: None, django_db_blocker: Any, one_at_a_time: IO[str]
) -> Iterator[None]:
    """Created, migrated and emptied by the owner; everything else happens as the web's role."""
    with django_db_blocker.unblock():
        assert_test_server(connection)
        drop_other_schemas()
        empty_for_good()
        copy_for_the_others()
        one_at_a_time.close()
        connection.settings_dict["OPTIONS"]["assume_role"] = APP_ROLE
        connection.close()
    yield
    with django_db_blocker.unblock():
        connection.close()
        del connection.settings_dict["OPTIONS"]["assume_role"]


def drop_other_schemas() -> None:
    """Databases of migrations that are no more; one in use by another run stays."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, 'test_mfgos_') "
            "AND NOT starts_with(datname, %s) "
            "AND datname NOT IN (SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL)",
            [own_schema()],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


def copy_for_the_others() -> None:
    """Migrations take many seconds, a copy less than one; it can be made only while nobody uses the original."""
    wanted = [f"{own_schema()}_gw{n}" for n in range(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")))]
    own = connection.settings_dict["NAME"]
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname = ANY(%s)", [wanted])
        for name in set(wanted) - {row[0] for row in cursor.fetchall()}:
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{own}"')


def _empty_between_readers(_: TransactionTestCase) -> None:
    """A product that runs beside the tests may be writing; whoever of the two is told of a deadlock is chance."""
    for tries_left in (4, 3, 2, 1, 0):
        try:
            empty()
        except OperationalError:
            if not tries_left:
                raise
            time.sleep(0.1)
        else:
            return


# Django would flush: as the web's role, which can't, and with content types and permissions made anew each time.
TransactionTestCase._fixture_teardown = _empty_between_readers  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same Argon2id with less work: a quarter of a second per PIN is meant for who guesses, not for us."""
    monkeypatch.setattr(Argon2PasswordHasher, "memory_cost", 64)
    monkeypatch.setattr(Argon2PasswordHasher, "time_cost", 1)
    monkeypatch.setattr(Argon2PasswordHasher, "parallelism", 1)


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    """What one test did to the clock is not seen by the next."""
    clock.forget()
    yield
    clock._cache.setting, clock._cache.read_at = clock.REAL, float("-inf")


@pytest.fixture(autouse=True)
def _no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test has published is not followed in the next; who publishes in a test makes its process look."""
    monkeypatch.setattr(in_force, "REREAD_SECONDS", float("inf"))
    monkeypatch.setattr(in_force, "_kept", in_force.Kept(read_at=0.0))


@pytest.fixture(autouse=True)
def _plain_language() -> Iterator[None]:
    """A request of the test before may have left its person's language behind in this thread."""
    translation.deactivate()
    yield
    translation.deactivate()
