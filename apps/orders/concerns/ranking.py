"""The most urgent few of each group, and how many there are: of thousands that wait only those are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Count, F, Model, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.andon.concerns import MOST

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Few(Generic[M]):
    """`rows`: the first MOST of them; `total` of all."""

    rows: list[M]
    total: int

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


def few_of_each(rows: QuerySet[M], by: str, order_by: Sequence[Any], reads: Sequence[str]) -> Mapping[Any, Few[M]]:
    """By the value of the field `by`.  Two queries."""
    ranked = rows.annotate(
        rank=Window(RowNumber(), partition_by=[F(by)], order_by=[*order_by]),
        total=Window(Count("pk"), partition_by=[F(by)]),
    )
    found = list(ranked.filter(rank__lte=MOST).order_by(by, "rank").values_list("pk", by, "total"))
    if not found:
        return {}
    read = rows.model._default_manager.select_related(*reads).in_bulk([pk for pk, _group, _total in found])
    few: dict[Any, Few[M]] = {}
    for pk, group, total in found:
        # One that went meanwhile is not named.
        if pk in read:
            few.setdefault(group, Few([], total)).rows.append(read[pk])
    return few
