"""The events of the past, from the ledger, a segment at a time: however many there are, few are in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet

from apps.core.models import LedgerEvent
from apps.workflows.events import StateChanged

SEGMENT = 2_000


class Moved(NamedTuple):
    """One StateChanged as the ledger has it."""

    id: int
    subject_id: str
    site_id: int | None
    actor_id: int | None
    agent: str
    occurred_at: datetime
    data: Mapping[str, Any]

    @property
    def item_id(self) -> int:
        return int(self.subject_id)


@dataclass(frozen=True, kw_only=True)
class Span:
    """The last so many days, or the last so many moves; `days` 0: by moves."""

    days: int = 0
    moves: int = 0


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Ids of the ledger, both inclusive; empty where there is nothing to replay."""

    first: int
    last: int
    total: int


@contextmanager
def touching_nothing() -> Iterator[None]:
    """The database itself refuses every write within."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield


def moves(kind: str, version_ids: Collection[int]) -> QuerySet[LedgerEvent]:
    return LedgerEvent.objects.filter(kind=StateChanged.kind, subject_kind=kind, data__version_id__in=list(version_ids))


def stretch(rows: QuerySet[LedgerEvent], span: Span, now: datetime, since: datetime) -> Stretch:
    """`since`: where the days begin; of no meaning for a span of moves."""
    rows = rows.filter(occurred_at__lte=now)
    if span.days:
        rows = rows.filter(occurred_at__gte=since)
        ends = rows.aggregate(first=Min("id"), last=Max("id"))
        return Stretch(first=ends["first"] or 0, last=ends["last"] or -1, total=rows.count())
    ids = list(rows.order_by("-id").values_list("id", flat=True)[: span.moves])
    return Stretch(first=ids[-1], last=ids[0], total=len(ids)) if ids else Stretch(first=0, last=-1, total=0)


def segment(
    rows: QuerySet[LedgerEvent], columns: Sequence[str], after: int, last: int, since: datetime | None
) -> list[tuple[Any, ...]]:
    """The next ones in the order of the ledger; [] after the last."""
    rows = rows.filter(id__gt=after, id__lte=last)
    if since is not None:
        rows = rows.filter(occurred_at__gte=since)
    return list(rows.order_by("id").values_list(*columns)[:SEGMENT])


Takings = dict[tuple[int, str], list[int | None]]


def takings_before(kind: str, item_ids: Collection[int], edges: Collection[str], first: int) -> Takings:
    """(item, edge) -> who took it, before the stretch that is replayed."""
    found: defaultdict[tuple[int, str], list[int | None]] = defaultdict(list)
    rows = LedgerEvent.objects.filter(
        kind=StateChanged.kind,
        subject_kind=kind,
        subject_id__in=[str(item_id) for item_id in item_ids],
        data__edge__in=list(edges),
        id__lt=first,
    )
    for item_id, edge, actor_id in rows.values_list("subject_id", "data__edge", "actor_id"):
        found[int(item_id), edge].append(actor_id)
    return dict(found)
