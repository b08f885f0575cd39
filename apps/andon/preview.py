"""Raised there at that time: who would be told, and when. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.andon.climbing import reached
from apps.andon.ladder import Ladder
from apps.andon.models import ExceptionType, FloorException, OwnerLevel, PolicyVersion
from apps.andon.owners import Finder, Place
from apps.plant.models import Person, Role
from apps.plant.shifts_calendar import calendar_of, calendar_of_site


@dataclass(frozen=True)
class Told:
    """
    whom    as the rule or the policy names them        person  None: nobody is on duty then, the next is told at once
    why     "owner", "informed", "step", or "default" where the last step reaches nobody
    repeat_minutes  of the last step; else None
    """

    at: datetime
    whom: str
    person: Person | None
    why: str
    repeat_minutes: int | None = None


def policy_preview(kind: ExceptionType, place: Place, at: datetime, version: PolicyVersion) -> list[Told]:
    """In the order in which people would be told by `version`, if nobody answered, up to the first repeat."""
    with transaction.atomic():
        told = list(_told(kind, place, at, version))
        # A site that has named nobody yet gets its rules when they are first asked for: not by a question.
        transaction.set_rollback(True)
    return told


def _told(kind: ExceptionType, place: Place, at: datetime, version: PolicyVersion) -> Iterator[Told]:
    finder = Finder(at)
    owner = finder.owner(place, kind.pk)
    exception = FloorException(
        type=kind,
        site=place.site,
        area=place.work_center.area if place.work_center else place.area,
        work_center=place.work_center,
        policy_version=version,
        owner_id=owner.person_id,
        raised_at=at,
        ladder_started_at=at,
    )
    level = OwnerLevel(owner.level).label
    yield Told(at, _role(owner.role) or str(level), _person(owner.person_id), "owner")
    for code in version.informs:
        for person_id in finder.on_duty(code, place.scope)[:1]:
            if person_id != owner.person_id:
                yield Told(at, _role(code), _person(person_id), "informed")
    yield from _steps(exception, version, at)


def _steps(exception: FloorException, version: PolicyVersion, at: datetime) -> Iterator[Told]:
    """A step that reaches nobody takes the next one with it, at the same time."""
    line = exception.work_center
    calendar = calendar_of(line) if line else calendar_of_site(exception.site_id)
    steps = list(version.steps.select_related("role", "person").order_by("position"))
    ladder = Ladder(exception, version, steps, {}, calendar)
    last, passed = len(steps) - 1, None
    for index, step in enumerate(steps):
        due = passed or ladder.step_due(index, at) or at
        finder = Finder(due)
        people = reached(finder, exception, step, ())
        repeat = step.repeat_minutes if index == last else None
        if people:
            passed = None
            yield Told(due, step.whom, _person(people[0]), "step", repeat)
            continue
        yield Told(due, step.whom, None, "step")
        passed = due
        if index == last:
            yield Told(due, "", finder.rules(exception.site).default_owner, "default", repeat)


def _person(person_id: int) -> Person | None:
    return Person.objects.get_queryset().filter(pk=person_id).first()


def _role(code: str) -> str:
    role = Role.objects.filter(code=code).first() if code else None
    return role.label() if role else ""
