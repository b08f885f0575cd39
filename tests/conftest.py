"""The database that tests run on: a reused one, as the role that the web has, never as its owner."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.backends.postgresql.operations import DatabaseOperations

from apps.core import clock
from tests.as_owner import as_owner
from tests.environment import assert_test_server

ROOT = Path(__file__).resolve().parent.parent
APP_ROLE = "mfgos_app"


def schema_hash() -> str:
    """Changes with any migration, so that a reused database never has an old schema."""
    digest = hashlib.sha256()
    for file in sorted(ROOT.glob("apps/*/migrations/*.py")) + sorted(ROOT.glob("tests/*/testapp/**/*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = f"test_mfgos_{schema_hash()}"


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_modify_db_settings: None, django_db_setup: None, django_db_blocker: Any
) -> Iterator[None]:
    """Created, migrated and flushed by the owner; everything else happens as the web's role."""
    with django_db_blocker.unblock():
        assert_test_server(connection)
        drop_other_schemas()
        call_command("flush", verbosity=0, interactive=False)  # rows that a killed run has left
        connection.settings_dict["OPTIONS"]["assume_role"] = APP_ROLE
        connection.close()
    yield
    with django_db_blocker.unblock():
        connection.close()
        del connection.settings_dict["OPTIONS"]["assume_role"]


def drop_other_schemas() -> None:
    """Databases of migrations that are no more; one in use by another run stays."""
    current = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'test_mfgos_%%' AND datname <> %s AND datname NOT IN "
            "(SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL)",
            [current],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


_flush = DatabaseOperations.execute_sql_flush


def flush_as_owner(self: DatabaseOperations, sql_list: list[str]) -> None:
    """The web's role can't empty a table, and the ledger's triggers let nobody."""
    with as_owner(self.connection):
        _flush_between_readers(self, sql_list)


def _flush_between_readers(operations: DatabaseOperations, sql_list: list[str]) -> None:
    """A product that runs beside the tests may be reading; whoever of the two is told of a deadlock is chance."""
    for tries_left in (4, 3, 2, 1, 0):
        try:
            _flush(operations, sql_list)
        except OperationalError:
            if not tries_left:
                raise
            time.sleep(0.1)
        else:
            return


DatabaseOperations.execute_sql_flush = flush_as_owner


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    """What one test did to the clock is not seen by the next."""
    clock.forget()
    yield
    clock._cache.setting, clock._cache.read_at = clock.REAL, float("-inf")
