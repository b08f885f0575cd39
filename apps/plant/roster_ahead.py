"""Who will be on duty in a span of time to come, as far as the roster says: read at once, then asked without queries.

The same rules as apps.plant.duty, which answers for one instant: a deputy stands in for who is away, and whoever has a
duty must hold its role for a place that contains the one asked for. Who just comes to work is not foreseen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, cached_property
from zoneinfo import ZoneInfo

from django.db.models import F, Max, Q

from apps.core.rights import Scope
from apps.plant.access import nearness
from apps.plant.calendar_times import Calendar, Interval, Shift, shifts_between
from apps.plant.models.calendars import Holiday, ShiftPattern, WorkCalendar
from apps.plant.models.duty import Absence, DutyRosterEntry
from apps.plant.models.people import Person, PersonSkill
from apps.plant.models.places import Site, WorkCenter
from apps.plant.models.roles import RoleAssignment, place_of

Deputies = dict[int, list[tuple[datetime, datetime, int | None]]]
_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A person has the duty of a role at a place, [start, end)."""

    role: str
    place: str
    person_id: int
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class Held:
    """A person holds a role at a place, [start, end)."""

    role: str
    person_id: int
    place: str
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class SiteAhead:
    """
    until    where the roster of the site ends, at most the end of the span; None: it has no roster
    lines    with the places that contain each; one without a name for a site that has no lines
    """

    site_id: int
    code: str
    zone: ZoneInfo
    until: datetime | None
    lines: tuple[LineAhead, ...]


@dataclass(frozen=True, kw_only=True)
class LineAhead:
    code: str
    scope: Scope
    calendar_id: int | None


@dataclass(frozen=True, kw_only=True)
class RosterAhead:
    """[start, end); `watches` and `held` only of the roles that were asked for."""

    start: datetime
    end: datetime
    sites: tuple[SiteAhead, ...]
    calendars: dict[int, Calendar]
    watches: tuple[Watch, ...]
    held: tuple[Held, ...]
    names: dict[int, str]
    skills: dict[str, frozenset[int]]

    @cached_property
    def _watches_of(self) -> dict[str, list[Watch]]:
        found: defaultdict[str, list[Watch]] = defaultdict(list)
        for watch in self.watches:
            found[watch.role].append(watch)
        return found

    @cached_property
    def places(self) -> Scope:
        """Those for which there are watches: lines whose scopes have the same of these are watched alike."""
        return frozenset(watch.place for watch in self.watches)

    @cached_property
    def _shifts(self) -> dict[int, list[Shift]]:
        return {
            calendar_id: shifts_between(calendar, self.start, self.end)
            for calendar_id, calendar in self.calendars.items()
        }

    def shifts(self, line: LineAhead) -> list[Shift]:
        return self._shifts.get(line.calendar_id, []) if line.calendar_id else []

    def on_watch(self, roles: Collection[str], scope: Scope) -> list[Watch]:
        """Of any of the roles, for a place that contains the one whose scope it is."""
        return [watch for role in roles for watch in self._watches_of.get(role, ()) if watch.place in scope]

    def holders(self, roles: frozenset[str]) -> frozenset[int]:
        """Active people who hold one of the roles somewhere at some time of the span."""
        if roles not in self._holders:
            self._holders[roles] = frozenset(held.person_id for held in self.held if held.role in roles)
        return self._holders[roles]

    @cached_property
    def _holders(self) -> dict[frozenset[str], frozenset[int]]:
        return {}


def read(start: datetime, end: datetime, *, roles: Collection[str], skills: Collection[str] = ()) -> RosterAhead:
    """Ten queries at most, whatever the number of sites and people."""
    entries = list(
        DutyRosterEntry.objects.filter(starts_at__lt=end, ends_at__gt=start, role__code__in=roles)
        .filter(ends_at__gt=F("starts_at"))
        .order_by("starts_at", "pk")
        .values_list("role__code", "site_id", "area_id", "work_center_id", "person_id", "starts_at", "ends_at")
    )
    held = _held(start, end, roles)
    active = (
        dict(Person.objects.get_queryset().filter(is_active=True).values_list("pk", "name")) if entries or held else {}
    )
    deputies = _deputies(start, end)
    sites = tuple(_sites(start, end))
    watches = tuple(_watches(entries, held, deputies, active, _scopes(sites)))
    known = {line.calendar_id for site in sites for line in site.lines if line.calendar_id}
    return RosterAhead(
        start=start,
        end=end,
        sites=sites,
        calendars=_calendars(known),
        watches=watches,
        held=tuple(held),
        names=active,
        skills=_skills(skills, start.date()),
    )


def _held(start: datetime, end: datetime, roles: Collection[str]) -> list[Held]:
    rows = RoleAssignment.objects.filter(
        Q(valid_until=None) | Q(valid_until__gt=start),
        valid_from__lt=end,
        role__code__in=roles,
        person__is_active=True,
    ).values_list(
        "role__code", "person_id", "valid_from", "valid_until", "everywhere", "site_id", "area_id", "work_center_id"
    )
    return [
        Held(
            role=role, person_id=person_id, place=place_of(everywhere, site, area, line), start=since, end=until or _END
        )
        for role, person_id, since, until, everywhere, site, area, line in rows
    ]


def _deputies(start: datetime, end: datetime) -> Deputies:
    found: defaultdict[int, list[tuple[datetime, datetime, int | None]]] = defaultdict(list)
    rows = Absence.objects.filter(Q(ends_at=None) | Q(ends_at__gt=start) & Q(ends_at__gt=F("starts_at")))
    for person_id, since, until, deputy in (
        rows.filter(starts_at__lt=end)
        .order_by("starts_at")
        .values_list("person_id", "starts_at", "ends_at", "deputy_id")
    ):
        found[person_id].append((since, until or _END, deputy))
    return found


def _sites(start: datetime, end: datetime) -> Iterator[SiteAhead]:
    own = dict(WorkCalendar.objects.filter(is_default=True).values_list("site_id", "pk"))
    ends = dict(
        DutyRosterEntry.objects.filter(starts_at__lt=end, ends_at__gt=start)
        .order_by()
        .values_list("site_id")
        .annotate(last=Max("ends_at"))
    )
    lines: defaultdict[int, list[LineAhead]] = defaultdict(list)
    for center in WorkCenter.objects.order_by("code"):
        calendar_id = center.calendar_id or own.get(center.site_id)
        lines[center.site_id].append(LineAhead(code=center.code, scope=center.scope, calendar_id=calendar_id))
    for site in Site.objects.order_by("code"):
        last = ends.get(site.pk)
        whole = LineAhead(code="", scope=site.scope, calendar_id=own.get(site.pk))
        yield SiteAhead(
            site_id=site.pk,
            code=site.code,
            zone=site.zone,
            until=min(last, end) if last else None,
            lines=tuple(lines[site.pk]) or (whole,),
        )


def _scopes(sites: Sequence[SiteAhead]) -> list[Scope]:
    return [line.scope for site in sites for line in site.lines]


def _calendars(ids: Collection[int]) -> dict[int, Calendar]:
    zones = dict(WorkCalendar.objects.filter(pk__in=ids).values_list("pk", "site__timezone"))
    patterns: defaultdict[int, list[ShiftPattern]] = defaultdict(list)
    for pattern in ShiftPattern.objects.filter(calendar__in=ids).order_by("starts_at", "code"):
        patterns[pattern.calendar_id].append(pattern)
    off: defaultdict[int, set[date]] = defaultdict(set)
    for calendar_id, day in Holiday.objects.filter(calendar__in=ids).values_list("calendar_id", "date"):
        off[calendar_id].add(day)
    return {
        key: Calendar(
            zone=ZoneInfo(zone),
            patterns=tuple(pattern.as_pattern() for pattern in patterns[key]),
            days_off=frozenset(off[key]),
        )
        for key, zone in zones.items()
    }


def _skills(codes: Collection[str], day: date) -> dict[str, frozenset[int]]:
    """Code -> ids of those who hold the skill on the day."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    rows = PersonSkill.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=day), skill__code__in=codes, valid_from__lte=day
    )
    for code, person_id in rows.values_list("skill__code", "person_id") if codes else ():
        found[code].add(person_id)
    return {code: frozenset(found[code]) for code in codes}


Entry = tuple[str, int, int | None, int | None, int, datetime, datetime]


def _watches(
    entries: Sequence[Entry], held: Sequence[Held], deputies: Deputies, active: Collection[int], scopes: list[Scope]
) -> Iterator[Watch]:
    common = cache(lambda duty, held: _common(duty, held, scopes))
    holding: defaultdict[tuple[str, int], list[Held]] = defaultdict(list)
    for one in held:
        holding[one.role, one.person_id].append(one)
    for role, site_id, area_id, line_id, named, start, end in entries:
        place = place_of(False, None if area_id or line_id else site_id, area_id, line_id)  # noqa: FBT003
        for person_id, since, until in _stand_ins(named, start, end, deputies, frozenset()):
            if person_id not in active:
                continue
            for one in holding[role, person_id]:
                cut = max(since, one.start), min(until, one.end)
                where = common(place, one.place)
                if where and cut[0] < cut[1]:
                    yield Watch(role=role, place=where, person_id=person_id, start=cut[0], end=cut[1])


def _common(duty: str, held: str, scopes: list[Scope]) -> str:
    """Where both count: the nearer of the two places, if one lies within the other; else ""."""
    if duty == held:
        return duty
    together = any(duty in scope and held in scope for scope in scopes)
    return min(duty, held, key=nearness) if together else ""


def _stand_ins(
    person_id: int, start: datetime, end: datetime, deputies: Deputies, seen: frozenset[int]
) -> Iterator[tuple[int, datetime, datetime]]:
    """Who has the duty of a person in which parts of [start, end): the person, or who stands in."""
    if person_id in seen:
        return
    at = start
    for since, until, deputy in deputies.get(person_id, ()):
        if until <= at or since >= end:
            continue
        if since > at:
            yield person_id, at, since
        if deputy is not None:
            yield from _stand_ins(deputy, max(at, since), min(end, until), deputies, seen | {person_id})
        at = max(at, until)
    if at < end:
        yield person_id, at, end


def gaps(span: Interval, covered: Sequence[Interval]) -> list[Interval]:
    """The parts of `span` that none of the intervals covers, in order."""
    found: list[Interval] = []
    at, end = span
    for begins, ends in sorted(covered):
        if ends <= at:
            continue
        if begins >= end:
            break
        if begins > at:
            found.append((at, begins))
        at = ends
    if at < end:
        found.append((at, end))
    return found
