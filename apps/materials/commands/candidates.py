"""Sent rows on their way in, and what says how a kind of row is taken in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from apps.materials.commands.erp_rows import Outcome, Rejected, RowReport

Values = dict[str, Any]


class References:
    """The rows that the sent rows name: by their keys from the ERP, by their codes otherwise."""

    def __init__(self, *, from_erp: bool) -> None:
        self._by = "erp_key" if from_erp else "code"
        self._found: dict[type[Model], dict[str, Any]] = {}

    def load(self, model: type[Model], names: Iterable[str], *related: str, prefetch: Sequence[str] = ()) -> None:
        rows = model._default_manager.filter(**{f"{self._by}__in": set(names) - {""}})
        rows = rows.select_related(*related) if related else rows
        self._found[model] = {getattr(row, self._by): row for row in rows.prefetch_related(*prefetch)}

    def all(self, model: type[Model]) -> list[Any]:
        return list(self._found[model].values())

    def get(self, model: type[Model], name: str, into: str) -> Any:
        """Raises Rejected, naming the field `into`."""
        row = self._found[model].get(name)
        if row is None:
            raise Rejected(
                into,
                _("There is no %(what)s %(name)s here.") % {"what": model._meta.verbose_name, "name": name or "\u2013"},
            )
        return row


@dataclass(frozen=True, kw_only=True)
class Children:
    """Rows that come along with their parent and are compared by `key`, an attribute that is unique per parent."""

    model: type[Model]
    parent: str
    key: str
    values: Callable[[Any, References], list[Values]]


@dataclass(eq=False)
class Candidate:
    """One sent row on its way; `changed` and the three lists say what there is to write."""

    index: int
    row: Any
    values: Values = field(default_factory=dict)
    target: Any = None
    before: Values = field(default_factory=dict)
    outcome: Outcome = Outcome.UNCHANGED
    problem: Rejected | None = None
    changed: set[str] = field(default_factory=set)
    lines: list[Values] = field(default_factory=list)
    lines_new: list[Any] = field(default_factory=list)
    lines_changed: list[Any] = field(default_factory=list)
    lines_gone: list[Any] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Neither rejected nor stale."""
        return self.outcome not in (Outcome.REJECTED, Outcome.STALE)

    def reject(self, problem: Rejected) -> None:
        self.outcome, self.problem = Outcome.REJECTED, problem

    def report(self) -> RowReport:
        return RowReport(
            index=self.index,
            outcome=self.outcome,
            row_id=self.target.pk if self.target is not None else None,
            field=self.problem.field if self.problem else "",
            sentence=self.problem.sentence if self.problem else "",
        )


def nothing_to_load(rows: Sequence[Any], references: References) -> None:
    """For rows that name no others."""


def nothing_more(candidates: list[Candidate]) -> None:
    """For rows of which each can be judged alone."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """How rows of one kind are taken in.

    load      brings what the rows refer to        values  the row's attributes; raises Rejected
    name      attributes that say which row is meant, where there is no key in the ERP
    unique    whether that name is the only one among all rows, or among ours alone
    adopts    whether a row of ours with this name becomes the ERP's unasked
    also      rejects candidates for what only shows when all of them are seen
    """

    model: type[Any]
    load: Callable[[Sequence[Any], References], None]
    values: Callable[[Any, References], Values]
    name: tuple[str, ...]
    unique: bool = True
    adopts: bool = False
    children: Children | None = None
    also: Callable[[list[Candidate]], None] = nothing_more
