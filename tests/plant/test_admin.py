"""The engineers' pages: each opens for who may, and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.plant.models import (
    Area,
    Person,
    PersonSkill,
    ReasonCode,
    Role,
    RoleAssignment,
    Site,
    Skill,
    Terminal,
    WorkCalendar,
    WorkCenter,
    WorkUnit,
)
from tests.plant.desk import make_pages_world, page, with_right
from tests.world import (
    PASSWORD,
    World,
    make_holder,
    make_terminal,
    terminal_cookie,
)

pytestmark = pytest.mark.django_db

# Which right opens the pages of a model, and which one writes.
PAGES: dict[type, tuple[str, str]] = {
    Site: ("plant.view_plant", "plant.manage_plant"),
    Area: ("plant.view_plant", "plant.manage_plant"),
    WorkCenter: ("plant.view_plant", "plant.manage_plant"),
    WorkUnit: ("plant.view_plant", "plant.manage_plant"),
    WorkCalendar: ("plant.view_plant", "plant.manage_plant"),
    ReasonCode: ("plant.view_plant", "plant.manage_plant"),
    Role: ("plant.view_plant", "plant.manage_roles"),
    Terminal: ("plant.view_plant", "plant.enrol_terminal"),
    RoleAssignment: ("plant.manage_roles", "plant.manage_roles"),
    Person: ("plant.manage_people", "plant.manage_people"),
    Skill: ("plant.manage_people", "plant.manage_people"),
    PersonSkill: ("plant.manage_people", "plant.manage_people"),
}
ids = [model.__name__ for model in PAGES]


@pytest.fixture
def world() -> World:
    return make_pages_world()


@pytest.mark.parametrize("model", PAGES, ids=ids)
def test_each_page_opens_for_who_may_see_it_and_shows_no_way_to_write(world: World, model: Any) -> None:
    view, change = PAGES[model]
    client, row = with_right(view), model._default_manager.first()
    assert client.get(page(model)).status_code == 200
    assert client.get(page(model, "change", row.pk)).status_code == 200
    if view != change:
        assert client.get(page(model, "add")).status_code == 403
        before = model._default_manager.values().get(pk=row.pk)
        assert client.post(page(model, "change", row.pk), {}).status_code == 403
        assert model._default_manager.values().get(pk=row.pk) == before


@pytest.mark.parametrize("model", PAGES, ids=ids)
def test_each_page_opens_for_who_may_write(world: World, model: Any) -> None:
    client, row = with_right(PAGES[model][1]), model._default_manager.first()
    for name, *args in (("changelist",), ("add",), ("change", row.pk)):
        assert client.get(page(model, name, *args)).status_code == 200
    assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    if hasattr(model, "history"):
        assert client.get(page(model, "history", row.pk)).status_code == 200


@pytest.mark.parametrize("model", PAGES, ids=ids)
def test_no_page_opens_without_the_right(world: World, model: Any) -> None:
    row = model._default_manager.first()
    everything_else = {code for pair in PAGES.values() for code in pair} - set(PAGES[model])
    if model in (Site, Area, WorkCenter, WorkUnit, WorkCalendar, ReasonCode, Role, Terminal):
        everything_else -= {"plant.view_plant"}
    client = with_right(*everything_else)
    for name, *args in (("changelist",), ("add",), ("change", row.pk)):
        assert client.get(page(model, name, *args)).status_code == 403


@pytest.mark.parametrize("model", [model for model in PAGES if model not in (ReasonCode, Role, Skill)])
def test_rows_of_another_site_are_not_there(world: World, model: Any) -> None:
    client = with_right(*PAGES[model], place=world.other_site)
    row = model._default_manager.first()
    assert client.get(page(model, "change", row.pk)).status_code == 302  # "does not exist", back to the start
    assert f"/{row.pk}/change/" not in client.get(page(model)).content.decode()


def test_who_is_not_signed_in_is_sent_to_the_form(world: World) -> None:
    response = Client().get(page(Site))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_who_may_not_open_these_pages_at_all_is_sent_there_too(world: World) -> None:
    client = Client()
    client.force_login(make_holder("plant.manage_plant"))
    assert client.get(page(Site)).status_code == 302


def test_a_pin_never_opens_the_engineers_pages(world: World) -> None:
    person = make_holder("plant.manage_plant", is_staff=True)
    terminal = make_terminal(world.site)
    client = Client()
    client.force_login(person)
    session = client.session
    session.update({"sign_in": "pin", "terminal_id": terminal.pk, "last_act": 10**12})
    session.save()
    client.cookies.load(terminal_cookie(terminal))
    assert client.get(page(Site)).status_code == 302


def test_the_login_form_lets_in_by_password(world: World) -> None:
    make_holder("plant.view_plant", username="vera", password=PASSWORD, is_staff=True)
    client = Client()
    sent = {"username": "vera", "password": PASSWORD, "next": "/admin/"}
    assert client.post("/admin/login/", sent | {"password": "wrong"}).status_code == 200
    assert client.post("/admin/login/", sent)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_djangos_own_groups_are_not_offered(world: World) -> None:
    assert "/admin/auth/" not in with_right("plant.view_plant").get("/admin/").content.decode()
