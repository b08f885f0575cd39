"""Every work order that is stopped: by what, whose it is, until when, and what can be done about it from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from apps.andon.cures import InPlace, Subject, cures_for
from apps.andon.models import FloorException, Impact
from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.rights import EVERYWHERE, Scope
from apps.orders.actions import VIEW_ORDERS
from apps.orders.cures.reading import blockers, with_job
from apps.orders.models import Blocker, JobOrder, WorkOrder
from apps.plant.models.places import ids

PAGE = 25
# Of an exception that names an order and has no blocker: those that keep it from being made.
STOPPING = [Impact.DOWN.value, Impact.IMPACTING.value]

# A blocker has its operation's place; what stops an order otherwise has its own.
_STOPPED = """
WITH stopped AS (
    SELECT b.exception_id, b.id AS blocker_id, j.work_order_id, j.work_center_id, e.deadline_at, e.owner_id,
           concat_ws(' ', b.from_quantity, b.runs_to, b.facts) AS told
      FROM orders_blocker b
      JOIN andon_floorexception e ON e.id = b.exception_id
      JOIN orders_joborder j ON j.id = b.job_order_id
     WHERE b.closed_at IS NULL AND b.exception_id IS NOT NULL AND b.site_id = %(site)s
    UNION ALL
    SELECT e.id, NULL, e.work_order_id, e.work_center_id, e.deadline_at, e.owner_id, ''
      FROM andon_floorexception e
     WHERE e.closed_at IS NULL AND e.site_id = %(site)s AND e.work_order_id IS NOT NULL AND e.impact = ANY (%(impacts)s)
       AND NOT EXISTS (SELECT 1 FROM orders_blocker b WHERE b.exception_id = e.id AND b.closed_at IS NULL)
)
"""
_FROM = """
  FROM stopped
  JOIN orders_workorder o ON o.id = stopped.work_order_id
  LEFT JOIN plant_workcenter line ON line.id = stopped.work_center_id
 WHERE (%(everywhere)s OR line.id = ANY (%(lines)s) OR line.area_id = ANY (%(areas)s))
   AND (%(line)s::bigint IS NULL OR line.id = %(line)s)
   AND (%(area)s::bigint IS NULL OR line.area_id = %(area)s)
   AND (%(owner)s::bigint IS NULL OR stopped.owner_id = %(owner)s)
"""
_BLOCKED = f"""{_STOPPED}
SELECT stopped.exception_id, stopped.blocker_id, stopped.work_order_id, count(*) OVER () {_FROM}
 ORDER BY least(stopped.deadline_at, o.due_at) NULLS LAST, o.number, stopped.exception_id, stopped.blocker_id
 LIMIT %(limit)s OFFSET %(offset)s
"""
_MARK = f"""{_STOPPED}
SELECT md5(string_agg(concat_ws(' ', exception_id, blocker_id, owner_id, stopped.deadline_at, o.due_at, told), ','
                      ORDER BY exception_id, blocker_id)) {_FROM}
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Ids to narrow the list by; None: all."""

    line_id: int | None = None
    area_id: int | None = None
    owner_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """One work order, and one thing that stops it; `blocker` None: it is stopped by more than its own operations."""

    order: WorkOrder
    exception: FloorException
    blocker: Blocker | None
    now: datetime
    cures: list[InPlace] = field(default_factory=list)

    @property
    def job(self) -> JobOrder | None:
        return self.blocker.job_order if self.blocker else None

    @property
    def cause(self) -> str:
        return self.blocker.sentence if self.blocker else self.exception.headline

    @property
    def reach(self) -> str:
        return self.blocker.reach if self.blocker else _("Can't run")

    @property
    def is_over(self) -> bool:
        deadline: datetime | None = self.exception.deadline_at
        return deadline is not None and deadline <= self.now

    @property
    def possible(self) -> list[InPlace]:
        return [way for way in self.cures if way.is_possible]

    @property
    def impossible(self) -> list[InPlace]:
        return [way for way in self.cures if not way.is_possible]

    @property
    def minutes(self) -> int:
        """Whole minutes to the deadline, or since it has passed."""
        deadline: datetime | None = self.exception.deadline_at
        return int(abs(deadline - self.now) // timedelta(minutes=1)) if deadline else 0


@dataclass(frozen=True)
class Page:
    """`total` of all pages."""

    rows: list[Stopped]
    total: int
    number: int
    size: int

    @property
    def has_next(self) -> bool:
        return self.number * self.size < self.total


def blocked(actor: Actor, site_id: int, wanted: Wanted | None = None, *, page: int = 1, size: int = PAGE) -> Page:
    """Those at the actor's places of the site, the nearest deadline or due date first. A fixed number of queries."""
    found = _found(_inputs(site_id, rights.places(actor, VIEW_ORDERS), wanted or Wanted(), page, size))
    stopped = _rows(found)
    subjects = {_subject(row): row for row in stopped}
    stopping = {subject: row.blocker for subject, row in subjects.items() if row.blocker}
    cures = cures_for(subjects, actor, {blockers: stopping})
    return Page([_with(row, cures[subject]) for subject, row in subjects.items()], _total(found), page, size)


def stopped_at(site_id: int, place: str, *, size: int) -> Page:
    """The first ones at a place ("area:2"), for whoever may see it: without cures, which are for one person."""
    found = _found(_inputs(site_id, frozenset({place}), Wanted(), 1, size))
    return Page(_rows(found), _total(found), 1, size)


def mark(site_id: int, place: str) -> str:
    """Another text as soon as anything is different in the whole list of the place; one query, no rows."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, _inputs(site_id, frozenset({place}), Wanted(), 1, 0))
        (text,) = cursor.fetchone()
    return text or ""


def _inputs(site_id: int, places: Scope, wanted: Wanted, page: int, size: int) -> dict[str, Any]:
    return {
        "site": site_id,
        "impacts": STOPPING,
        "everywhere": bool(EVERYWHERE & places) or site_id in ids(places, "site"),
        "areas": ids(places, "area"),
        "lines": ids(places, "line"),
        "line": wanted.line_id,
        "area": wanted.area_id,
        "owner": wanted.owner_id,
        "limit": size,
        "offset": (max(1, page) - 1) * size,
    }


def _found(inputs: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKED, inputs)
        return list(cursor.fetchall())


def _total(found: Sequence[tuple[Any, ...]]) -> int:
    return int(found[0][3]) if found else 0


def _rows(found: Sequence[tuple[Any, ...]]) -> list[Stopped]:
    stopping = with_job(Blocker.objects.all()).in_bulk({blocker_id for _e, blocker_id, *_rest in found if blocker_id})
    others = {order_id for _exception, blocker_id, order_id, _total in found if not blocker_id}
    # What has a blocker is told by it; what has none by its type and place.
    told_by = ("type", "area", "work_unit") if others else ()
    exceptions = FloorException.objects.select_related("owner", "site", "work_center", *told_by).in_bulk(
        {exception_id for exception_id, *_rest in found}
    )
    orders = WorkOrder.objects.in_bulk(others) if others else {}
    orders |= {blocker.job_order.work_order_id: blocker.job_order.work_order for blocker in stopping.values()}
    now = clock.now()
    return [
        Stopped(
            order=orders[order_id], exception=exceptions[exception_id], blocker=stopping.get(blocker_id or 0), now=now
        )
        for exception_id, blocker_id, order_id, _total in found
        if exception_id in exceptions and order_id in orders and (blocker_id is None or blocker_id in stopping)
    ]


def _subject(row: Stopped) -> Subject:
    return Subject(row.exception, row.blocker.pk if row.blocker else None)


def _with(row: Stopped, cures: list[InPlace]) -> Stopped:
    return Stopped(order=row.order, exception=row.exception, blocker=row.blocker, now=row.now, cures=cures)
