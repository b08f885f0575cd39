"""Who is on duty: the roster, the deputies and who is at work, against a count by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.plant.duty import DutyReason, deputy_of, duties_of, is_on_duty, on_duty
from apps.plant.models import Absence, Area, DutyRosterEntry, Person, Presence, Role, RoleAssignment, Site, WorkCenter
from tests.world import World, give_role, make_person, make_role, make_world

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIXER = "maintenance_technician"
Place = Site | Area | WorkCenter


@pytest.fixture
def world() -> World:
    return make_world()


def fixer(world: World, name: str, place: Place | None = None) -> Person:
    person = make_person(name, site=world.site)
    give_role(person, FIXER, place or world.site)
    return person


def roster(
    person: Person, place: Place, start: float = -2, end: float = 2, *, role: str = FIXER, phone: str = ""
) -> DutyRosterEntry:
    """Hours from noon."""
    return DutyRosterEntry.objects.create(
        role=make_role(role),
        person=person,
        site_id=place.site_id,
        area=place if isinstance(place, Area) else None,
        work_center=place if isinstance(place, WorkCenter) else None,
        starts_at=NOON + start * HOUR,
        ends_at=NOON + end * HOUR,
        phone=phone,
    )


def at_work(person: Person, site: Site, start: float = -2, end: float | None = None) -> Presence:
    started_at = NOON + start * HOUR
    return Presence.objects.create(
        person=person,
        site=site,
        started_at=started_at,
        last_evidence_at=started_at,
        ended_at=None if end is None else NOON + end * HOUR,
        ended_by="" if end is None else "person",
    )


def away(person: Person, start: float = -1, end: float | None = None, *, deputy: Person | None = None) -> Absence:
    ends_at = None if end is None else NOON + end * HOUR
    return Absence.objects.create(person=person, starts_at=NOON + start * HOUR, ends_at=ends_at, deputy=deputy)


def names(world: World, place: Place | None = None, at: datetime = NOON) -> list[str]:
    found = on_duty(FIXER, (place or world.line).scope, at)
    return [Person.objects.get_queryset().get(pk=duty.person_id).username for duty in found]


class TestOnDuty:
    def test_is_who_is_on_the_roster_and_never_clocks_on(self, world: World) -> None:
        mia = fixer(world, "mia")
        roster(mia, world.site, phone="0815")
        (duty,) = on_duty(FIXER, world.line.scope, NOON)
        assert (duty.person_id, duty.because, duty.until, duty.phone) == (
            mia.pk, DutyReason.ROSTER, NOON + 2 * HOUR, "0815",
        )  # fmt: skip
        assert names(world, at=NOON + 2 * HOUR) == [], "the end is the first instant that no longer counts"
        assert names(world, at=NOON - 2 * HOUR) == ["mia"]

    def test_is_who_is_at_work_and_holds_the_role_there(self, world: World) -> None:
        mia = fixer(world, "mia")
        at_work(mia, world.site)
        at_work(world.olga, world.site)
        (duty,) = on_duty(FIXER, world.line.scope, NOON)
        assert (duty.person_id, duty.because, duty.until, duty.phone) == (mia.pk, DutyReason.CLOCKED_ON, None, "")
        assert names(world, world.other_line) == []

    def test_at_another_site_helps_nobody_here(self, world: World) -> None:
        mia = make_person("mia")
        give_role(mia, FIXER)
        at_work(mia, world.other_site)
        assert names(world) == []
        assert names(world, world.other_line) == ["mia"]

    def test_the_roster_goes_first_then_the_nearer_place_then_who_has_been_there_longest(self, world: World) -> None:
        site, area, line, early, late, near = (fixer(world, name) for name in ("s", "a", "l", "early", "late", "near"))
        give_role(near, FIXER, world.line)
        roster(site, world.site, -9)
        roster(area, world.area)
        roster(line, world.line)
        at_work(late, world.site, -1)
        at_work(early, world.site, -3)
        at_work(near, world.site, -0.5)
        assert names(world) == ["l", "a", "s", "near", "early", "late"]
        assert names(world, world.site) == ["s", "early", "late", "near"]

    def test_is_nobody_twice(self, world: World) -> None:
        mia = fixer(world, "mia")
        roster(mia, world.site)
        roster(mia, world.line)
        at_work(mia, world.site)
        assert names(world) == ["mia"]

    def test_is_nobody_who_is_away_deactivated_or_without_the_role(self, world: World) -> None:
        gone, fired, stranger = fixer(world, "gone"), fixer(world, "fired"), make_person("stranger")
        for person in (gone, fired, stranger):
            roster(person, world.line)
            at_work(person, world.site)
        away(gone)
        Person.objects.get_queryset().filter(pk=fired.pk).update(is_active=False)
        assert names(world) == []
        assert not any(is_on_duty(person.pk, NOON) for person in (gone, fired, stranger))

    def test_takes_the_same_four_queries_for_many(self, world: World, django_assert_num_queries: Any) -> None:
        people = [fixer(world, f"p{n}") for n in range(12)]
        for one, other in zip(people, [*people[1:], None], strict=True):
            roster(one, world.site)
            at_work(one, world.site)
            if one.pk % 3 == 0:
                away(one, deputy=other)
        with django_assert_num_queries(4):
            assert on_duty(FIXER, world.line.scope, NOON)


class TestADeputy:
    def test_stands_in_without_an_entry_of_their_own(self, world: World) -> None:
        mia, dev = fixer(world, "mia"), fixer(world, "dev")
        roster(mia, world.site, phone="0815")
        away(mia, deputy=dev)
        (duty,) = on_duty(FIXER, world.line.scope, NOON)
        assert (duty.person_id, duty.because, duty.phone) == (dev.pk, DutyReason.DEPUTY, "0815")
        assert deputy_of(mia.pk, NOON) == dev.pk
        assert [(d.role, d.place, d.because) for d in duties_of(dev.pk, NOON)] == [
            (FIXER, world.site.place, DutyReason.DEPUTY)
        ]
        assert is_on_duty(dev.pk, NOON)
        assert not is_on_duty(mia.pk, NOON)

    def test_who_is_away_too_passes_it_on_and_a_ring_ends_with_nobody(self, world: World) -> None:
        mia, dev, eva = (fixer(world, name) for name in ("mia", "dev", "eva"))
        roster(mia, world.site)
        away(mia, deputy=dev)
        passed_on = away(dev, deputy=eva)
        assert deputy_of(mia.pk, NOON) == eva.pk
        assert names(world) == ["eva"]
        passed_on.deputy = mia
        passed_on.save()
        assert deputy_of(mia.pk, NOON) is None
        assert names(world) == []

    def test_is_found_at_the_end_of_a_long_chain(self, world: World) -> None:
        chain = [fixer(world, f"p{n}") for n in range(6)]
        for one, next_one in pairwise(chain):
            away(one, deputy=next_one)
        assert deputy_of(chain[0].pk, NOON) == chain[-1].pk

    def test_without_the_role_or_deactivated_is_none(self, world: World) -> None:
        mia, dev = fixer(world, "mia"), make_person("dev")
        roster(mia, world.site)
        absence = away(mia, deputy=dev)
        assert names(world) == []
        absence.deputy = fixer(world, "eva")
        absence.save()
        assert names(world) == ["eva"]
        Person.objects.get_queryset().filter(username="eva").update(is_active=False)
        assert names(world) == []
        assert deputy_of(mia.pk, NOON) is None

    def test_of_somebody_who_is_there_is_nobody(self, world: World) -> None:
        mia, dev = fixer(world, "mia"), fixer(world, "dev")
        away(mia, 1, deputy=dev)
        assert deputy_of(mia.pk, NOON) is None


class TestTheDatabaseRefuses:
    @pytest.mark.parametrize("kind", ["presence", "absence", "duty"])
    def test_what_overlaps_or_ends_before_it_starts(self, world: World, kind: str) -> None:
        mia = fixer(world, "mia")

        def make(start: float, end: float) -> object:
            if kind == "presence":
                return at_work(mia, world.site, start, end)
            return away(mia, start, end) if kind == "absence" else roster(mia, world.site, start, end)

        make(0, 2)
        make(2, 3)
        for start, end in ((1, 4), (-1, 9), (8, 7)):
            with pytest.raises(IntegrityError), transaction.atomic():
                make(start, end)

    def test_two_places_a_place_of_another_site_and_oneself_as_deputy(self, world: World) -> None:
        mia = fixer(world, "mia")
        entry = roster(mia, world.line)
        for wrong in ({"area": world.area}, {"site": world.other_site}):
            with pytest.raises(IntegrityError), transaction.atomic():
                DutyRosterEntry.objects.filter(pk=entry.pk).update(**wrong)
                connection.check_constraints()
        with pytest.raises(IntegrityError), transaction.atomic():
            away(mia, deputy=mia)

    def test_telephone_numbers_have_no_history(self, world: World) -> None:
        entry = roster(fixer(world, "mia"), world.line, phone="0815")
        assert not hasattr(entry.history.get(), "phone")


# ---- against a count by hand

PEOPLE = range(4)
hours = st.integers(-3, 3)
spans = st.tuples(hours, hours).filter(lambda span: span[0] < span[1])
places = st.integers(0, 3)  # line, area, site, another line of the area
plants = st.fixed_dictionaries(
    {
        "held": st.lists(st.tuples(st.sampled_from(PEOPLE), st.integers(0, 4)), max_size=6, unique=True),
        "inactive": st.sets(st.sampled_from(PEOPLE), max_size=1),
        "roster": st.lists(
            st.tuples(st.sampled_from(PEOPLE), places, spans), max_size=5, unique_by=lambda row: (row[0], row[1])
        ),
        "present": st.dictionaries(st.sampled_from(PEOPLE), st.tuples(hours, st.sampled_from([None, 3]))),
        "away": st.dictionaries(
            st.sampled_from(PEOPLE), st.tuples(spans, st.none() | st.sampled_from(PEOPLE)), max_size=4
        ),
        "at": st.integers(-6, 6).map(lambda half: half / 2),
    }
)


@pytest.fixture
def cast(world: World) -> tuple[World, WorkCenter, list[Person]]:
    other = WorkCenter.objects.create(area=world.area, code="L4", name="Line L4")
    return world, other, [make_person(f"p{n}", site=world.site) for n in PEOPLE]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plant=plants)
def test_on_duty_is_what_a_count_by_hand_says(
    cast: tuple[World, WorkCenter, list[Person]], plant: dict[str, Any]
) -> None:
    world, other, people = cast
    located: list[Place] = [world.line, world.area, world.site, other]
    with transaction.atomic():
        fill(plant, located, people, world)
        at = NOON + plant["at"] * HOUR
        somewhere = set()
        for asked in located:
            expected = by_hand(plant, located.index(asked))
            found = [people.index(Person(pk=duty.person_id)) for duty in on_duty(FIXER, asked.scope, at)]
            assert found == expected
            somewhere |= set(found)
        assert {n for n in PEOPLE if is_on_duty(people[n].pk, at)} == somewhere
        transaction.set_rollback(True)


def fill(plant: dict[str, Any], located: list[Place], people: list[Person], world: World) -> None:
    Role.objects.get_or_create(code=FIXER, defaults={"names": {"en": "fixer"}})
    for n, place in plant["held"]:
        give_role(people[n], FIXER, None if place == 4 else located[place])
    for n, place, (start, end) in plant["roster"]:
        roster(people[n], located[place], start, end)
    for n, (start, end) in plant["present"].items():
        at_work(people[n], world.site, start, end if end is None or end > start else None)
    for n, ((start, end), deputy) in plant["away"].items():
        away(people[n], start, end, deputy=None if deputy in (None, n) else people[deputy])
    Person.objects.get_queryset().filter(pk__in=[people[n].pk for n in plant["inactive"]]).update(is_active=False)
    assert RoleAssignment.objects.count() >= len(plant["held"])


# Which of the places (4: everywhere) contain a place, the nearest first.
CONTAINING = {0: [0, 1, 2, 4], 1: [1, 2, 4], 2: [2, 4], 3: [3, 1, 2, 4]}


def by_hand(plant: dict[str, Any], asked: int) -> list[int]:
    at, ranked = plant["at"], []
    for n in PEOPLE:
        nearest = [place for place in CONTAINING[asked] if (n, place) in plant["held"]]
        if not nearest or n in plant["inactive"] or gone(plant, n):
            continue
        ranks = [
            (0, CONTAINING[asked].index(place), start, index)
            for index, (who, place, (start, end)) in enumerate(plant["roster"])
            if place in CONTAINING[asked] and start <= at < end and stands_in(plant, who) == n
        ]
        if n in plant["present"]:
            start, end = plant["present"][n]
            if start <= at and (end is None or end <= start or at < end):
                ranks.append((1, CONTAINING[asked].index(nearest[0]), start, n))
        if ranks:
            ranked.append((min(ranks), n))
    return [n for _rank, n in sorted(ranked)]


def gone(plant: dict[str, Any], n: int) -> bool:
    return n in plant["away"] and plant["away"][n][0][0] <= plant["at"] < plant["away"][n][0][1]


def stands_in(plant: dict[str, Any], n: int) -> int | None:
    for _step in PEOPLE:
        if not gone(plant, n):
            return n
        deputy = plant["away"][n][1]
        if deputy is None or deputy == n:
            return None
        n = deputy
    return None
