"""People, their roles and the matrix on the engineers' pages: all of it by the commands."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from apps.plant.models import (
    Person,
    PersonSkill,
    RoleAction,
    RoleAssignment,
    Skill,
)
from apps.plant.queries import matrix
from tests.plant.desk import at_desk, make_pages_world, page, values_of, with_right
from tests.world import (
    PASSWORD,
    PIN,
    World,
    give_role,
    ledger,
    make_holder,
    make_role,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_pages_world()


def test_a_person_is_created_by_the_commands(world: World) -> None:
    client = with_right("plant.manage_people", place=world.site)
    sent = {
        "username": "nina",
        "name": "Nina",
        "badge": "99",
        "language": "de",
        "site": world.site.pk,
        "new_pin": PIN,
        "new_password": PASSWORD,
    }
    assert client.post(page(Person, "add"), sent).status_code == 302
    nina = Person.objects.get_queryset().get(username="nina")
    assert nina.pin_matches(PIN)
    assert nina.check_password(PASSWORD)
    assert [len(ledger(f"plant.{kind}")) for kind in ("person_created", "pin_set", "password_set")] == [1, 1, 1]
    assert LogEntry.objects.get().object_id == str(nina.pk)


@pytest.mark.parametrize(
    ("field", "value"), [("new_pin", "123456"), ("new_password", "secret"), ("badge", "badge-lena")]
)
def test_what_is_not_good_enough_is_said_on_the_form_and_saves_nothing(world: World, field: str, value: str) -> None:
    client = with_right("plant.manage_people", place=world.site)
    sent = {"username": "nina", "name": "Nina", "language": "de", "site": world.site.pk, field: value}
    response = client.post(page(Person, "add"), sent)
    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors
    assert not Person.objects.get_queryset().filter(username="nina").exists()


def test_a_person_is_changed_and_no_hash_is_shown(world: World) -> None:
    world.olga.set_pin(PIN)
    world.olga.save()
    client = with_right("plant.manage_people", place=world.site)
    url = page(Person, "change", world.olga.pk)
    shown = client.get(url)
    assert "argon2" not in shown.content.decode()
    assert client.post(url, values_of(shown) | {"name": "Olga O."}).status_code == 302
    world.olga.refresh_from_db()
    assert world.olga.name == "Olga O."
    assert world.olga.pin_matches(PIN)
    assert ledger("plant.person_changed")[0].data == {"fields": ["name"]}


def test_a_refused_command_is_a_message_and_nothing_is_saved(world: World) -> None:
    client = with_right("plant.manage_people", place=world.site)
    sent = {"username": "nina", "name": "Nina", "language": "de"}  # of no site: only who manages all may
    response = client.post(page(Person, "add"), sent, follow=True)
    assert "You may not change people" in response.content.decode()
    assert not Person.objects.get_queryset().filter(username="nina").exists()


def test_people_are_deactivated_from_the_list(world: World) -> None:
    client = with_right("plant.manage_people", place=world.site)
    for action, active in (("deactivate", False), ("reactivate", True)):
        sent = {"action": action, "_selected_action": [world.olga.pk, world.lena.pk]}
        client.post(page(Person), sent)
        assert set(Person.objects.get_queryset().filter(username__in=["olga", "lena"]).values_list("is_active")) == {
            (active,)
        }


def test_nobody_qualifies_themselves(world: World) -> None:
    manager = make_holder("plant.manage_people", site=world.site)
    skill = Skill.objects.get(code="welding")
    sent = {"person": manager.pk, "skill": skill.pk, "valid_from": "2026-01-01"}
    client = at_desk(manager)
    response = client.post(page(PersonSkill, "add"), sent, follow=True)
    assert "Nobody qualifies themselves." in response.content.decode()
    client.post(page(PersonSkill, "add"), sent | {"person": world.lena.pk})
    assert list(PersonSkill.objects.filter(skill=skill).values_list("person__username", flat=True)) == ["lena", "olga"]


def test_a_role_is_assigned_and_ended(world: World) -> None:
    client = with_right("plant.manage_roles")
    sent = {
        "person": world.olga.pk,
        "role": make_role("auditor").pk,
        "work_center": world.line.pk,
        "valid_from_0": "2026-01-01",
        "valid_from_1": "00:00",
    }
    assert client.post(page(RoleAssignment, "add"), sent).status_code == 302
    assignment = RoleAssignment.objects.get(role__code="auditor")
    assert assignment.place == world.line.place
    client.post(page(RoleAssignment), {"action": "end_now", "_selected_action": [assignment.pk]})
    assignment.refresh_from_db()
    assert assignment.valid_until is not None
    assert [len(ledger(f"plant.role_{what}")) for what in ("assigned", "assignment_ended")] == [1, 1]


def test_a_role_is_assigned_at_one_place_only(world: World) -> None:
    client = with_right("plant.manage_roles")
    sent = {
        "person": world.olga.pk,
        "role": make_role("auditor").pk,
        "valid_from_0": "2026-01-01",
        "valid_from_1": "00:00",
    }
    for places in ({}, {"site": world.site.pk, "area": world.area.pk}):
        response = client.post(page(RoleAssignment, "add"), sent | places)
        assert "Choose exactly one place" in response.content.decode()


def test_the_matrix_shows_what_the_authorizer_goes_by(world: World) -> None:
    make_role("operator", "plant.view_plant")
    reader = with_right("plant.view_plant").get(reverse("admin:plant_role_matrix"))
    assert reader.status_code == 200
    held = {
        (cell.role.code, row.action.code)
        for group in reader.context["matrix"].groups
        for row in group.rows
        for cell in row.cells
        if cell.held
    }
    assert held == set(RoleAction.objects.values_list("role__code", "code"))
    assert '<button name="cell"' not in reader.content.decode()


def test_the_matrix_is_changed_cell_by_cell(world: World) -> None:
    client, url = with_right("plant.manage_roles", "plant.view_plant"), reverse("admin:plant_role_matrix")
    assert 'value="add operator plant.view_plant"' in client.get(url).content.decode()
    assert client.post(url, {"cell": "add operator plant.view_plant"}).status_code == 302
    assert RoleAction.objects.filter(role__code="operator", code="plant.view_plant").exists()
    assert 'value="remove operator plant.view_plant"' in client.get(url).content.decode()
    client.post(url, {"cell": "remove operator plant.view_plant"})
    assert not RoleAction.objects.filter(role__code="operator").exists()
    assert client.post(url, {"cell": "nonsense"}).status_code == 400


def test_the_matrix_is_changed_by_nobody_else(world: World) -> None:
    url = reverse("admin:plant_role_matrix")
    response = with_right("plant.view_plant").post(url, {"cell": "add operator plant.view_plant"}, follow=True)
    assert "You may not change roles" in response.content.decode()
    assert not RoleAction.objects.filter(role__code="operator").exists()
    assert with_right("plant.manage_people").get(url).status_code == 403
    assert Client().get(url).status_code == 302


def test_the_matrix_takes_two_queries_whatever_its_size(world: World, django_assert_num_queries: Any) -> None:
    for number in range(10):
        give_role(world.olga, f"role{number}")
    with django_assert_num_queries(2):
        matrix()
