"""The tables of a test database, past the web's role and past every trigger: what only tests may do."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection

# Filled by the migrations, the same for every test.
FROM_MIGRATIONS = {"django_content_type", "auth_permission"}


@contextmanager
def as_owner() -> Iterator[Any]:
    """A cursor of the database's owner for whom no trigger fires, not even a foreign key's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        role = cursor.fetchone()[0]
        cursor.execute("RESET ROLE")
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("RESET session_replication_role")
            cursor.execute(f'SET ROLE "{role}"')


def tables() -> set[str]:
    """Those that tests write to."""
    models = apps.get_models(include_auto_created=True)
    return {model._meta.db_table for model in models if model._meta.managed} - FROM_MIGRATIONS


def filled(names: Collection[str]) -> list[str]:
    """The tables among them that have a row."""
    asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in sorted(names))
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [row[0] for row in cursor.fetchall()]


def empty() -> None:
    """What one test has left; for its few rows a TRUNCATE of all tables would take thirty times as long."""
    if rows_in := filled(tables()):
        with as_owner() as cursor:
            cursor.execute("; ".join(f'DELETE FROM "{name}"' for name in rows_in))


def empty_for_good() -> None:
    """Gives back the room of all that was deleted or rolled back as well: nothing vacuums the tests' server."""
    with as_owner() as cursor:
        cursor.execute("TRUNCATE " + ", ".join(f'"{name}"' for name in sorted(tables())))
