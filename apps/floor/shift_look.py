"""What the shift of a place looks like beside its exceptions: lines, machines that stand, blocked orders, people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from apps.core import clock
from apps.equipment.models import Downtime, MaintenanceRequest, RequestStatus
from apps.equipment.queries import standing_at
from apps.floor.places import Located, lines_of
from apps.floor.screens import Board, board
from apps.labor.models import TimeEntry
from apps.labor.queries import at_lines
from apps.orders.blocked import Page, mark, stopped_at
from apps.orders.models import DispatchStatus, JobOrder
from apps.plant.duty import Rostered, rostered
from apps.plant.models import Person, ReasonCode
from apps.plant.models.duty import Absence, Presence
from apps.plant.shifts_calendar import Shift

# As many as the screen has room for: all of them stand on a page of their own.
BLOCKED_ROWS = 8


@dataclass(frozen=True)
class LinesLook:
    boards: list[Board]

    @property
    def shift(self) -> Shift | None:
        """The one that runs on all lines; None where they differ, or none runs."""
        shifts = {board.shift for board in self.boards}
        return shifts.pop() if len(shifts) == 1 else None


def lines_look(place: Located) -> LinesLook:
    """A fixed number of queries for each line."""
    return LinesLook([board(line) for line in lines_of(place)])


@dataclass(frozen=True)
class Standing:
    """A machine that stands now; `reason` None: nobody has said why. `request`: who was sent for, and is not done."""

    downtime: Downtime
    reason: ReasonCode | None
    request: MaintenanceRequest | None


def standing_look(place: Located) -> list[Standing]:
    """The one that stands longest first."""
    return [_standing(downtime) for downtime in standing_at(frozenset({place.place}))]


def _standing(downtime: Downtime) -> Standing:
    """Of the part that goes on."""
    parts = sorted(downtime.parts.all(), key=lambda part: part.started_at)
    requests = [row for row in downtime.maintenance_requests.all() if row.status != RequestStatus.DONE]
    return Standing(downtime, parts[-1].reason if parts else None, requests[-1] if requests else None)


@dataclass(frozen=True)
class BlockedLook:
    """`mark` is another one as soon as anything is different in the whole list."""

    page: Page
    mark: str

    @property
    def more(self) -> int:
        return self.page.total - len(self.page.rows)


def blocked_look(place: Located) -> BlockedLook:
    page = stopped_at(place.site_id, place.place, size=BLOCKED_ROWS)
    return BlockedLook(page, mark(place.site_id, place.place))


@dataclass(frozen=True)
class JobCrew:
    """Who is on one operation; nobody on one that runs needs somebody."""

    job: JobOrder
    entries: list[TimeEntry]


@dataclass(frozen=True)
class DutyNow:
    """A duty of the roster and who has it; `person` None: who is on the roster is away, and nobody stands in."""

    duty: Rostered
    person: Person | None

    @property
    def is_deputy(self) -> bool:
        return self.person is not None and self.person.pk != self.duty.entry.person_id


@dataclass(frozen=True)
class PeopleLook:
    """`free`: at work, and neither on an operation nor on the roster."""

    crews: list[JobCrew]
    duties: list[DutyNow]
    free: list[Presence]
    away: list[Absence]

    @property
    def here(self) -> int:
        return len(
            {entry.person_id for crew in self.crews for entry in crew.entries}
            | {duty.person.pk for duty in self.duties if duty.person}
            | {presence.person_id for presence in self.free}
        )


def people_look(place: Located) -> PeopleLook:
    """A fixed number of queries."""
    now, lines = clock.now(), [line.pk for line in lines_of(place)]
    duties = _duties(place, now)
    return PeopleLook(_crews(lines), duties, _free(place, lines, duties), _away(place, duties, now))


def _crews(lines: Sequence[int]) -> list[JobCrew]:
    entries: defaultdict[int, list[TimeEntry]] = defaultdict(list)
    for entry in at_lines(lines):
        entries[entry.job_order_id].append(entry)
    jobs = JobOrder.objects.filter(work_center__in=lines).filter(Q(status=DispatchStatus.RUNNING) | Q(pk__in=entries))
    ordered = jobs.select_related("work_order", "work_unit", "work_center")
    return [JobCrew(job, entries[job.pk]) for job in ordered.order_by("work_center__code", "work_unit__position", "pk")]


def _duties(place: Located, now: datetime) -> list[DutyNow]:
    """Of the place itself, of what it lies in, and of what lies in it."""
    found = [
        duty
        for duty in rostered(place.site_id, now)
        if duty.entry.place in place.scope or place.place in duty.entry.scope
    ]
    people = Person.objects.get_queryset().in_bulk({duty.person_id for duty in found} - {None})
    return [DutyNow(duty, people.get(duty.person_id) if duty.person_id else None) for duty in found]


def _free(place: Located, lines: Sequence[int], duties: Sequence[DutyNow]) -> list[Presence]:
    busy = TimeEntry.objects.open().filter(person=OuterRef("person"))
    rows = Presence.objects.open().filter(Q(work_center=None) | Q(work_center__in=lines), ~Exists(busy))
    on_roster = [duty.person.pk for duty in duties if duty.person]
    free = rows.filter(site=place.site_id).exclude(person__in=on_roster)
    return list(free.select_related("person").order_by("person__name"))


def _away(place: Located, duties: Sequence[DutyNow], now: datetime) -> list[Absence]:
    """Of people whose home this site is, or whose duty of here runs now."""
    missing = {duty.duty.entry.person_id for duty in duties}
    rows = Absence.objects.running(now).filter(Q(person__site=place.site_id) | Q(person__in=missing))
    return list(rows.filter(person__is_active=True).select_related("person", "deputy").order_by("person__name"))
