"""What must be so before the product may hold anybody's data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.db import connection, connections

from apps.core.privileges import APP_ROLE, append_only_models

# Off, a crash loses what was acknowledged: measured, 329 of 118,795 commits with synchronous_commit off.
DURABLE = ["fsync", "full_page_writes", "synchronous_commit"]


@register(Tags.database)
def durability(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Run by `check --database default`, by the supervisor and by `migrate`."""
    problems: list[CheckMessage] = []
    for alias in [] if settings.VOLATILE else databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off'", [DURABLE])
            problems += [
                Error(
                    f"The database runs with {name} off: a crash would lose acknowledged work.",
                    hint=f"Set {name} = on in postgresql.conf.",
                    id="mfgos.E010",
                )
                for (name,) in cursor.fetchall()
            ]
    return problems


@register(Tags.security, deploy=True)
def two_roles(**_: Any) -> list[CheckMessage]:
    """The web's login must not be able to rewrite history, even with the triggers gone."""
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        tables = sorted({model._meta.db_table for model in append_only_models()} & existing)
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name "
            "WHERE has_table_privilege(current_user, name, 'UPDATE, DELETE, TRUNCATE')",
            [tables],
        )
        open_tables = [name for (name,) in cursor.fetchall()]
    if not open_tables:
        return []
    return [
        Warning(
            f"The web's database login may change append-only tables: {', '.join(open_tables)}.",
            hint=f"Create the role {APP_ROLE}, give DATABASE_URL its login, DATABASE_OWNER_URL the owner's, migrate.",
            id="mfgos.W011",
        )
    ]
