"""Who owns an exception: rule -> duty role -> person on duty; then supervisor, then manager, then the named default."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.andon.models import OwnerLevel, OwnerRule, SiteRules
from apps.core.rights import Scope
from apps.plant.access import nearest_places, nearness
from apps.plant.duty import on_duty
from apps.plant.models import Area, Person, Role, Site, WorkCenter
from apps.plant.shifts_calendar import shift_at

# Out of the box; each site names its own.
SUPERVISOR, MANAGER, ENGINEER = "shift_supervisor", "plant_manager", "process_engineer"
# The account that owns what nobody else can, at a site that has named nobody yet.
DUTY_DESK = "duty-desk"


@dataclass(frozen=True)
class Owner:
    """`role`: code of the duty role by which the person was found; "" for the default."""

    person_id: int
    level: OwnerLevel
    role: str = ""


@dataclass(frozen=True)
class Place:
    """Where an exception is, as narrow as is known."""

    site: Site
    area: Area | None = None
    work_center: WorkCenter | None = None

    @property
    def scope(self) -> Scope:
        return (self.work_center or self.area or self.site).scope

    @property
    def area_id(self) -> int | None:
        return self.work_center.area_id if self.work_center else self.area.pk if self.area else None


def rules_of(site: Site) -> SiteRules:
    """What the site has settled; made when it is first asked for, so that nothing is ever without an owner."""
    found = SiteRules.objects.select_related("default_owner", "supervisor_role", "manager_role", "problem_role").filter(
        site=site
    )
    return found.first() or _made(site)


def _made(site: Site) -> SiteRules:
    desk, _created = Person.objects.get_or_create(
        username=DUTY_DESK, defaults={"name": str(_("Duty desk")), "password": "!"}
    )
    roles = {code: Role.objects.get_or_create(code=code)[0] for code in (SUPERVISOR, MANAGER)}
    return SiteRules.objects.get_or_create(
        site=site,
        defaults={"default_owner": desk, "supervisor_role": roles[SUPERVISOR], "manager_role": roles[MANAGER]},
    )[0]


@dataclass
class Finder:
    """Finds owners for several exceptions at one instant; asks for each rule and each role at a place once."""

    at: datetime
    _rules: dict[int, SiteRules] = field(default_factory=dict)
    _owner_rules: dict[int, list[OwnerRule]] = field(default_factory=dict)
    _shifts: dict[int, str] = field(default_factory=dict)
    _duty: dict[tuple[str, Scope], list[int]] = field(default_factory=dict)

    def owner(self, place: Place, type_id: int, *, without: Collection[int] = ()) -> Owner:
        """`without`: people who are not asked again (they left, or said that they can't)."""
        for level, role in self._levels(place, type_id):
            for person_id in self.on_duty(role, place.scope):
                if person_id not in without:
                    return Owner(person_id, level, role)
        return Owner(self.rules(place.site).default_owner_id, OwnerLevel.DEFAULT)

    def owner_of_problem(self, site: Site, scope: Scope, *, without: Collection[int] = ()) -> int:
        """Somebody with the role, on duty or not: a problem waits for their next day; then as for an exception."""
        rules = self.rules(site)
        role = rules.problem_role.code if rules.problem_role else ENGINEER
        here = [pk for pk in self.on_duty(role, scope) if pk not in without]
        if here:
            return here[0]
        held = nearest_places([role], scope, self.at)
        away = sorted((nearness(place), pk) for pk, place in held.items() if pk not in without)
        if away:
            return away[0][1]
        for level_role in (rules.manager_role.code, rules.supervisor_role.code):
            for person_id in self.on_duty(level_role, scope):
                if person_id not in without:
                    return person_id
        return rules.default_owner_id

    def rules(self, site: Site) -> SiteRules:
        if site.pk not in self._rules:
            self._rules[site.pk] = rules_of(site)
        return self._rules[site.pk]

    def on_duty(self, role: str, scope: Scope) -> list[int]:
        """Ids, who is best asked first."""
        if (role, scope) not in self._duty:
            self._duty[role, scope] = [duty.person_id for duty in on_duty(role, scope, self.at)]
        return self._duty[role, scope]

    def _levels(self, place: Place, type_id: int) -> Iterator[tuple[OwnerLevel, str]]:
        rule = self._rule(place, type_id)
        if rule is not None:
            yield OwnerLevel.RULE, rule.role.code
        rules = self.rules(place.site)
        yield OwnerLevel.SUPERVISOR, rules.supervisor_role.code
        yield OwnerLevel.MANAGER, rules.manager_role.code

    def _rule(self, place: Place, type_id: int) -> OwnerRule | None:
        """The most exact one that fits."""
        if place.site.pk not in self._owner_rules:
            rows = OwnerRule.objects.filter(Q(site=place.site) | Q(site=None)).select_related("role")
            self._owner_rules[place.site.pk] = list(rows)
        rows_here = self._owner_rules[place.site.pk]
        shift = self._shift(place) if any(row.shift_code for row in rows_here) else ""
        fitting = [
            row
            for row in rows_here
            if row.type_id in (None, type_id) and row.area_id in (None, place.area_id) and row.shift_code in ("", shift)
        ]
        return max(fitting, key=_exactness, default=None)

    def _shift(self, place: Place) -> str:
        line = place.work_center
        if line is None:
            return ""
        if line.pk not in self._shifts:
            shift = shift_at(line, self.at)
            self._shifts[line.pk] = shift.code if shift else ""
        return self._shifts[line.pk]


def _exactness(rule: OwnerRule) -> tuple[bool, bool, bool, bool]:
    return rule.type_id is not None, rule.area_id is not None, bool(rule.shift_code), rule.site_id is not None
