"""The roster of a time to come, read at once, says the same as asking who is on duty at each instant of it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.plant.duty import DutyReason, on_duty
from apps.plant.models import Absence, DutyRosterEntry, Role
from apps.plant.roster_ahead import gaps, read, union
from tests.world import give_role, make_area, make_line, make_person, make_role, make_site

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
ROLES = ["inspector", "line_lead"]


def made_by_chance(chance: random.Random) -> list:
    """Two sites, three lines; people with roles for a while, duties, absences and deputies in chains."""
    first, second = make_site("S1"), make_site("S2")
    area = make_area(first)
    lines = [make_line(area, "L1"), make_line(area, "L2"), make_line(make_area(second, "B1"), "L9")]
    places = [None, first, second, area, *lines]
    people = [make_person(f"p{number}") for number in range(6)]
    for code in ROLES:
        make_role(code)

    def some_time() -> tuple[datetime, datetime]:
        start = MONDAY + chance.randrange(-24, 150) * HOUR
        return start, start + chance.randrange(1, 60) * HOUR

    for person in people:
        person.is_active = chance.random() > 0.15
        person.save()
        for _ in range(2):
            start, end = some_time()
            place, code = chance.choice(places), chance.choice(ROLES)
            give_role(
                person,
                code,
                place,
                valid_from=MONDAY - WEEK,
                valid_until=chance.choice([start, end, MONDAY + 2 * WEEK]),
            )
        taken = MONDAY - WEEK
        for _ in range(chance.randrange(3)):
            start, end = some_time()
            if start >= taken:
                others = [other for other in people if other != person]
                Absence.objects.create(
                    person=person, starts_at=start, ends_at=end, deputy=chance.choice([None, *others])
                )
                taken = end
    for person in people:
        for code in ROLES:
            start, end = MONDAY + chance.randrange(48) * HOUR, MONDAY + chance.randrange(60, 168) * HOUR
            where = chance.choice(places[1:])
            site = where if where in (first, second) else where.site
            DutyRosterEntry.objects.create(
                role=Role.objects.get(code=code),
                person=person,
                site=site,
                area=where if where == area else None,
                work_center=where if where in lines else None,
                starts_at=start,
                ends_at=end,
            )
    return lines


@pytest.mark.parametrize("seed", range(8))
def test_it_says_what_is_said_at_each_instant(seed):
    chance = random.Random(seed)
    lines = made_by_chance(chance)
    ahead = read(MONDAY, MONDAY + WEEK, roles=ROLES)
    compared = 0
    for _ in range(60):
        at = MONDAY + timedelta(minutes=chance.randrange(60 * 24 * 7))
        line, role = chance.choice(lines), chance.choice(ROLES)
        watches = ahead.on_watch([role], line.scope)
        foreseen = {watch.person_id for watch in watches if watch.start <= at < watch.end}
        asked = [duty.person_id for duty in on_duty(role, line.scope, at) if duty.because != DutyReason.CLOCKED_ON]
        assert foreseen == set(asked), (line.code, role, at)
        compared += len(asked)
    assert compared


def test_queries_do_not_grow():
    made_by_chance(random.Random(1))
    with CaptureQueriesContext(connection) as queries:
        read(MONDAY, MONDAY + WEEK, roles=ROLES, skills=["welding"])
    assert len(queries) <= 12


def test_gaps_are_what_nothing_covers():
    at = [MONDAY + hour * HOUR for hour in range(10)]
    assert gaps((at[0], at[8]), []) == [(at[0], at[8])]
    assert gaps((at[0], at[8]), [(at[1], at[4]), (at[5], at[9])]) == [(at[0], at[1]), (at[4], at[5])]
    assert gaps((at[1], at[8]), [(at[0], at[8])]) == []


def test_what_lies_over_or_next_to_each_other_covers_as_one():
    at = [MONDAY + hour * HOUR for hour in range(10)]
    assert union([(at[5], at[9]), (at[1], at[4]), (at[2], at[3]), (at[4], at[5])]) == [(at[1], at[9])]
    assert union([(at[3], at[4]), (at[0], at[1])]) == [(at[0], at[1]), (at[3], at[4])]
    assert union([]) == []
