"""The engineers' pages: each opens for who may, and for nobody else; what they write goes the right way."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from apps.plant.access import TERMINAL_COOKIE
from apps.plant.models import (
    Area,
    Holiday,
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
from apps.plant.queries import matrix
from tests.world import (
    PASSWORD,
    PIN,
    World,
    give_role,
    give_skill,
    ledger,
    make_area,
    make_calendar,
    make_holder,
    make_reason,
    make_role,
    make_terminal,
    make_world,
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
    world = make_world()
    make_calendar(world.site)
    make_terminal(world.site, station=world.station, code="T1")
    make_reason("scrap", "crack")
    give_skill(world.olga, "welding")
    return world


def at_desk(person: Person) -> Client:
    Person.objects.get_queryset().filter(pk=person.pk).update(is_staff=True)
    client = Client()
    client.force_login(Person.objects.get_queryset().get(pk=person.pk))
    return client


def with_right(*actions: str, **where: Any) -> Client:
    return at_desk(make_holder(*actions, **where))


def page(model: type, name: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:plant_{model.__name__.lower()}_{name}", args=args)  # type: ignore[attr-defined]


def values_of(response: Any) -> dict[str, Any]:
    """What the form on the page would send if nothing were changed."""
    context = response.context
    forms: list[Any] = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    sent: dict[str, Any] = {}
    for form in forms:
        for bound in form:
            value = bound.value()
            if value is not None and value is not False:
                sent[bound.html_name] = value
    return sent


# ---- who gets in


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


# ---- places and calendars


def test_a_line_is_changed_with_history(world: World) -> None:
    engineer = make_holder("plant.manage_plant", place=world.site)
    client = at_desk(engineer)
    url = page(WorkCenter, "change", world.line.pk)
    assert client.post(url, values_of(client.get(url)) | {"name": "Gearboxes"}).status_code == 302
    world.line.refresh_from_db()
    assert world.line.name == "Gearboxes"
    assert world.line.history.first().history_user_id == engineer.pk


def test_a_line_is_added_to_an_area_of_the_own_site(world: World) -> None:
    client = with_right("plant.manage_plant", place=world.site)
    sent = {"area": world.area.pk, "code": "L5", "name": "Line 5", "kind": "line"}
    assert client.post(page(WorkCenter, "add"), sent).status_code == 302
    assert WorkCenter.objects.get(code="L5").site == world.site
    theirs = sent | {"area": world.other_line.area_id, "code": "L6"}
    assert client.post(page(WorkCenter, "add"), theirs).status_code == 200
    assert not WorkCenter.objects.filter(code="L6").exists()


def test_who_manages_one_line_adds_none_beside_it(world: World) -> None:
    client = with_right("plant.manage_plant", place=world.line)
    sent = {"area": world.area.pk, "code": "L5", "name": "Line 5", "kind": "line"}
    response = client.post(page(WorkCenter, "add"), sent, follow=True)
    assert "You may not change this place." in response.content.decode()
    assert not WorkCenter.objects.filter(code="L5").exists()
    assert not WorkCenter.history.filter(code="L5").exists()


def test_a_site_is_added_only_by_who_manages_all(world: World) -> None:
    sent = {"code": "S3", "name": "Third", "timezone": "Europe/Berlin"}
    with_right("plant.manage_plant", place=world.site).post(page(Site, "add"), sent)
    assert not Site.objects.filter(code="S3").exists()
    with_right("plant.manage_plant").post(page(Site, "add"), sent)
    assert Site.objects.filter(code="S3").exists()


def test_a_calendar_is_changed_with_its_shifts_and_days_off(world: World) -> None:
    engineer = make_holder("plant.manage_plant", place=world.site)
    client = at_desk(engineer)
    calendar = WorkCalendar.objects.get()
    url = page(WorkCalendar, "change", calendar.pk)
    sent = values_of(client.get(url))
    sent |= {"patterns-0-name": "Early birds", "holidays-TOTAL_FORMS": 1, "holidays-0-date": "2026-12-25"}
    sent |= {"holidays-0-calendar": calendar.pk}
    response = client.post(url, sent)
    assert response.status_code == 302, response.context["errors"]
    assert Holiday.objects.filter(calendar=calendar).count() == 1
    shift = ShiftPattern.objects.get(name="Early birds")
    assert shift.history.first().history_user_id == engineer.pk
    assert Holiday.history.get().history_user_id == engineer.pk


def test_a_shift_that_overlaps_is_refused_on_the_page(world: World) -> None:
    client = with_right("plant.manage_plant")
    url = page(WorkCalendar, "change", WorkCalendar.objects.get().pk)
    response = client.post(url, values_of(client.get(url)) | {"patterns-0-ends_at": "15:00"})
    assert response.status_code == 200
    assert "overlaps with shift L" in response.content.decode()


# ---- people


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


# ---- roles


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


# ---- terminals


def test_the_browser_that_enrols_becomes_the_terminal(world: World) -> None:
    client = with_right("plant.enrol_terminal", place=world.site)
    sent = {
        "code": "T7",
        "site": world.site.pk,
        "work_unit": world.station.pk,
        "kind": "station",
        "auto_lock_seconds": 300,
    }
    response = client.post(page(Terminal, "add"), sent)
    assert response.status_code == 302
    terminal = Terminal.objects.get(code="T7")
    cookie = response.cookies[TERMINAL_COOKIE]
    assert cookie["httponly"]
    assert cookie.value == f"{terminal.pk}.{cookie.value.partition('.')[2]}"
    assert terminal.secret_matches(cookie.value.partition(".")[2])
    response = client.post(page(Terminal, "add"), sent)
    assert response.status_code == 302, response.context["errors"]
    again = response.cookies[TERMINAL_COOKIE]
    terminal.refresh_from_db()
    assert terminal.secret_matches(again.value.partition(".")[2])
    assert not terminal.secret_matches(cookie.value.partition(".")[2])


def test_a_terminal_is_revoked_from_the_list(world: World) -> None:
    terminal = Terminal.objects.get(code="T1")
    with_right("plant.view_plant").post(page(Terminal), {"action": "revoke", "_selected_action": [terminal.pk]})
    terminal.refresh_from_db()
    assert terminal.revoked_at is None
    with_right("plant.enrol_terminal").post(page(Terminal), {"action": "revoke", "_selected_action": [terminal.pk]})
    terminal.refresh_from_db()
    assert terminal.revoked_at is not None


def test_a_line_lead_of_one_area_sees_the_calendar_but_changes_it_not(world: World) -> None:
    client = with_right("plant.view_plant", "plant.manage_plant", place=make_area(world.site, "A2"))
    url = page(WorkCalendar, "change", WorkCalendar.objects.get().pk)
    assert client.get(url).status_code == 200
    assert client.post(url, {"name": "x"}).status_code == 403
