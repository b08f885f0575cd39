"""A person's duties in words, and what can be done about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from apps.andon.path import Look
from apps.andon.queries import open_for
from apps.plant.duty import Duty, colleagues_for, duties_of
from apps.plant.models import Area, Person, Role, Site, WorkCenter
from apps.plant.models.duty import Absence, DutyRosterEntry, Presence

# Duties that begin later than this are nothing to hand on in passing.
AHEAD = timedelta(days=3)


@dataclass(frozen=True)
class Rostered:
    entry: DutyRosterEntry
    colleagues: list[Person]


@dataclass(frozen=True)
class DutyLook:
    """`owned`: what becomes somebody else's when the person leaves; `deputies`: who could stand in for all duties."""

    person: Person
    lines: list[str]
    presence: Presence | None
    absence: Absence | None
    rostered: list[Rostered]
    owned: list[Look]

    @property
    def deputies(self) -> list[Person]:
        if not self.rostered:
            return []
        common = set.intersection(*({person.pk for person in row.colleagues} for row in self.rostered))
        return [person for person in self.rostered[0].colleagues if person.pk in common]


def duty_look(person: Person, at: datetime) -> DutyLook:
    mine = open_for(person.pk)
    entries = DutyRosterEntry.objects.filter(person=person, ends_at__gt=at, starts_at__lt=at + AHEAD)
    entries = entries.exclude(ends_at__lte=at).select_related("role", "site", "area", "work_center")
    return DutyLook(
        person=person,
        lines=duty_lines(person.pk, at),
        presence=Presence.objects.open().filter(person=person).first(),
        absence=Absence.objects.running(at).filter(person=person).select_related("deputy").first(),
        rostered=[Rostered(entry, _people(colleagues_for(entry, at))) for entry in entries.order_by("starts_at")],
        owned=[*mine.handed, *mine.owned],
    )


def duty_lines(person_id: int, at: datetime) -> list[str]:
    """ "Line lead, L3: on duty until 14:00" for each duty; nothing for who is not on duty."""
    duties = duties_of(person_id, at)
    roles = {role.code: role.label() for role in Role.objects.filter(code__in={duty.role for duty in duties})}
    places = _places(duty.place for duty in duties)
    return [_line(duty, roles.get(duty.role, duty.role), places.get(duty.place, "")) for duty in duties]


def _line(duty: Duty, role: str, place: str) -> str:
    words = {"role": role, "place": place, "because": duty.because.label}
    if duty.until is None:
        return _("%(role)s, %(place)s: %(because)s") % words
    return _("%(role)s, %(place)s: until %(time)s") % {**words, "time": date_format(localtime(duty.until), "H:i")}


def _places(places: Iterable[str]) -> dict[str, str]:
    """Codes as people say them, by place as it stands in a scope."""
    named: dict[str, QuerySet[Any]] = {
        "site": Site.objects.all(),
        "area": Area.objects.all(),
        "line": WorkCenter.objects.all(),
    }
    found: dict[str, str] = {}
    for place in set(places):
        kind, _separator, key = place.partition(":")
        row = named[kind].filter(pk=int(key)).first() if kind in named else None
        found[place] = row.code if row else _("everywhere")
    return found


def _people(ids: list[int]) -> list[Person]:
    return list(Person.objects.get_queryset().filter(pk__in=ids).order_by("name"))
