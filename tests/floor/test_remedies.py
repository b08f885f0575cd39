"""On the phone: what can be done about it, pressed from there; what can't says why."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from django.test import Client

from apps.andon.models import FloorException
from apps.plant.models import Person
from tests.orders.test_material_use import make_store
from tests.world import give_role, make_person

pytestmark = pytest.mark.django_db


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def somebody(username: str, role: str, site) -> Person:
    person = make_person(username, site=site)
    give_role(person, role, site)
    return person


@pytest.fixture
def shortage() -> FloorException:
    make_store(seals=4)
    return FloorException.objects.get(cause_kind="shortage")


def test_a_planner_presses_a_way_out_of_a_shortage(shortage: FloorException) -> None:
    client = signed_in(somebody("pablo", "planner", shortage.site))
    page = client.get(f"/phone/{shortage.pk}/ways/").content.decode()
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.split("<form")[1]))
    fields["inputs"] = fields["inputs"].replace("&quot;", '"')
    answer = client.post(f"/phone/{shortage.pk}/cure/", {**fields, "reason": "Customer waits", "command_id": uuid4()})
    assert answer.status_code == 200, answer.content.decode()
    assert shortage.cures.get().cure == fields["cure"]
    assert shortage.cures.get().inputs == json.loads(fields["inputs"])


def test_what_is_not_possible_says_why(shortage: FloorException) -> None:
    page = signed_in(somebody("pablo", "planner", shortage.site)).get(f"/phone/{shortage.pk}/ways/").content.decode()
    refused = re.findall(r"disabled><span[^>]*>[^<]+<small[^>]*>([^<]+)</small>", page)
    assert refused
    assert all(sentence.strip() for sentence in refused)


def test_who_does_not_see_the_exception_does_not_see_its_ways(shortage: FloorException) -> None:
    stranger = somebody("sam", "planner", None)
    stranger.role_assignments.all().delete()
    assert signed_in(stranger).get(f"/phone/{shortage.pk}/ways/").status_code == 404
