"""Who is on duty: on the roster and not away, or at work; for a role at a place, at an instant.

A person who is away is never on duty; the deputy has that person's duties on the roster meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, TextChoices
from django.utils.translation import gettext_lazy as _

from apps.core.prepared import Given, Prepared
from apps.core.rights import Scope
from apps.plant.access import nearest_places, nearness
from apps.plant.models.duty import Absence, DutyRosterEntry, Presence
from apps.plant.models.places import ids
from apps.plant.models.roles import RoleAssignment


class DutyReason(TextChoices):
    CLOCKED_ON = "clocked_on", _("at work")
    ROSTER = "roster", _("on the roster")
    DEPUTY = "deputy", _("deputy")


@dataclass(frozen=True, kw_only=True)
class OnDuty:
    """until  end of the roster entry; None where nobody knows      phone  of the roster entry, "" if none"""

    person_id: int
    because: DutyReason
    until: datetime | None
    phone: str


@dataclass(frozen=True, kw_only=True)
class Duty:
    """What one person is on duty for; `entry_id` of the roster entry, None where the person is just at work."""

    role: str
    place: str
    because: DutyReason
    until: datetime | None
    phone: str
    entry_id: int | None


@dataclass(frozen=True, kw_only=True)
class Rostered:
    """A duty of the roster that runs, and who has it: who is named there, or a deputy; None: nobody."""

    entry: DutyRosterEntry
    person_id: int | None


# The nearer place first, then who has been there longest; those on the roster before those who are just at work.
_Rank = tuple[bool, int, datetime, int]


def on_duty(role: str, scope: Scope, at: datetime) -> list[OnDuty]:
    """People on duty for a role (code) at a place, the best first, nobody twice.

    `scope` as of a line or a site: a duty counts for a place if it is for one of the places that contain it. Who is
    just at work counts at the site of the presence only. Four queries, whatever the number of people.
    """
    held = nearest_places([role], scope, at)
    if not held:
        return []
    away = _away(at)
    found: dict[int, tuple[_Rank, OnDuty]] = {}
    for entry in _ROSTER(role=role, at=at):
        person_id = _stand_in(entry.person_id, away)
        if person_id not in held or entry.place not in scope:
            continue
        because = DutyReason.ROSTER if person_id == entry.person_id else DutyReason.DEPUTY
        told = OnDuty(person_id=person_id, because=because, until=entry.ends_at, phone=entry.phone)
        rank = (False, nearness(entry.place), entry.starts_at, entry.pk)
        if person_id not in found or rank < found[person_id][0]:
            found[person_id] = rank, told
    sites = ids(scope, "site")
    for person_id, site_id, started_at in _PRESENT(people=sorted(held), at=at):
        if person_id in found or person_id in away or (sites and site_id not in sites):
            continue
        told = OnDuty(person_id=person_id, because=DutyReason.CLOCKED_ON, until=None, phone="")
        found[person_id] = (True, nearness(held[person_id]), started_at, person_id), told
    return [told for _rank, told in sorted(found.values(), key=lambda ranked: ranked[0])]


def is_on_duty(person_id: int, at: datetime) -> bool:
    """In any role anywhere: active, not away, and on the roster (for themselves or as deputy) or at work."""
    return bool(duties_of(person_id, at))


def deputy_of(person_id: int, at: datetime) -> int | None:
    """Who stands in for a person who is away: the first in the chain of deputies who is active and not away.

    None where nobody is, and for who is not away.
    """
    away = _away(at)
    return _stand_in(person_id, away) if person_id in away else None


def is_away(person_id: int, at: datetime) -> bool:
    return Absence.objects.running(at).filter(person=person_id).exists()


def duties_of(person_id: int, at: datetime) -> list[Duty]:
    """All that the person is on duty for, the roster first; nothing for who is away or deactivated."""
    away = _away(at)
    held = _HELD(person=person_id, at=at)
    if person_id in away or not held:
        return []
    duties: dict[tuple[str, str], Duty] = {}
    for duty in (*_rostered(person_id, held, away, at), *_at_work(person_id, held, at)):
        duties.setdefault((duty.role, duty.place), duty)
    return list(duties.values())


def colleagues_for(entry: DutyRosterEntry, at: datetime) -> list[int]:
    """Ids of those who could have the duty instead: they hold the role there, and are not away in its time."""
    held = set(nearest_places([entry.role.code], entry.scope, at)) - {entry.person_id}
    return sorted(held - who_is_away(max(at, entry.starts_at), entry.ends_at))


def rostered(site_id: int, at: datetime) -> list[Rostered]:
    """Every duty of the roster that runs at the site, its areas and its lines. Three queries."""
    away = _away(at)
    rows = DutyRosterEntry.objects.filter(_holding(at), site=site_id).order_by("role__code", "starts_at", "pk")
    entries = list(rows.select_related("role", "person", "site", "area", "work_center"))
    people = {entry.pk: _stand_in(entry.person_id, away) for entry in entries}
    assignments = RoleAssignment.objects.valid_at(at).filter(person__in=set(people.values()), person__is_active=True)
    held = [*assignments.select_related("site", "area", "work_center")]
    return [Rostered(entry=entry, person_id=_if_held(people[entry.pk], entry, held)) for entry in entries]


def _if_held(person_id: int | None, entry: DutyRosterEntry, held: list[RoleAssignment]) -> int | None:
    """The person, who holds the role for the place of the duty or a part of it; else nobody has the duty."""
    for assignment in held:
        if (assignment.person_id, assignment.role_id) == (person_id, entry.role_id) and (
            assignment.everywhere or assignment.place in entry.scope or entry.place in assignment.scope
        ):
            return person_id
    return None


def phones(person_ids: Collection[int], at: datetime) -> dict[int, str]:
    """Where those of them are reached who have a duty with a telephone number at `at`."""
    entries = DutyRosterEntry.objects.filter(_holding(at), person__in=person_ids).exclude(phone="")
    return dict(entries.order_by("-starts_at").values_list("person_id", "phone"))


def who_is_away(start: datetime, end: datetime | None) -> set[int]:
    """Ids of the people who are away in some part of [start, end); end None: ever after."""
    begun = Q(starts_at__lt=end) if end else Q()
    meets = Absence.objects.filter(begun, Q(ends_at=None) | Q(ends_at__gt=start) & Q(ends_at__gt=F("starts_at")))
    return set(meets.values_list("person_id", flat=True))


def _rostered(person_id: int, held: list[RoleAssignment], away: _Away, at: datetime) -> Iterator[Duty]:
    stood_in_for = {other for other in away if _stand_in(other, away) == person_id}
    for entry in _ENTRIES(people=sorted(stood_in_for | {person_id}), at=at):
        because = DutyReason.ROSTER if entry.person_id == person_id else DutyReason.DEPUTY
        for assignment in held:
            # A duty for a site of somebody who holds the role for one of its lines is a duty for that line.
            if assignment.role_id != entry.role_id:
                continue
            if assignment.everywhere or assignment.place in entry.scope:
                yield _duty(assignment, entry.place, because, entry)
            elif entry.place in assignment.scope:
                yield _duty(assignment, assignment.place, because, entry)


def _at_work(person_id: int, held: list[RoleAssignment], at: datetime) -> Iterator[Duty]:
    for _person_id, site_id, _started_at in _PRESENT(people=[person_id], at=at):
        for assignment in held:
            located = assignment.site or assignment.area or assignment.work_center
            if located is None or located.site_id == site_id:
                yield _duty(assignment, assignment.place, DutyReason.CLOCKED_ON)


def _duty(assignment: RoleAssignment, place: str, because: DutyReason, entry: DutyRosterEntry | None = None) -> Duty:
    return Duty(
        role=assignment.role.code,
        place=place,
        because=because,
        until=entry.ends_at if entry else None,
        phone=entry.phone if entry else "",
        entry_id=entry.pk if entry else None,
    )


# Who is away -> the deputy, if any, and whether that one is active.
_Away = dict[int, tuple[int | None, bool]]


def _away(at: datetime) -> _Away:
    return {person_id: (deputy_id, bool(active)) for person_id, deputy_id, active in _ABSENT(at=at)}


def _stand_in(person_id: int, away: _Away) -> int | None:
    """The person, if not away; else the first active one along the deputies who is not."""
    seen: set[int] = set()
    active = True
    while person_id in away:
        if person_id in seen:
            return None
        seen.add(person_id)
        deputy_id, active = away[person_id]
        if deputy_id is None:
            return None
        person_id = deputy_id
    return person_id if active else None


def _holding(at: datetime | Given) -> Q:
    return Q(starts_at__lte=at) & (Q(ends_at=None) | Q(ends_at__gt=at))


def _present(at: datetime | Given) -> Q:
    return Q(started_at__lte=at) & (Q(ended_at=None) | Q(ended_at__gt=at))


_ROSTER = Prepared(
    lambda: DutyRosterEntry.objects.filter(
        starts_at__lte=Given("at"), ends_at__gt=Given("at"), role__code=Given("role")
    ).order_by()
)
_ENTRIES = Prepared(
    lambda: (
        DutyRosterEntry.objects.filter(starts_at__lte=Given("at"), ends_at__gt=Given("at"), person__any=Given("people"))
        .select_related("site", "area", "work_center")
        .order_by("starts_at", "pk")
    )
)
_HELD = Prepared(
    lambda: (
        RoleAssignment.objects.valid_at(Given("at"))
        .filter(person=Given("person"), person__is_active=True)
        .select_related("role", "site", "area", "work_center")
        .order_by("pk")
    )
)
_PRESENT = Prepared(
    lambda: (
        Presence.objects.filter(_present(Given("at")), person__any=Given("people"))
        .order_by()
        .values_list("person_id", "site_id", "started_at")
    )
)
_ABSENT = Prepared(
    lambda: (
        Absence.objects.filter(_holding(Given("at")))
        .order_by()
        .values_list("person_id", "deputy_id", "deputy__is_active")
    )
)
