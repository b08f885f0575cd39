"""Who may write what in the database, settled anew after each migration.

`mfgos_owner` migrates; web and worker log in as `mfgos_app`, which can't change a ledger or history row. Default
privileges would open every later history table too, so the grants are made here, table by table.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connections
from django.db.models import Model
from psycopg import sql

APP_ROLE = "mfgos_app"


def append_only_models() -> list[type[Model]]:
    """The ledger, and every history model there is."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if any(trigger.name == "append_only" for trigger in getattr(model._meta, "triggers", []))
    ]


def settle_privileges(using: str = "default", **_: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname <> current_user", [APP_ROLE])
        if not cursor.fetchone():
            return  # one role does everything: the triggers protect, and `check --deploy` says what is lacking
        role = sql.Identifier(APP_ROLE)
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        cursor.execute(
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(role)
        )
        cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role))
        existing = set(connections[using].introspection.table_names(cursor))
        fixed = {model._meta.db_table for model in append_only_models()} & existing
        for table in sorted(fixed):
            cursor.execute(sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), role))
        cursor.execute(sql.SQL("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON django_migrations FROM {}").format(role))
