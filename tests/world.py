"""A small plant and its people, made by plain functions; each test makes what it needs and no more.

world = make_world()                       # two sites, a line each, the cast below
run(pause_job, world.olga, job_order_id=7) # a command as Olga

Olga operator, Lena line lead, Ivan inspector, Pia process engineer: at site S1; Otto operator: at site S2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import count
from typing import Any
from uuid import uuid4

from apps.core.actors import Actor
from apps.core.models import LedgerEvent
from apps.plant.models import (
    Area,
    Person,
    PersonSkill,
    ReasonCode,
    Role,
    RoleAction,
    RoleAssignment,
    ShiftPattern,
    Site,
    Skill,
    Terminal,
    WorkCalendar,
    WorkCenter,
    WorkUnit,
)
from apps.plant.models.terminals import hash_of

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
PIN = "271828"
PASSWORD = "correct horse battery staple"
SECRET = "a-secret-of-a-terminal"
_numbers = count(1)

# Three shifts of eight hours with a break each; the night over midnight.
THREE_SHIFTS = [
    ("E", time(6), time(14), [["09:00", "09:30"]]),
    ("L", time(14), time(22), [["18:00", "18:30"]]),
    ("N", time(22), time(6), [["02:00", "02:30"]]),
]

# ---- places


def make_site(code: str = "S1", *, timezone: str = "Europe/Berlin") -> Site:
    return Site.objects.create(code=code, name=f"Plant {code}", timezone=timezone)


def make_area(site: Site | None = None, code: str = "A1") -> Area:
    return Area.objects.create(site=site or make_site(), code=code, name=f"Area {code}")


def make_line(area: Area | None = None, code: str = "L3") -> WorkCenter:
    return WorkCenter.objects.create(area=area or make_area(), code=code, name=f"Line {code}")


def make_station(line: WorkCenter | None = None, code: str = "A33", *, position: int = 1) -> WorkUnit:
    line = line or make_line()
    return WorkUnit.objects.create(work_center=line, code=code, name=f"Station {code}", position=position)


def make_calendar(
    site: Site,
    shifts: Iterable[tuple[str, time, time, list[list[str]]]] = THREE_SHIFTS,
    *,
    name: str = "Week",
    is_default: bool = True,
    weekdays: Iterable[int] = (1, 2, 3, 4, 5, 6, 7),
) -> WorkCalendar:
    calendar = WorkCalendar.objects.create(site=site, name=name, is_default=is_default)
    for code, starts_at, ends_at, breaks in shifts:
        ShiftPattern.objects.create(
            calendar=calendar,
            code=code,
            name=f"Shift {code}",
            weekdays=list(weekdays),
            starts_at=starts_at,
            ends_at=ends_at,
            breaks=breaks,
        )
    return calendar


def make_terminal(
    site: Site, *, station: WorkUnit | None = None, line: WorkCenter | None = None, code: str = ""
) -> Terminal:
    """Its cookie is `terminal_cookie(terminal)`."""
    return Terminal.objects.create(
        code=code or f"T{next(_numbers)}",
        site=site,
        work_unit=station,
        work_center=line,
        kind="station" if station or line else "board",
        secret_hash=hash_of(SECRET),
        enrolled_at=ALWAYS,
    )


def terminal_cookie(terminal: Terminal, secret: str = SECRET) -> dict[str, str]:
    return {"mfgos_terminal": f"{terminal.pk}.{secret}"}


def make_reason(purpose: str, code: str, *, parent: ReasonCode | None = None, **labels: str) -> ReasonCode:
    return ReasonCode.objects.create(purpose=purpose, code=code, parent=parent, labels=labels or {"en": code})


# ---- people


def make_person(
    username: str = "",
    *,
    name: str = "",
    site: Site | None = None,
    badge: str | None = None,
    pin: str = "",
    password: str = "",
    is_staff: bool = False,
) -> Person:
    username = username or f"person{next(_numbers)}"
    person = Person(username=username, name=name or username.title(), site=site, badge=badge, is_staff=is_staff)
    if pin:
        person.set_pin(pin)
    if password:
        person.set_password(password)
    else:
        person.set_unusable_password()
    person.save()
    return person


def make_role(code: str, *actions: str) -> Role:
    """A role with these actions; one that exists gets them in addition."""
    role, _ = Role.objects.get_or_create(code=code, defaults={"names": {"en": code.replace("_", " ")}})
    for action in actions:
        RoleAction.objects.get_or_create(role=role, code=action)
    return role


def give_role(
    person: Person,
    role: Role | str,
    place: Site | Area | WorkCenter | None = None,
    *,
    valid_from: datetime = ALWAYS,
    valid_until: datetime | None = None,
) -> RoleAssignment:
    """At the place; everywhere without one."""
    return RoleAssignment.objects.create(
        person=person,
        role=role if isinstance(role, Role) else make_role(role),
        everywhere=place is None,
        site=place if isinstance(place, Site) else None,
        area=place if isinstance(place, Area) else None,
        work_center=place if isinstance(place, WorkCenter) else None,
        valid_from=valid_from,
        valid_until=valid_until,
    )


def make_holder(*actions: str, place: Site | Area | WorkCenter | None = None, **person: Any) -> Person:
    """Somebody with a role of their own that holds just these actions, at the place or everywhere."""
    holder = make_person(**person)
    give_role(holder, make_role(f"role_of_{holder.pk}", *actions), place)
    return holder


def give_skill(person: Person, code: str, *, since: str = "2000-01-01", until: str | None = None) -> PersonSkill:
    skill, _ = Skill.objects.get_or_create(code=code, defaults={"name": code})
    return PersonSkill.objects.create(person=person, skill=skill, valid_from=since, valid_until=until)


# ---- the cast


@dataclass(frozen=True)
class World:
    """Site S1 with area A1, line L3 and its station A33; site S2 with line L9."""

    site: Site
    area: Area
    line: WorkCenter
    station: WorkUnit
    other_site: Site
    other_line: WorkCenter
    olga: Person
    lena: Person
    ivan: Person
    pia: Person
    otto: Person


def make_world() -> World:
    """Roles as the seed gives them, if it ran before; else they are empty: add actions with make_role()."""
    site, other_site = make_site("S1"), make_site("S2", timezone="America/New_York")
    area = make_area(site)
    line = make_line(area)
    other_line = make_line(make_area(other_site, "B1"), "L9")

    def member(username: str, role: str, place: Site | WorkCenter) -> Person:
        person = make_person(username, site=place if isinstance(place, Site) else place.site, badge=f"badge-{username}")
        give_role(person, role, place)
        return person

    return World(
        site=site,
        area=area,
        line=line,
        station=make_station(line),
        other_site=other_site,
        other_line=other_line,
        olga=member("olga", "operator", line),
        lena=member("lena", "line_lead", line),
        ivan=member("ivan", "inspector", site),
        pia=member("pia", "process_engineer", site),
        otto=member("otto", "operator", other_site),
    )


# ---- acting, and seeing what came of it


def actor_of(person: Person, **details: Any) -> Actor:
    return Actor(person_id=person.pk, **details)


def run(command: Callable[..., Any], who: Person | Actor, **inputs: Any) -> Any:
    """The command, once, under an id of its own."""
    return command(actor_of(who) if isinstance(who, Person) else who, uuid4(), **inputs)


def ledger(kind: str) -> list[LedgerEvent]:
    return list(LedgerEvent.objects.filter(kind=kind).order_by("id"))


def last_event() -> LedgerEvent:
    return LedgerEvent.objects.latest("id")
