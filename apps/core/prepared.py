"""A query that a hot path runs again and again: Django writes its SQL once, each connection plans it once.

    LINE = Prepared(lambda: WorkCenter.objects.select_related("site").filter(pk=Given("line_id")))
    LINE(line_id=7)                                    # a list of work centers, as from any queryset
    LINES = Prepared(lambda: WorkCenter.objects.filter(pk__any=Given("line_ids")))      # for `in`, whose text varies

To write the SQL of a queryset costs Django more than PostgreSQL needs to answer it, and what is bound on the client is
planned anew each time.  For queries whose shape never depends on their inputs; all others stay querysets.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper
from django.db.models import Lookup
from django.db.models.expressions import Expression
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

M = TypeVar("M")


class Given(Expression):
    """Stands in the queryset for an input of each call."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Given]]:  # type: ignore[override]  # noqa: ARG002 - Django's signature
        return "%s", [self]


@models.ForeignObject.register_lookup
@models.Field.register_lookup
class AnyOf(Lookup):
    """`pk__any=Given("ids")`: one of a list, whatever its length; an empty list has nothing."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", [*left_params, *right_params]


class Prepared(Generic[M]):
    """`rows` gives the queryset, with `Given` where an input goes; it is called once, at the first use."""

    def __init__(self, rows: Callable[[], models.QuerySet[Any, M]]) -> None:
        self._rows = rows

    def __call__(self, **inputs: Any) -> list[M]:
        """Raises KeyError for an input that is missing, ValueError for None (nothing is equal to it; say `isnull`),
        TransactionManagementError where rows are locked outside of a transaction.
        """
        connection = connections[DEFAULT_DB_ALIAS]
        written = self._written
        if written.locks and not connection.in_atomic_block:
            raise TransactionManagementError("rows are locked within a transaction")
        if None in inputs.values():
            raise ValueError(f"no input of a prepared query may be None: {inputs}")
        params = [inputs[part.name] if isinstance(part, Given) else part for part in written.params]
        with planned_once() as cursor:
            cursor.execute(written.sql, params)
            found = _Found(written, connection, cursor.fetchall())
        return list(written.iterable(found))

    def first(self, **inputs: Any) -> M | None:
        """The first of them, None where there is none; for a query that finds one at most, or is ordered and cut."""
        return next(iter(self(**inputs)), None)

    @cached_property
    def _written(self) -> _Written:
        queryset = self._rows()
        if queryset._prefetch_related_lookups:  # type: ignore[attr-defined]
            raise ValueError("a prepared query prefetches nothing: select along, or read the rest by another")
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([column for column, *_ in compiler.select[: compiler.col_count]])
        locks = bool(queryset.query.select_for_update)
        return _Written(sql, params, compiler, converters, queryset._iterable_class, locks)


@dataclass(frozen=True)
class _Written:
    sql: str
    params: tuple[Any, ...]
    compiler: SQLCompiler
    converters: dict[int, Any]
    iterable: Any
    locks: bool


@dataclass
class _Found:
    """Rows that are there already, as much like a queryset as Django's iterables ask for."""

    written: _Written
    connection: Any
    rows: Sequence[tuple[Any, ...]]
    db: str = DEFAULT_DB_ALIAS
    _known_related_objects: dict[Any, Any] = field(default_factory=dict)

    @property
    def query(self) -> _Found:
        return self

    def get_compiler(self, using: str) -> Any:  # noqa: ARG002 - Django's signature
        compiler: Any = copy.copy(self.written.compiler)
        compiler.connection = self.connection
        compiler.execute_sql = lambda *_, **__: [self.rows]
        compiler.get_converters = lambda _: self.written.converters
        return compiler


class _Planned(ServerBindingCursor):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Django's log of queries asks the cursor for the text, which only cursors keep that bind on the client."""
        done = super().execute(query, params, **options)  # type: ignore[misc]  # of a class made when psycopg is found
        self._query = SimpleNamespace(query=query.encode())
        return done


def planned_once() -> CursorWrapper:
    """A cursor whose statements are bound by the server, and planned at the third use on a connection: for SQL written
    by hand whose text is always the same.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    wire = connection.connection
    usual, wire.cursor_factory = wire.cursor_factory, _Planned
    try:
        cursor: CursorWrapper = connection.cursor()
    finally:
        wire.cursor_factory = usual
    return cursor
