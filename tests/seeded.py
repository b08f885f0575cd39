"""What every plant starts with, for tests that need a whole one.

`manage.py seed` takes half a second. Its rows are the same each time, so the first one of a run is kept, and what the
others get is a copy. Numbers of rows never come again within a run (nothing sets a sequence back), so the copy fits.
"""

from __future__ import annotations

import io
from decimal import Decimal
from unittest.mock import patch

from django.apps import apps
from django.core.management import call_command
from django.db import connection

from apps.core import clock
from tests.as_owner import as_owner
from tests.world import ALWAYS

# Filled without a plant as well.
NO_SEEDS = {"django_content_type", "auth_permission", "core_sharedclock"}
# However far back a test moves the clock, what it starts with is there already.
LONG_AGO = clock.Setting(ALWAYS, ALWAYS, Decimal(0))
# Table -> its rows as COPY gives them.
_kept: dict[str, bytes] = {}


def seed_plant() -> None:
    """Roles, reason codes and workflows out of the box, as `manage.py seed` puts them in place."""
    if _kept and not _filled(_kept):
        _copy()
        return
    empty = not _kept and not _filled(_tables())
    with patch.object(clock, "_setting", lambda: LONG_AGO):
        call_command("seed", verbosity=0, stdout=io.StringIO())
    if empty:
        _keep()


def _tables() -> set[str]:
    return {model._meta.db_table for model in apps.get_models() if model._meta.managed} - NO_SEEDS


def _filled(tables: set[str] | dict[str, bytes]) -> list[str]:
    """Those that have a row."""
    asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in sorted(tables))
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [row[0] for row in cursor.fetchall()]


def _keep() -> None:
    with connection.cursor() as cursor:
        for table in _filled(_tables()):
            with cursor.copy(f'COPY "{table}" TO STDOUT (FORMAT binary)') as rows:
                _kept[table] = b"".join(rows)


def _copy() -> None:
    with as_owner(connection) as cursor:
        for table, rows in _kept.items():
            with cursor.copy(f'COPY "{table}" FROM STDIN (FORMAT binary)') as into:
                into.write(rows)
