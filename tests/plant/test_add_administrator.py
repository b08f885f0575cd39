from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.plant import seeds
from apps.plant.management.commands import add_administrator
from apps.plant.models import Person
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db


def typed(monkeypatch: pytest.MonkeyPatch, *passwords: str) -> None:
    answers = iter(passwords)
    monkeypatch.setattr(add_administrator, "getpass", lambda _prompt: next(answers))


def test_the_first_administrator_signs_in_and_manages_people(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds.seed()
    typed(monkeypatch, PASSWORD, PASSWORD)
    call_command("add_administrator", "adam", stdout=StringIO())
    client = Client()
    client.post("/admin/login/", {"username": "adam", "password": PASSWORD, "next": "/admin/"})
    assert client.get("/admin/plant/person/").status_code == 200
    assert client.get("/admin/plant/role/matrix/").status_code == 200


@pytest.mark.parametrize(("passwords", "sentence"), [((PASSWORD, "x"), "differ"), (("short", "short"), "too short")])
def test_a_bad_password_is_refused(monkeypatch: pytest.MonkeyPatch, passwords: tuple[str, str], sentence: str) -> None:
    seeds.seed()
    typed(monkeypatch, *passwords)
    with pytest.raises(CommandError, match=sentence):
        call_command("add_administrator", "adam")
    assert not Person.objects.get_queryset().filter(username="adam").exists()
