"""Who held which role and skill at a time of the past, and who was at work: read once, then asked without queries."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from apps.core.rights import Scope
from apps.plant.models import PersonSkill, Presence, RoleAssignment
from apps.plant.models.roles import place_of


@dataclass(frozen=True)
class _Assignment:
    role: str
    place: str
    start: datetime
    end: datetime | None

    def holds_at(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


@dataclass
class PeopleThen:
    """Three queries, whatever the span; what is at work goes back no further than `since`."""

    _assignments: dict[int, list[_Assignment]] = field(default_factory=dict)
    _skills: dict[tuple[int, str], list[tuple[date, date | None]]] = field(default_factory=dict)
    _presences: dict[int | None, list[tuple[datetime, datetime | None, int]]] = field(default_factory=dict)

    @classmethod
    def read(cls, roles: Collection[str], skills: Collection[str], since: datetime) -> PeopleThen:
        assignments: defaultdict[int, list[_Assignment]] = defaultdict(list)
        for role, person_id, start, end, everywhere, site, area, line in RoleAssignment.objects.filter(
            role__code__in=roles
        ).values_list(
            "role__code", "person_id", "valid_from", "valid_until", "everywhere", "site_id", "area_id", "work_center_id"
        ):
            assignments[person_id].append(_Assignment(role, place_of(everywhere, site, area, line), start, end))
        held: defaultdict[tuple[int, str], list[tuple[date, date | None]]] = defaultdict(list)
        if skills:
            for person_id, code, first, last in PersonSkill.objects.filter(skill__code__in=skills).values_list(
                "person_id", "skill__code", "valid_from", "valid_until"
            ):
                held[person_id, code].append((first, last))
        presences: defaultdict[int | None, list[tuple[datetime, datetime | None, int]]] = defaultdict(list)
        rows = Presence.objects.filter(person__in=list(assignments)).exclude(ended_at__lt=since)
        for site_id, start, end, person_id in rows.order_by("started_at").values_list(
            "site_id", "started_at", "ended_at", "person_id"
        ):
            presences[site_id].append((start, end, person_id))
        return cls(dict(assignments), dict(held), dict(presences))

    def holds(self, person_id: int, roles: Collection[str], scope: Scope, at: datetime) -> bool:
        return any(
            held.role in roles and held.place in scope and held.holds_at(at)
            for held in self._assignments.get(person_id, ())
        )

    def is_narrow(self, person_id: int, roles: Collection[str], at: datetime) -> bool:
        """Whether a role is held for an area or a line only, so that the place of the item decides."""
        return any(
            held.role in roles and held.place.startswith(("area:", "line:")) and held.holds_at(at)
            for held in self._assignments.get(person_id, ())
        )

    def lacks(self, person_id: int, skills: Collection[str], at: datetime) -> list[str]:
        day = at.date()
        return [
            code
            for code in skills
            if not any(
                first <= day and (last is None or day <= last)
                for first, last in self._skills.get((person_id, code), ())
            )
        ]

    def wait(
        self,
        roles: Collection[str],
        scope: Scope,
        site_id: int | None,
        at: datetime,
        *,
        needed: int,
        but: Collection[int],
    ) -> timedelta | None:
        """Until so many others with one of the roles were at work at the site; None where nobody knows."""
        presences = self._presences.get(site_id)
        if not presences:
            return None
        begun = bisect_right(presences, at, key=lambda presence: presence[0])
        for moment in [at, *(start for start, _end, _person in presences[begun:])]:
            there = {
                person_id
                for start, end, person_id in presences
                if start <= moment
                and (end is None or moment < end)
                and person_id not in but
                and self.holds(person_id, roles, scope, moment)
            }
            if len(there) >= needed:
                return moment - at
        return None
