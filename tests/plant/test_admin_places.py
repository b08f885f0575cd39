"""Lines, sites, calendars and terminals on the engineers' pages: what is written goes the right way."""

from __future__ import annotations

import pytest

from apps.plant.access import TERMINAL_COOKIE
from apps.plant.models import (
    Holiday,
    ShiftPattern,
    Site,
    Terminal,
    WorkCalendar,
    WorkCenter,
)
from tests.plant.desk import at_desk, make_pages_world, page, values_of, with_right
from tests.world import (
    World,
    make_area,
    make_holder,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_pages_world()


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


def test_a_line_lead_of_one_area_sees_the_calendar_but_changes_it_not(world: World) -> None:
    client = with_right("plant.view_plant", "plant.manage_plant", place=make_area(world.site, "A2"))
    url = page(WorkCalendar, "change", WorkCalendar.objects.get().pk)
    assert client.get(url).status_code == 200
    assert client.post(url, {"name": "x"}).status_code == 403


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
