"""What only tests may do: past the web's role and past every trigger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def as_owner(connection: Any) -> Iterator[Any]:
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
