"""Whether somebody is there, on every shift of the coming week, who may let go what is held, or sign."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise

from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.rights import Scope
from apps.plant import roster_ahead
from apps.plant.calendar_times import Interval, Shift
from apps.plant.roster_ahead import LineAhead, RosterAhead, SiteAhead, Watch, gaps, union
from apps.workflows.check.problems import WORKFLOW, Fault, Problem, edge, state
from apps.workflows.check.subject import Subject, is_for_system_only
from apps.workflows.definition import SYSTEM_ROLE, Definition, EdgeSpec, StateSpec
from apps.workflows.kinds import Kind
from apps.workflows.people import known_roles

AHEAD = timedelta(days=7)


@dataclass(frozen=True)
class Need:
    """So many `people` at a time with any of the roles, and with all skills."""

    roles: frozenset[str]
    skills: frozenset[str]
    people: int = 1


@dataclass(frozen=True)
class Lack:
    """Nobody is there on a shift of a site, [start, end); `lines` none: at all of them."""

    site: SiteAhead
    shift: Shift
    start: datetime
    end: datetime
    lines: tuple[str, ...] = ()

    @cached_property
    def when(self) -> str:
        """between 22:00 and 06:00 on Night shift at S1 (for example on November 23)"""
        zone = self.site.zone
        words = {
            "start": date_format(self.start.astimezone(zone), "TIME_FORMAT"),
            "end": date_format(self.end.astimezone(zone), "TIME_FORMAT"),
            "shift": self.shift.name or self.shift.code,
            "site": self.site.code,
            "day": date_format(self.start.astimezone(zone), "MONTH_DAY_FORMAT"),
            "lines": ", ".join(self.lines),
        }
        if self.lines:
            said = _("between %(start)s and %(end)s on %(shift)s at %(site)s, lines %(lines)s (for example on %(day)s)")
        else:
            said = _("between %(start)s and %(end)s on %(shift)s at %(site)s (for example on %(day)s)")
        return said % words


@dataclass(frozen=True)
class Thin:
    """A shift of a site, and who is there, in words; `left` of them can sign at once."""

    words: Mapping[str, str]
    left: int


def roster_for(definition: Definition, kind: Kind) -> RosterAhead | None:
    """What is needed of the coming week; None where nothing in the workflow waits for somebody."""
    signed = [way for way in definition.edges if way.signature is not None]
    holds = {spec.code for spec in definition.states if spec.kind == "hold"}
    waited = [*signed, *(way for way in definition.edges if not holds.isdisjoint(way.sources))]
    if not waited:
        return None
    others = {code for way in signed if way.signature for code in way.signature.not_same_as}
    asked = [*waited, *(way for way in definition.edges if way.code in others)]
    roles = {role for way in asked for role in way.roles}
    if any(not way.roles for way in asked):
        roles |= {role for role, actions in known_roles().items() if kind.permission.code in actions}
    skills = {skill for way in asked for skill in way.skills}
    now = clock.now()
    return roster_ahead.read(now, now + AHEAD, roles=sorted(roles - {SYSTEM_ROLE}), skills=sorted(skills))


def rostered(subject: Subject) -> Iterator[Problem]:
    roster = subject.words.roster
    if roster is None:
        return
    sites = [site for site in roster.sites if _is_for(site, subject)]
    if all(site.until is None for site in sites):
        sentence = _("the plant has no duty roster for the coming week, so it can't be said who lets go what is held.")
        yield WORKFLOW.warning(Fault.NO_ROSTER, sentence)
        return
    watching = _Watching(roster, sites)
    for spec in subject.definition.states:
        yield from _left(spec, subject, watching)
    for way in subject.definition.edges:
        if way.signature is not None and not is_for_system_only(way):
            yield from _signed(way, subject, watching)


def _is_for(site: SiteAhead, subject: Subject) -> bool:
    places = {where.site for where in subject.definition.applies_to}
    return not places or "" in places or site.code in places


def need_of(way: EdgeSpec, subject: Subject) -> Need:
    skills = frozenset[str]() if way.partner_suffices else frozenset(way.skills)
    return Need(subject.roles_of(way), skills, way.signature.signers if way.signature else 1)


def _left(spec: StateSpec, subject: Subject, watching: _Watching) -> Iterator[Problem]:
    """A hold, or a state from which every step that people take has to be signed."""
    exits = [way for way in subject.exits[spec.code] if not is_for_system_only(way)]
    is_signed = bool(exits) and all(way.signature is not None for way in exits)
    if not exits or not (spec.kind == "hold" or is_signed):
        return
    needs = frozenset(need_of(way, subject) for way in exits)
    here, words = state(spec.code), {"item": subject.item, "state": subject.called(spec)}
    for site in watching.sites_without(needs):
        sentence = _("“%(state)s”: nobody with a role for its exits is on the roster of %(site)s.")
        yield here.warning(Fault.NOT_ROSTERED, sentence % {**words, "site": site.code})
    for lack in watching.lacks(needs):
        if spec.kind == "hold":
            sentence = _("%(item)s in “%(state)s” is held, but no role owns it %(when)s.")
        else:
            sentence = _("%(item)s in “%(state)s” waits for a signature, but nobody can give it %(when)s.")
        yield here.error(Fault.NO_OWNER, _capital(sentence % {**words, "when": lack.when}))


def _signed(way: EdgeSpec, subject: Subject, watching: _Watching) -> Iterator[Problem]:
    """Shifts on which each of those who are there has to sign, or on which they are too few."""
    need = need_of(way, subject)
    besides = (subject.edges.get(code) for code in way.signature.not_same_as) if way.signature else ()
    barring = frozenset(need_of(other, subject).roles for other in besides if other and not is_for_system_only(other))
    here = edge(way.code)
    nobody = _("on %(shift)s at %(site)s nobody can give signature %(signature)s: only %(names)s may sign.")
    one = _("on %(shift)s at %(site)s only %(names)s can give signature %(signature)s.")
    for thin in watching.thin_shifts(need, barring):
        words = {**thin.words, "signature": min(thin.left + 1, need.people)}
        if thin.left < need.people:
            yield here.warning(Fault.NO_SIGNER, _capital(nobody % words), "signature")
        else:
            yield here.warning(Fault.ONE_SIGNER, _capital(one % words), "signature")


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


class _Watching:
    """Asks the roster once for each set of needs, whatever the number of states and edges with it."""

    def __init__(self, roster: RosterAhead, sites: Iterable[SiteAhead]) -> None:
        self.roster = roster
        self.sites = [site for site in sites if site.until is not None]
        self.lacks = lru_cache(maxsize=None)(self._lacks)
        self.thin_shifts = lru_cache(maxsize=None)(self._thin_shifts)
        self.sites_without = lru_cache(maxsize=None)(self._sites_without)
        self._watches_at = lru_cache(maxsize=None)(self._watches_of)
        self._times_at = lru_cache(maxsize=None)(self._times_of)

    def _watches(self, need: Need, line: LineAhead) -> tuple[Watch, ...]:
        return self._watches_at(need, line.scope & self.roster.places)

    def _watches_of(self, need: Need, places: Scope) -> tuple[Watch, ...]:
        watches = self.roster.on_watch(sorted(need.roles), places)
        for skill in need.skills:
            able = self.roster.skills.get(skill, frozenset())
            watches = [watch for watch in watches if watch.person_id in able]
        return tuple(watches)

    def _sites_without(self, needs: frozenset[Need]) -> list[SiteAhead]:
        """Those whose roster has none of the roles at all: it may be that they are never rostered there."""
        return [site for site in self.sites if not self._is_rostered(site, needs)]

    def _is_rostered(self, site: SiteAhead, needs: frozenset[Need]) -> bool:
        return any(self._watches(need, line) for need in needs for line in site.lines)

    def _lacks(self, needs: frozenset[Need]) -> list[Lack]:
        """One for each site, shift and set of lines: the longest of the week."""
        return [lack for site in self.sites if self._is_rostered(site, needs) for lack in self._lacks_at(site, needs)]

    def _lacks_at(self, site: SiteAhead, needs: frozenset[Need]) -> Iterator[Lack]:
        found: defaultdict[tuple[str, datetime, datetime], list[str]] = defaultdict(list)
        shifts: dict[str, Shift] = {}
        for covered, lines in self._alike(site, needs):
            longest: dict[str, tuple[datetime, datetime]] = {}
            for shift, start, end in self._uncovered(site, lines[0], covered):
                known = longest.get(shift.code)
                if known is None or end - start > known[1] - known[0]:
                    longest[shift.code], shifts[shift.code] = (start, end), shift
            for code, (start, end) in longest.items():
                found[code, start, end] += [line.code for line in lines]
        for (code, start, end), names in found.items():
            is_everywhere = len(names) == len(site.lines)
            yield Lack(site, shifts[code], start, end, () if is_everywhere else tuple(names))

    def _alike(self, site: SiteAhead, needs: frozenset[Need]) -> Iterator[tuple[list[Interval], list[LineAhead]]]:
        """Lines with the same calendar and the same people there, together: most sites have one group."""
        groups: defaultdict[tuple[int | None, Scope], list[LineAhead]] = defaultdict(list)
        for line in site.lines:
            groups[line.calendar_id, line.scope & self.roster.places].append(line)
        for (_calendar, places), lines in groups.items():
            yield union(span for need in needs for span in self._times_at(need, places)), lines

    def _times_of(self, need: Need, places: Scope) -> tuple[Interval, ...]:
        """When enough of them are there at once, in order."""
        watches = self._watches_at(need, places)
        if need.people == 1:
            return tuple(union((watch.start, watch.end) for watch in watches))
        found = []
        there: Counter[int] = Counter()
        comings = [(watch.start, 1, watch.person_id) for watch in watches]
        goings = [(watch.end, -1, watch.person_id) for watch in watches]
        for (start, step, person_id), (end, _step, _person) in pairwise(sorted(comings + goings)):
            there[person_id] += step
            if start < end and sum(count > 0 for count in there.values()) >= need.people:
                found.append((start, end))
        return tuple(union(found))

    def _uncovered(
        self, site: SiteAhead, line: LineAhead, covered: Sequence[Interval]
    ) -> Iterator[tuple[Shift, datetime, datetime]]:
        for shift in self.roster.shifts(line):
            span = max(shift.start, self.roster.start), min(shift.end, site.until or self.roster.end)
            if span[0] < span[1]:
                yield from ((shift, *gap) for gap in gaps(span, covered))

    def _thin_shifts(self, need: Need, barring: frozenset[frozenset[str]]) -> list[Thin]:
        """Once for each shift of a site, by its first line: those on which nobody is to spare.

        barring  roles of steps: one of who took them may be among those there, and does not sign
        """
        found: dict[tuple[int, str], Thin] = {}
        for site in self.sites:
            watches = self._watches(need, site.lines[0])
            for shift in self.roster.shifts(site.lines[0]):
                start, end = shift.start, min(shift.end, site.until or self.roster.end)
                if start >= end or (site.site_id, shift.code) in found:
                    continue
                there = frozenset(who for _role, _place, who, since, until in watches if since < end and until > start)
                is_barred = any(not there.isdisjoint(self.roster.holders(roles)) for roles in barring)
                left = len(there) - is_barred
                if there and left <= need.people:
                    found[site.site_id, shift.code] = Thin(self._words(site, shift, there), left)
        return list(found.values())

    def _words(self, site: SiteAhead, shift: Shift, there: Iterable[int]) -> dict[str, str]:
        names = get_text_list(sorted(self.roster.names[person_id] for person_id in there), _("and"))
        return {"shift": shift.name or shift.code, "site": site.code, "names": names}
