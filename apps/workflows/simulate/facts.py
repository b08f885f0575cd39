"""What was known of an item then: what guards read, else its row of that time, else its row of now."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

from django.db import connection, models

from apps.core.rights import EVERYWHERE, Scope
from apps.workflows import guards
from apps.workflows.guards import GuardError
from apps.workflows.kinds import Kind, ValueType
from apps.workflows.models import WorkflowItem
from apps.workflows.simulate.past import Moved


class Basis(StrEnum):
    """Where a value comes from. READ: recorded then. ROW: the item's row of that time; what hangs on other rows is as
    it is now.
    """

    READ = "read"
    ROW = "row"
    NOW = "now"


class Unknown(Exception):
    """Nobody can say any more; `args[0]` names the field."""


def typed(value: Any, type_: ValueType) -> Any:
    """As it was before the ledger wrote it as JSON."""
    if value is None:
        return None
    match type_:
        case ValueType.NUMBER:
            return Decimal(str(value))
        case ValueType.TIME:
            return datetime.fromisoformat(value)
        case ValueType.NUMBERS:
            return [Decimal(str(one)) for one in value]
        case _:
            return value


class FactsThen:
    """Of the moves of one segment; `load` reads, for all that need it at once, items and their rows of that time."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._items: dict[int, WorkflowItem] = {}
        self._rows: dict[int, dict[str, Any]] = {}
        self._then: dict[int, tuple[WorkflowItem, Basis]] = {}
        self.guessed: Counter[tuple[str, Basis]] = Counter()

    @property
    def has_partners(self) -> bool:
        return self._kind.partners is not None

    def partners(self, move: Moved) -> frozenset[int]:
        """Who worked together on the item then with whoever took the move, as it was agreed. One query."""
        item = self._items.get(move.item_id)
        if item is None or self._kind.partners is None:
            return frozenset()
        return frozenset(self._kind.partners(item, move.occurred_at)) - {move.actor_id or 0}

    def load(self, moves: Sequence[Moved], *, rows: bool) -> None:
        """Two queries at most; `rows`: values of fields will be asked for, not only places."""
        self._items, self._rows, self._then = {}, {}, {}
        if not moves:
            return
        items = self._kind.model._base_manager.select_related(*self._kind.reads)
        self._items = {item.pk: item for item in items.filter(pk__in={move.item_id for move in moves})}
        if rows:
            asked = [(move.id, move.item_id, move.occurred_at) for move in moves]
            self._rows = rows_at(self._kind.model, asked, before=True)

    def scope(self, move: Moved) -> Scope:
        """Of the item where it is now; of one that is gone, its site."""
        item = self._items.get(move.item_id)
        if item is not None:
            return self._kind.scope(item)
        return EVERYWHERE | {f"site:{move.site_id}"} if move.site_id else EVERYWHERE

    def value(self, move: Moved, name: str, *, counted: bool) -> tuple[Any, Basis]:
        """`counted`: it decides about the move, so that where it came from is told. Raises Unknown."""
        field = self._kind.fields.get(name)
        if field is None:
            raise Unknown(name)
        read: Mapping[str, Any] = move.data["guard_inputs"]
        if name in read:
            return typed(read[name], field.type), Basis.READ
        item, basis = self._item_then(move, name)
        try:
            value = guards.plain(field.read(item))
        except GuardError:
            raise
        except Exception as error:
            raise Unknown(name) from error
        self.guessed[name, basis] += counted
        return value, basis

    def _item_then(self, move: Moved, name: str) -> tuple[WorkflowItem, Basis]:
        if move.id not in self._then:
            item = self._items.get(move.item_id)
            if item is None:
                raise Unknown(name)
            row = self._rows.get(move.id)
            self._then[move.id] = (as_of(item, row), Basis.ROW) if row is not None else (item, Basis.NOW)
        return self._then[move.id]


def as_of(item: WorkflowItem, row: Mapping[str, Any]) -> WorkflowItem:
    """The item of now with the values of its row of then; a relation that has changed since is read anew."""
    kind = type(item)
    then = kind.__new__(kind)
    state = copy.copy(item._state)
    state.fields_cache = dict(item._state.fields_cache)
    then.__dict__ = {**item.__dict__, "_state": state}
    for name, relation in _columns(kind):
        if name not in row:
            continue
        value = row[name]
        if relation and value != then.__dict__.get(name):
            state.fields_cache.pop(relation, None)
        then.__dict__[name] = value
    return then


@cache
def _columns(model: type[models.Model]) -> tuple[tuple[str, str], ...]:
    """Each with the name of the relation that it is the key of; empty for a plain value."""
    return tuple(
        (field.attname, field.name if isinstance(field, models.ForeignKey) else "")
        for field in model._meta.concrete_fields
    )


def rows_at(
    model: type[models.Model], asked: Sequence[tuple[int, int, datetime]], *, before: bool
) -> dict[int, dict[str, Any]]:
    """The history row that an item had at an instant, for each (key, item id, instant). One query.

    before  just before it: a move's own row bears its edge as the reason, the one before is what its guards saw
    """
    history: Any = getattr(model, "history", None)
    if history is None or not asked:
        return {}
    table = history.model._meta.db_table
    quoted = connection.ops.quote_name
    columns = [field.column for field in history.model._meta.concrete_fields if not field.name.startswith("history_")]
    names = [field.attname for field in history.model._meta.concrete_fields if not field.name.startswith("history_")]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT asked.key, {', '.join(f'row.{quoted(column)}' for column in columns)} "  # noqa: S608 - names of ours
            "FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS asked (key, item, at) "
            f"CROSS JOIN LATERAL (SELECT * FROM {quoted(table)} AS h "
            f"WHERE h.id = asked.item AND h.history_date {'<' if before else '<='} asked.at "
            "ORDER BY h.history_date DESC, h.history_id DESC LIMIT 1) AS row",
            [list(column) for column in zip(*asked, strict=True)],
        )
        return {found[0]: dict(zip(names, found[1:], strict=True)) for found in cursor.fetchall()}


def grouped(counted: Counter[tuple[str, Basis]]) -> dict[str, dict[str, int]]:
    """field -> basis -> how often."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (name, basis), times in counted.items():
        found[name][basis.value] = times
    return dict(found)
