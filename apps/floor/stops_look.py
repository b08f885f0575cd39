"""Stops that nobody has explained, as their page and its links show them: the same for all who may see the place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.actors import Actor
from apps.equipment.actions import REPORT
from apps.equipment.models import DowntimePart
from apps.equipment.queries import last_reasons_of
from apps.floor.places import Located, places_at, widest
from apps.labor.models import TimeEntry
from apps.orders.models import JobInterval, JobOrder
from apps.plant.models import Person, ReasonCode, Site

QUICK = 3
# As many as somebody clears in one go; what is left over comes up as these are explained.
SHOWN = 60


class Order(models.TextChoices):
    OLDEST = "oldest", _("oldest first")
    LONGEST = "longest", _("longest first")

    @classmethod
    def of(cls, name: str | None) -> Self:
        return cls(name) if name in cls.values else cls(cls.OLDEST)


@dataclass(frozen=True)
class Unexplained:
    """`job` ran there when the machine stopped, `people` were clocked on to it; `quick`: the machine's last reasons."""

    part: DowntimePart
    job: JobOrder | None
    people: Sequence[Person]
    quick: Sequence[ReasonCode]
    now: datetime

    @property
    def name(self) -> str:
        """What a form sends back: which part, and which version of its stop the answer is to."""
        return f"{self.part.pk}.{self.part.downtime_id}.{self.part.downtime.version}"

    @property
    def minutes(self) -> int:
        length: timedelta = (self.part.ended_at or self.now) - self.part.started_at
        return length // timedelta(minutes=1)

    @property
    def is_of_today(self) -> bool:
        zone = self.part.downtime.work_unit.site.zone
        return self.part.started_at.astimezone(zone).date() == self.now.astimezone(zone).date()


@dataclass(frozen=True)
class StopsLook:
    place: Located
    order: Order
    rows: Sequence[Unexplained]
    total: int

    @property
    def rest(self) -> int:
        return self.total - len(self.rows)


def stops_look(place: Located, order: Order) -> StopsLook:
    """The queries are the same ones however many stops there are."""
    now = clock.now()
    rows = DowntimePart.objects.at(place.place).unexplained()
    if order == Order.LONGEST:
        wanted = rows.order_by((Coalesce("ended_at", Value(now)) - F("started_at")).desc(), "pk")
    else:
        wanted = rows.order_by("started_at", "pk")
    parts = list(wanted.select_related("downtime__work_unit__site")[:SHOWN])
    ran = _what_ran_there(parts)
    jobs = JobOrder.objects.select_related("work_order").in_bulk(set(ran.values()))
    people = _who_was_there(parts, ran)
    quick = last_reasons_of({part.downtime.work_unit_id for part in parts}, QUICK)
    return StopsLook(
        place=place,
        order=order,
        rows=[
            Unexplained(
                part=part,
                job=jobs.get(ran.get(part.pk, 0)),
                people=people[part.pk],
                quick=quick.get(part.downtime.work_unit_id, []),
                now=now,
            )
            for part in parts
        ],
        total=rows.count() if len(parts) == SHOWN else len(parts),
    )


@dataclass(frozen=True)
class StopsLink:
    """To the page of a place, with how many wait there."""

    place: Located
    count: int

    @classmethod
    def at(cls, place: Located) -> Self:
        return cls(place, DowntimePart.objects.at(place.place).unexplained().count())

    @property
    def site(self) -> Site:
        return self.place if isinstance(self.place, Site) else self.place.site


def stops_links(actor: Actor) -> list[StopsLink]:
    """For whoever may say why machines stood: one for each place of theirs that lies in no other."""
    sites = Site.objects.visible_to(actor, REPORT)
    return [StopsLink.at(place) for site in sites for place in widest(places_at(site, actor, REPORT))]


# An operation that the stop has ended the run of ran until then.
_RAN_THERE = (
    JobInterval.objects.filter(
        Q(ended_at=None) | Q(ended_at__gte=OuterRef("downtime__started_at")),
        job_order__work_unit=OuterRef("downtime__work_unit"),
        started_at__lte=OuterRef("downtime__started_at"),
    )
    .order_by("-started_at")
    .values("job_order")[:1]
)


def _what_ran_there(parts: Collection[DowntimePart]) -> dict[int, int]:
    """By part: the operation at the machine when it stopped, where there was one."""
    rows = DowntimePart.objects.filter(pk__in=[part.pk for part in parts]).order_by()
    return {pk: job for pk, job in rows.values_list("pk", Subquery(_RAN_THERE)) if job is not None}


def _who_was_there(parts: Collection[DowntimePart], ran: Mapping[int, int]) -> dict[int, list[Person]]:
    """By part: who was on its operation at some time of the stop."""
    by_job: defaultdict[int, list[TimeEntry]] = defaultdict(list)
    if parts:
        since = min(part.downtime.started_at for part in parts)
        entries = TimeEntry.objects.filter(Q(ended_at=None) | Q(ended_at__gte=since), job_order__in=set(ran.values()))
        for entry in entries.select_related("person").order_by("started_at", "pk"):
            by_job[entry.job_order_id].append(entry)
    return {part.pk: _there(part, by_job[ran[part.pk]]) if part.pk in ran else [] for part in parts}


def _there(part: DowntimePart, entries: Sequence[TimeEntry]) -> list[Person]:
    start, end = part.downtime.started_at, part.downtime.ended_at
    there = [
        entry.person
        for entry in entries
        if (entry.ended_at is None or entry.ended_at >= start) and (end is None or entry.started_at < end)
    ]
    return list({person.pk: person for person in there}.values())
