"""What the cures of a shortage read, once for all subjects and all cures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from apps.andon.cures import Inputs, Subject, Subjects
from apps.andon.models import FloorException
from apps.core import clock
from apps.core.commands import Context
from apps.core.rights import Scope
from apps.materials.models import Location, Lot
from apps.materials.queries import StockLine, day_at, stock_of
from apps.orders.models import Blocker
from apps.orders.readiness import locked
from apps.plant.models import Site


@dataclass(frozen=True)
class Lying:
    """A line of stock with its place and lot; `day`: today at the site."""

    line: StockLine
    location: Location
    lot: Lot | None
    day: date

    @property
    def may_be_used(self) -> bool:
        """But for a hold of ours."""
        return self.lot is None or not (self.lot.blocked_in_erp or self.lot.is_past(self.day))


def blockers(subjects: Subjects) -> dict[Subject, Blocker]:
    """Those that are open still. One query."""
    named = [subject for subject in subjects if subject.part_id is not None]
    rows = Blocker.objects.open().filter(pk__in=[subject.part_id for subject in named])
    found = with_job(rows).in_bulk()
    return {
        subject: blocker
        for subject in named
        if (blocker := found.get(subject.part_id or 0)) and blocker.exception_id == subject.exception.pk
    }


def with_job(rows: QuerySet[Blocker]) -> QuerySet[Blocker]:
    """All that is shown of them, and that their cures look at."""
    return rows.select_related("site", "job_order__work_order", "job_order__work_center")


def item_id_of(blocker: Blocker) -> int:
    return int(blocker.cause_key)


def short_of(blocker: Blocker) -> Decimal:
    return Decimal(str(blocker.facts["short"]))


def unusable(subjects: Subjects) -> dict[tuple[int, int], list[Lying]]:
    """By site and item, what is there and does not count for orders. Three queries for each site."""
    found = subjects.once(blockers).values()
    return lying_unusable((item_id_of(blocker), blocker.site) for blocker in found)


def lying_unusable(wanted: Iterable[tuple[int, Site]]) -> dict[tuple[int, int], list[Lying]]:
    """The same of these items, each at its site."""
    items: defaultdict[int, set[int]] = defaultdict(set)
    sites: dict[int, Site] = {}
    for item_id, site in wanted:
        items[site.pk].add(item_id)
        sites[site.pk] = site
    lines = [
        (site_id, line)
        for site_id, item_ids in items.items()
        for line in stock_of(item_ids, sites[site_id])
        if not line.usable and line.quantity > 0
    ]
    locations = Location.objects.in_bulk({line.location_id for _site, line in lines})
    lots = Lot.objects.in_bulk({line.lot_id for _site, line in lines if line.lot_id})
    lying: defaultdict[tuple[int, int], list[Lying]] = defaultdict(list)
    for site_id, line in lines:
        day = day_at(sites[site_id], clock.now())
        here = Lying(line, locations[line.location_id], lots.get(line.lot_id or 0), day)
        lying[site_id, line.item_id].append(here)
    return lying


def job_of(subject: Subject) -> int | None:
    return Blocker.objects.filter(pk=subject.part_id or 0).values_list("job_order", flat=True).first()


def lock_job(_context: Context, subject: Subject, _inputs: Inputs) -> None:
    """As those do who raise its exceptions."""
    job_id = job_of(subject)
    if job_id is not None:
        locked(job_id)


def scopes_of_jobs(subjects: Subjects) -> Mapping[Subject, Scope]:
    """The lines of the operations: one shortage may stop orders of several."""
    found = subjects.once(blockers)
    return {s: found[s].job_order.scope if s in found else s.exception.scope for s in subjects}


def parts_of(exception: FloorException) -> list[int | None]:
    """Its blockers, of the order that is due first before the others."""
    return list(Blocker.objects.nearest_due_first().filter(exception=exception).values_list("pk", flat=True))
