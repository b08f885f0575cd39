"""What every plant starts with, for tests that need a whole one.

`manage.py seed` takes half a second. Its rows are the same each time, so the first one of a run is kept, and what the
others get is a copy. Numbers of rows never come again within a run (nothing sets a sequence back), so the copy fits.
"""

from __future__ import annotations

import io
from decimal import Decimal
from unittest.mock import patch

from django.core.management import call_command
from django.db import connection

from apps.core import clock
from apps.workflows.rules.in_force import forget, rules_in_force
from tests.tables import as_owner, filled, tables
from tests.world import ALWAYS

# However far back a test moves the clock, what it starts with is there already.
LONG_AGO = clock.Setting(ALWAYS, ALWAYS, Decimal(0))
CLOCK = "core_sharedclock"
# Table -> its rows as COPY gives them.
_kept: dict[str, bytes] = {}


def seed_plant() -> None:
    """Roles, reason codes, workflows and rules out of the box, as `manage.py seed` puts them in place."""
    _put_in_place()
    # Read now, so that no command is counted for it.
    forget()
    rules_in_force()


def _put_in_place() -> None:
    if _kept and not filled(_kept):
        _copy()
        return
    can_be_kept = not _kept and not filled(tables() - {CLOCK})
    with patch.object(clock, "_setting", lambda: LONG_AGO):
        call_command("seed", verbosity=0, stdout=io.StringIO())
    if can_be_kept:
        _keep()


def _keep() -> None:
    with connection.cursor() as cursor:
        for table in filled(tables() - {CLOCK}):
            with cursor.copy(f'COPY "{table}" TO STDOUT (FORMAT binary)') as rows:
                _kept[table] = b"".join(rows)


def _copy() -> None:
    with as_owner() as cursor:
        for table, rows in _kept.items():
            with cursor.copy(f'COPY "{table}" FROM STDIN (FORMAT binary)') as into:
                into.write(rows)
