"""The admin's question: raised on line 3 at 02:10 on Sunday, who is told when."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.andon.models import ExceptionType, FloorException, PolicyVersion
from apps.plant.models import Person
from tests.andon.floor import Floor, make_floor
from tests.world import give_role, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def desk(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def address(code: str = "downtime") -> str:
    version = PolicyVersion.objects.in_force().get(policy=ExceptionType.objects.get(code=code).policy)
    return f"/admin/andon/policyversion/{version.pk}/who-is-told/"


@pytest.fixture
def engineer(floor: Floor) -> Person:
    person = make_person("eva", site=floor.world.site, is_staff=True)
    give_role(person, "process_engineer", floor.world.site)
    return person


def test_it_names_everybody_in_the_order_in_which_they_are_told(floor: Floor, engineer: Person) -> None:
    asked = {"line": floor.world.line.pk, "at": "2026-11-24T10:45"}
    shown = desk(engineer).get(address(), asked).content.decode()
    table = shown[shown.index('id="told"') :]
    assert table.index("Tue 10:45") < table.index("Mia") < table.index("Marta")
    assert table.index("Tue 11:00") < table.index("Sven") < table.index("Tue 11:15")
    assert "nobody on duty: the next at once" in table
    assert "then every 15 min" in table
    assert not FloorException.objects.exists()


def test_by_night_it_shows_that_nobody_is_there(floor: Floor, engineer: Person) -> None:
    shown = desk(engineer).get(address(), {"line": floor.world.line.pk, "at": "2026-11-29T02:10"}).content.decode()
    assert "Sun 02:10" in shown
    assert "Duty desk" in shown
    assert "Mia" not in shown


def test_what_can_not_be_read_is_asked_for_now(floor: Floor, engineer: Person) -> None:
    shown = desk(engineer).get(address(), {"line": "x", "at": "soon", "type": "0"}).content.decode()
    assert 'value="2026-11-24T10:45"' in shown


def test_the_version_leads_to_it_and_only_for_who_sets_escalation_up(floor: Floor, engineer: Person) -> None:
    version = address().removesuffix("who-is-told/")
    assert "who-is-told" in desk(engineer).get(f"{version}change/").content.decode()
    lead = make_person("lars", site=floor.world.site, is_staff=True)
    give_role(lead, "line_lead", floor.world.site)
    assert desk(lead).get(address()).status_code == 403
    assert desk(engineer).get("/admin/andon/policyversion/999999999/who-is-told/").status_code == 404
