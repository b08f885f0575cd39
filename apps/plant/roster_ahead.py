"""Who will be on duty in a span of time to come, as far as the roster says: read at once, then asked without queries.

The same rules as apps.plant.duty, which answers for one instant: a deputy stands in for who is away, and whoever has a
duty must hold its role for a place that contains the one asked for. Who just comes to work is not foreseen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import F, FloatField, Func, Max, Q

from apps.core.prepared import Given, Prepared
from apps.core.rights import Scope
from apps.plant.access import nearness
from apps.plant.calendar_times import Calendar, Interval, Shift, shifts_between
from apps.plant.models.calendars import Holiday, ShiftPattern, WorkCalendar
from apps.plant.models.duty import Absence, DutyRosterEntry
from apps.plant.models.people import PersonSkill
from apps.plant.models.places import Site, WorkCenter
from apps.plant.models.roles import RoleAssignment, place_of

Deputies = dict[int, list[tuple[datetime, datetime, int | None]]]
_END = datetime.max.replace(tzinfo=UTC)


class Watch(NamedTuple):
    """A person has the duty of a role at a place, [start, end)."""

    role: str
    place: str
    person_id: int
    start: datetime
    end: datetime


class Held(NamedTuple):
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
    """Nine queries at most, whatever the number of sites and people."""
    entries = _ENTRIES(start=start, end=end, roles=sorted(roles))
    held, names = _held(start, end, roles)
    deputies = _deputies(start, end)
    calendars = _CALENDARS()
    own = {site_id: key for key, site_id, is_default, _zone in calendars if is_default}
    sites = tuple(_sites(start, end, own))
    watches = tuple(_watches(entries, held, deputies, names, _scopes(sites)))
    known = {line.calendar_id for site in sites for line in site.lines if line.calendar_id}
    return RosterAhead(
        start=start,
        end=end,
        sites=sites,
        calendars=_calendars({key: ZoneInfo(zone) for key, _site, _own, zone in calendars if key in known}),
        watches=watches,
        held=tuple(held),
        names=names,
        skills=_skills(skills, start.date()),
    )


def _held(start: datetime, end: datetime, roles: Collection[str]) -> tuple[list[Held], dict[int, str]]:
    """By active people, and what these are called: whoever has a duty and holds no role of it does not count."""
    held: list[Held] = []
    names: dict[int, str] = {}
    rows = _HELD(start=start, end=end, roles=sorted(roles))
    for role, person_id, name, since, until, everywhere, site, area, line in rows:
        place = place_of(everywhere, site, area, line)
        held.append(Held(role=role, person_id=person_id, place=place, start=since, end=until or _END))
        names[person_id] = name
    return held, names


def _deputies(start: datetime, end: datetime) -> Deputies:
    found: defaultdict[int, list[tuple[datetime, datetime, int | None]]] = defaultdict(list)
    for person_id, since, until, deputy in _ABSENT(start=start, end=end):
        found[person_id].append((since, until or _END, deputy))
    return found


def _sites(start: datetime, end: datetime, own: Mapping[int, int]) -> Iterator[SiteAhead]:
    """`own`: the calendar of each site."""
    ends = dict(_LAST(start=start, end=end))
    lines: defaultdict[int, list[LineAhead]] = defaultdict(list)
    for center in _LINES():
        calendar_id = center.calendar_id or own.get(center.site_id)
        lines[center.site_id].append(LineAhead(code=center.code, scope=center.scope, calendar_id=calendar_id))
    for site in _SITES():
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


def _calendars(zones: Mapping[int, ZoneInfo]) -> dict[int, Calendar]:
    ids = list(zones)
    patterns: defaultdict[int, list[ShiftPattern]] = defaultdict(list)
    for pattern in _PATTERNS(calendars=ids):
        patterns[pattern.calendar_id].append(pattern)
    off: defaultdict[int, set[date]] = defaultdict(set)
    for calendar_id, day in _DAYS_OFF(calendars=ids):
        off[calendar_id].add(day)
    return {
        key: Calendar(
            zone=zone,
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


Entry = tuple[str, int, int | None, int | None, int, float, float]


def _watches(
    entries: Sequence[Entry], held: Sequence[Held], deputies: Deputies, active: Collection[int], scopes: list[Scope]
) -> Iterator[Watch]:
    common = cache(lambda duty, held: _common(duty, held, scopes))
    holding: defaultdict[tuple[str, int], list[Held]] = defaultdict(list)
    for one in held:
        holding[one.role, one.person_id].append(one)
    moment = cache(lambda seconds: datetime.fromtimestamp(seconds, UTC))
    for role, site_id, area_id, line_id, named, start, end in entries:
        place = place_of(False, None if area_id or line_id else site_id, area_id, line_id)  # noqa: FBT003
        for person_id, since, until in _stand_ins(named, moment(start), moment(end), deputies, frozenset()):
            if person_id not in active:
                continue
            for one in holding[role, person_id]:
                cut = max(since, one.start), min(until, one.end)
                where = common(place, one.place)
                if where and cut[0] < cut[1]:
                    yield Watch(role, where, person_id, *cut)


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


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """What any of them covers, in order; where one begins as another ends, they are one."""
    found: list[Interval] = []
    for begins, ends in sorted(intervals):
        if found and begins <= found[-1][1]:
            found[-1] = found[-1][0], max(ends, found[-1][1])
        else:
            found.append((begins, ends))
    return found


def gaps(span: Interval, covered: Sequence[Interval]) -> list[Interval]:
    """The parts of `span` that none of the intervals covers; both in order, as `union` gives them."""
    found: list[Interval] = []
    at, end = span
    for begins, ends in covered:
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


def _epoch(name: str) -> Func:
    """Seconds since 1970: to make a time of its text takes longer than all the rest of reading a row."""
    return Func(F(name), template="date_part('epoch', %(expressions)s)", output_field=FloatField())


_ENTRIES = Prepared(
    lambda: (
        DutyRosterEntry.objects.filter(
            starts_at__lt=Given("end"), ends_at__gt=Given("start"), role__code__any=Given("roles")
        )
        .filter(ends_at__gt=F("starts_at"))
        .order_by("starts_at", "pk")
        .values_list(
            *("role__code", "site_id", "area_id", "work_center_id", "person_id"),
            *(_epoch("starts_at"), _epoch("ends_at")),
        )
    )
)
_LAST = Prepared(
    lambda: (
        DutyRosterEntry.objects.filter(starts_at__lt=Given("end"), ends_at__gt=Given("start"))
        .order_by()
        .values_list("site_id")
        .annotate(last=Max("ends_at"))
    )
)
_HELD = Prepared(
    lambda: (
        RoleAssignment.objects.filter(
            Q(valid_until=None) | Q(valid_until__gt=Given("start")),
            valid_from__lt=Given("end"),
            role__code__any=Given("roles"),
            person__is_active=True,
        )
        .order_by()
        .values_list(
            *("role__code", "person_id", "person__name", "valid_from", "valid_until"),
            *("everywhere", "site_id", "area_id", "work_center_id"),
        )
    )
)
_ABSENT = Prepared(
    lambda: (
        Absence.objects.filter(
            Q(ends_at=None) | Q(ends_at__gt=Given("start")) & Q(ends_at__gt=F("starts_at")), starts_at__lt=Given("end")
        )
        .order_by("starts_at")
        .values_list("person_id", "starts_at", "ends_at", "deputy_id")
    )
)
_CALENDARS = Prepared(
    lambda: WorkCalendar.objects.order_by().values_list("pk", "site_id", "is_default", "site__timezone")
)
_LINES = Prepared(lambda: WorkCenter.objects.order_by("code"))
_SITES = Prepared(lambda: Site.objects.order_by("code"))
_PATTERNS = Prepared(
    lambda: ShiftPattern.objects.filter(calendar__any=Given("calendars")).order_by("starts_at", "code")
)
_DAYS_OFF = Prepared(
    lambda: Holiday.objects.filter(calendar__any=Given("calendars")).order_by().values_list("calendar_id", "date")
)
