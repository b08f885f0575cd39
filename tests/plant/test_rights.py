"""Who may do what where: by role, place and time; the default is no."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.rights import Action
from apps.plant.access import TERMINAL_ACTIONS, has_role, people_with_role, qualified, roles_at
from apps.plant.actions import MANAGE_PEOPLE, MANAGE_PLANT, VIEW_PLANT
from apps.plant.models import Area, Person, Site, WorkCenter, WorkUnit
from tests.world import (
    ALWAYS,
    World,
    actor_of,
    give_role,
    give_skill,
    make_area,
    make_holder,
    make_line,
    make_person,
    make_role,
    make_station,
    make_terminal,
    make_world,
)

pytestmark = pytest.mark.django_db
VIEW_BOARD = rights.ACTIONS.get("floor.view_board") or Action("floor.view_board", "see the board")


@pytest.fixture
def world() -> World:
    return make_world()


def test_nobody_may_anything_without_a_role(world: World) -> None:
    assert not rights.may(actor_of(world.olga), VIEW_PLANT, world.line.scope)
    assert rights.places(actor_of(world.olga), VIEW_PLANT) == frozenset()


def test_a_role_at_a_line_counts_for_the_line_and_its_stations_only(world: World) -> None:
    make_role("operator", "plant.view_plant")
    olga, other = actor_of(world.olga), make_line(world.area, "L4")
    assert rights.may(olga, VIEW_PLANT, world.line.scope)
    assert rights.may(olga, VIEW_PLANT, world.station.scope)
    for scope in (other.scope, world.area.scope, world.site.scope, rights.EVERYWHERE, world.other_line.scope):
        assert not rights.may(olga, VIEW_PLANT, scope)


def test_a_role_at_an_area_counts_for_its_lines(world: World) -> None:
    holder = actor_of(make_holder("plant.view_plant", place=world.area))
    assert rights.may(holder, VIEW_PLANT, world.line.scope)
    assert not rights.may(holder, VIEW_PLANT, world.site.scope)


def test_a_role_everywhere_counts_for_every_place(world: World) -> None:
    holder = actor_of(make_holder("plant.view_plant"))
    for scope in (world.line.scope, world.other_line.scope, rights.EVERYWHERE, frozenset({"site:999"})):
        assert rights.may(holder, VIEW_PLANT, scope)


def test_only_the_actions_of_the_role_count(world: World) -> None:
    holder = actor_of(make_holder("plant.view_plant"))
    assert not rights.may(holder, MANAGE_PLANT, world.line.scope)


def test_an_assignment_counts_within_its_time(world: World) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    person = make_person()
    role = make_role("stand_in", "plant.view_plant")
    give_role(person, role, world.line, valid_from=noon, valid_until=noon + timedelta(hours=1))
    seen = []
    for minutes in (-1, 0, 59, 60):
        clock.move_to(noon + timedelta(minutes=minutes), rate=0)
        seen.append(rights.may(actor_of(person), VIEW_PLANT, world.line.scope))
    assert seen == [False, True, True, False]


def test_a_deactivated_person_may_nothing(world: World) -> None:
    holder = make_holder("plant.view_plant")
    Person.objects.get_queryset().filter(pk=holder.pk).update(is_active=False)
    assert not rights.may(actor_of(holder), VIEW_PLANT, world.line.scope)


def test_a_restricted_actor_may_less_than_the_roles_say(world: World) -> None:
    holder = make_holder("plant.view_plant", "plant.manage_people")
    actor = actor_of(holder, restricted_to=frozenset({"plant.view_plant"}))
    assert rights.may(actor, VIEW_PLANT, world.line.scope)
    assert not rights.may(actor, MANAGE_PEOPLE, world.line.scope)


def test_a_terminal_alone_shows_its_own_line_and_nothing_else(world: World) -> None:
    terminal = make_terminal(world.site, station=world.station)
    actor = Actor(terminal_id=terminal.pk)
    assert rights.may(actor, VIEW_BOARD, world.line.scope)
    assert not rights.may(actor, VIEW_BOARD, make_line(world.area, "L4").scope)
    assert not rights.may(actor, VIEW_PLANT, world.line.scope)
    assert {"floor.view_board", "floor.view_station"} == TERMINAL_ACTIONS


def test_a_board_of_a_site_shows_all_its_lines_until_it_is_revoked(world: World) -> None:
    terminal = make_terminal(world.site)
    actor = Actor(terminal_id=terminal.pk)
    assert rights.may(actor, VIEW_BOARD, world.line.scope)
    assert not rights.may(actor, VIEW_BOARD, world.other_line.scope)
    terminal.revoked_at = ALWAYS
    terminal.save()
    assert not rights.may(actor, VIEW_BOARD, world.line.scope)


def test_one_query_decides(world: World, django_assert_num_queries: Any) -> None:
    actors = [
        actor_of(make_holder("plant.view_plant", place=world.line)),
        Actor(terminal_id=make_terminal(world.site, station=world.station).pk),
    ]
    scope = world.line.scope
    clock.now()
    for actor in actors:
        with django_assert_num_queries(1):
            rights.may(actor, VIEW_BOARD if actor.person_id is None else VIEW_PLANT, scope)


def test_the_holders_of_an_action_are_named_in_the_readers_language() -> None:
    role = make_role("inspector", "plant.view_plant")
    role.names = {"en": "Inspector", "de": "Prüfer"}
    role.save()
    make_role("operator")
    assert rights.holders(VIEW_PLANT) == ["Inspector"]


# ---- which rows


def test_rows_are_filtered_by_place(world: World) -> None:
    at_line = actor_of(make_holder("plant.view_plant", place=world.line))
    at_site = actor_of(make_holder("plant.view_plant", place=world.site))
    everywhere = actor_of(make_holder("plant.view_plant"))
    make_station(make_line(world.area, "L4"), "A41")
    assert codes(Site, at_line) == ["S1"]
    assert codes(Area, at_line) == ["A1"]
    assert codes(WorkCenter, at_line) == ["L3"]
    assert codes(WorkUnit, at_line) == ["A33"]
    assert codes(WorkCenter, at_site) == ["L3", "L4"]
    assert codes(WorkUnit, at_site) == ["A33", "A41"]
    assert codes(WorkCenter, everywhere) == ["L3", "L4", "L9"]
    for model in (Site, Area, WorkCenter, WorkUnit):
        assert codes(model, actor_of(world.otto)) == []


def test_people_of_a_site_are_seen_by_who_manages_people_there(world: World) -> None:
    make_person("nomad")
    at_site = actor_of(make_holder("plant.manage_people", place=world.other_site))
    names = Person.objects.visible_to(at_site, MANAGE_PEOPLE).values_list("username", flat=True)
    assert list(names) == ["otto"]


def codes(model: Any, actor: Actor) -> list[str]:
    return sorted(model.objects.visible_to(actor).values_list("code", flat=True))


# ---- roles and skills of a person


def test_roles_of_a_person_at_a_place(world: World) -> None:
    give_role(world.olga, "auditor")
    assert roles_at(world.olga.pk, world.line.scope) == {"operator", "auditor"}
    assert roles_at(world.olga.pk, world.other_line.scope) == {"auditor"}
    assert has_role(actor_of(world.olga), {"operator", "inspector"}, world.line.scope)
    assert not has_role(actor_of(world.olga), {"operator"}, world.other_line.scope)
    assert not has_role(Actor.system("rule"), {"operator"}, world.line.scope)


def test_who_holds_a_role_at_a_place(world: World) -> None:
    assert people_with_role({"operator", "inspector"}, world.line.scope) == {world.olga.pk, world.ivan.pk}
    assert people_with_role({"operator"}, make_area(world.site, "A2").scope) == set()


def test_missing_and_lapsed_skills_are_named(world: World) -> None:
    give_skill(world.olga, "welding", until="2026-03-02")
    give_skill(world.olga, "press", since="2026-04-01")
    berlin = ZoneInfo("Europe/Berlin")
    last_evening = datetime(2026, 3, 2, 23, 59, tzinfo=berlin)
    assert qualified(world.olga.pk, ["welding"], last_evening) == []
    assert qualified(world.olga.pk, ["welding", "press", "forklift"], last_evening + timedelta(minutes=1)) == [
        "forklift",
        "press",
        "welding",
    ]
    assert qualified(world.olga.pk, [], last_evening) == []
    assert date(2026, 3, 2) == last_evening.date()


# ---- what Django's admin asks


def test_django_gets_its_answers_from_roles(world: World) -> None:
    holder = make_holder("plant.view_plant", place=world.line)
    assert holder.has_perm("plant.view_plant")
    assert holder.has_perm("plant.view_plant", world.line)
    assert not holder.has_perm("plant.view_plant", world.other_line)
    assert not holder.has_perm("plant.manage_plant")
    assert not holder.has_perm("plant.change_site")
    assert holder.has_module_perms("plant")
    assert not holder.has_module_perms("core")
    assert not holder.is_superuser
