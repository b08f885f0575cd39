from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.plant.actions import VIEW_PLANT
from apps.plant.commands import assign_role, end_role_assignment, set_role_actions
from apps.plant.models import Person, RoleAction, RoleAssignment
from tests.world import World, actor_of, give_role, last_event, ledger, make_holder, make_role, make_world, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def admin(world: World) -> Person:
    return make_holder("plant.manage_roles", username="adam")


@pytest.mark.parametrize("kind", ["site", "area", "line", "everywhere"])
def test_a_role_is_assigned_at_a_place(world: World, admin: Person, kind: str) -> None:
    make_role("supervisor", "plant.view_plant")
    place = "everywhere" if kind == "everywhere" else getattr(world, kind).place
    pk = run(assign_role, admin, person_id=world.otto.pk, role="supervisor", place=place)
    assert RoleAssignment.objects.get(pk=pk).place == place
    assert rights.may(actor_of(world.otto), VIEW_PLANT, world.line.scope)
    event = last_event()
    assert (event.kind, event.site_id, event.data) == (
        "plant.role_assigned",
        None if kind == "everywhere" else world.site.pk,
        {"person_id": world.otto.pk, "role": "supervisor", "place": place},
    )
    row = RoleAssignment.objects.get(pk=pk).history.get()
    assert (row.history_type, row.history_user_id) == ("+", admin.pk)


def test_who_manages_roles_of_a_site_does_so_there_only(world: World) -> None:
    admin = make_holder("plant.manage_roles", place=world.site)
    run(assign_role, admin, person_id=world.otto.pk, role="inspector", place=world.line.place)
    for place in ("everywhere", world.other_site.place, world.other_line.place):
        with pytest.raises(CommandRefused) as refusal:
            run(assign_role, admin, person_id=world.otto.pk, role="inspector", place=place)
        assert refusal.value.code == "not_allowed"
    assert RoleAssignment.objects.filter(person=world.otto).count() == 2


def test_nobody_gives_themselves_a_role(world: World, admin: Person) -> None:
    with pytest.raises(CommandRefused, match="their own rights"):
        run(assign_role, admin, person_id=admin.pk, role="operator", place="everywhere")
    assert RoleAssignment.objects.filter(person=admin).count() == 1


def test_the_same_role_is_not_assigned_twice_at_a_place(world: World, admin: Person) -> None:
    with pytest.raises(CommandRefused) as refusal:
        run(assign_role, admin, person_id=world.olga.pk, role="operator", place=world.line.place)
    assert refusal.value.code == "already_assigned"


@pytest.mark.parametrize("place", ["", "line", "line:", "line:x", "line:0", "site:99999", "planet:1", "line:²"])
def test_a_place_that_is_none_is_refused(world: World, admin: Person, place: str) -> None:
    with pytest.raises(CommandRefused) as refusal:
        run(assign_role, admin, person_id=world.olga.pk, role="inspector", place=place)
    assert refusal.value.code == "not_found"


def test_an_unknown_role_is_refused(world: World, admin: Person) -> None:
    with pytest.raises(CommandRefused, match="no role wizard"):
        run(assign_role, admin, person_id=world.olga.pk, role="wizard", place=world.line.place)


def test_an_assignment_ends_at_once_and_once(world: World, admin: Person) -> None:
    make_role("operator", "plant.view_plant")
    assignment = RoleAssignment.objects.get(person=world.olga)
    for _ in range(2):
        run(end_role_assignment, admin, assignment_id=assignment.pk)
    assert not rights.may(actor_of(world.olga), VIEW_PLANT, world.line.scope)
    assert [event.data["role"] for event in ledger("plant.role_assignment_ended")] == ["operator"]


def test_one_that_has_not_begun_never_will(world: World, admin: Person) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    pk = run(assign_role, admin, person_id=world.olga.pk, role="inspector", place=world.line.place, valid_from=tomorrow)
    run(end_role_assignment, admin, assignment_id=pk)
    assert RoleAssignment.objects.get(pk=pk).valid_until == tomorrow
    assert not RoleAssignment.objects.valid_at(tomorrow).filter(pk=pk).exists()


def test_an_outsider_changes_no_rights(world: World) -> None:
    outsider = make_holder("plant.manage_roles", place=world.other_site)
    assignment = RoleAssignment.objects.get(person=world.olga)
    for command, inputs in (
        (end_role_assignment, {"assignment_id": assignment.pk}),
        (set_role_actions, {"role": "operator", "add": ("plant.view_plant",)}),
    ):
        with pytest.raises(CommandRefused) as refusal:
            run(command, outsider, **inputs)
        assert refusal.value.code == "not_allowed"
    assignment.refresh_from_db()
    assert assignment.valid_until is None
    assert not RoleAction.objects.filter(role__code="operator").exists()


def test_actions_are_given_and_taken_one_by_one(world: World, admin: Person) -> None:
    make_role("operator", "plant.manage_plant", "plant.manage_people")
    run(set_role_actions, admin, role="operator", add=("plant.view_plant",), remove=("plant.manage_plant",))
    held = RoleAction.objects.filter(role__code="operator").values_list("code", flat=True)
    assert sorted(held) == ["plant.manage_people", "plant.view_plant"]
    assert last_event().data == {"added": ["plant.view_plant"], "removed": ["plant.manage_plant"]}
    users = set(RoleAction.history.filter(code__in=["plant.view_plant", "plant.manage_plant"], role__code="operator"))
    assert {(row.history_type, row.history_user_id) for row in users if row.history_user_id} == {
        ("+", admin.pk),
        ("-", admin.pk),
    }


def test_what_is_so_already_is_no_event(admin: Person) -> None:
    make_role("operator", "plant.view_plant")
    run(set_role_actions, admin, role="operator", add=("plant.view_plant",), remove=("plant.manage_plant",))
    assert ledger("plant.role_actions_set") == []


def test_nobody_adds_to_a_role_of_their_own(world: World, admin: Person) -> None:
    own = f"role_of_{admin.pk}"
    with pytest.raises(CommandRefused) as refusal:
        run(set_role_actions, admin, role=own, add=("plant.manage_plant",))
    assert refusal.value.code == "own_rights"
    run(set_role_actions, Actor.system("console"), role=own, add=("plant.manage_plant",))
    assert RoleAction.objects.filter(role__code=own).count() == 2


@pytest.mark.parametrize(("role", "code"), [("operator", "plant.fly"), ("wizard", "plant.view_plant")])
def test_unknown_roles_and_actions_are_refused(world: World, admin: Person, role: str, code: str) -> None:
    with pytest.raises(CommandRefused):
        run(set_role_actions, admin, role=role, add=(code,))


def test_a_person_holds_the_same_open_role_once_even_in_the_database(world: World) -> None:
    with pytest.raises(Exception, match="role_assignment_open_once"):
        give_role(world.olga, "operator", world.line)
