"""What a rule may cost whoever has booked, and that nothing of it outlives its failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# Shorter than PostgreSQL waits before it looks for a deadlock (1 s): a rule gives way before anybody is cut off for it.
LOCK_MILLISECONDS = 300
STATEMENT_MILLISECONDS = 1_000

_LIMIT = """
    SELECT current_setting('lock_timeout'), current_setting('statement_timeout'),
           set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)
"""
# A row that refers to nothing would else be found at the commit, and take the fact with it.
_CHECK = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; "
_PUT_BACK = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"


@contextmanager
def bounded() -> Iterator[None]:
    """A savepoint in which nobody waits long for a lock or a statement. Whatever is raised undoes what was done in it,
    and no more.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LIMIT, [f"{LOCK_MILLISECONDS}ms", f"{STATEMENT_MILLISECONDS}ms"])
            before = cursor.fetchone()[:2]
        yield
        with connection.cursor() as cursor:
            cursor.execute(_CHECK + _PUT_BACK, before)
