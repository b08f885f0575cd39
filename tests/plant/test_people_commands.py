from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pydantic import SecretStr

from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.core.ledger import ATTEMPT_REFUSED
from apps.core.models import LedgerEvent
from apps.plant.commands import (
    change_person,
    create_person,
    deactivate_person,
    reactivate_person,
    set_password,
    set_pin,
)
from apps.plant.models import Person
from apps.plant.models.people import is_trivial, validate_pin
from tests.world import PASSWORD, PIN, World, last_event, ledger, make_holder, make_world, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def manager(world: World) -> Person:
    return make_holder("plant.manage_people", place=world.site, username="mona")


def as_they_are(person: Person) -> dict[str, Any]:
    return {
        "person_id": person.pk,
        "username": person.username,
        "name": person.name,
        "badge": person.badge or "",
        "language": person.language,
        "site_id": person.site_id,
        "is_staff": person.is_staff,
    }


def test_a_person_is_created_with_neither_pin_nor_password(world: World, manager: Person) -> None:
    pk = run(create_person, manager, username="nina", name="Nina Neu", badge="99", language="de", site_id=world.site.pk)
    nina = Person.objects.get_queryset().get(pk=pk)
    assert (nina.name, nina.badge, nina.language) == ("Nina Neu", "99", "de")
    assert (nina.is_active, nina.is_staff) == (True, False)
    assert not nina.has_usable_password()
    assert not nina.pin_matches("")
    event = last_event()
    assert (event.kind, event.subject_id, event.site_id, event.data) == (
        "plant.person_created",
        str(pk),
        world.site.pk,
        {},
    )


def test_names_and_badges_stay_out_of_the_ledger_even_when_refused(world: World, manager: Person) -> None:
    for badge in ("badge-olga", "99"):
        inputs = {"username": "nina", "name": "Nina Neu", "badge": badge, "site_id": world.site.pk}
        if badge == "99":
            run(create_person, manager, **inputs)
        else:
            with pytest.raises(CommandRefused, match="already exists"):
                run(create_person, manager, **inputs)
    whole = json.dumps(list(LedgerEvent.objects.values_list("data", "subject_id", "thread")))
    assert ledger(ATTEMPT_REFUSED)[0].data["code"] == "not_valid"
    assert not any(word in whole for word in ("nina", "Nina", "badge-olga", '"99"'))


@pytest.mark.parametrize("site", ["other_site", None])
def test_people_are_managed_for_the_own_site_only(world: World, manager: Person, site: str | None) -> None:
    site_id = getattr(world, site).pk if site else None
    with pytest.raises(CommandRefused, match="You may not change people") as refusal:
        run(create_person, manager, username="nina", name="Nina", site_id=site_id)
    assert refusal.value.code == "not_allowed"
    assert not Person.objects.get_queryset().filter(username="nina").exists()


def test_a_change_says_which_fields_but_not_what(world: World, manager: Person) -> None:
    run(change_person, manager, **as_they_are(world.olga) | {"name": "Olga Olsen", "badge": ""})
    world.olga.refresh_from_db()
    assert (world.olga.name, world.olga.badge) == ("Olga Olsen", None)
    assert last_event().data == {"fields": ["name", "badge"]}


def test_a_change_of_nothing_is_no_event(world: World, manager: Person) -> None:
    run(change_person, manager, **as_they_are(world.olga))
    assert ledger("plant.person_changed") == []


def test_nobody_is_moved_to_a_site_that_one_does_not_manage(world: World, manager: Person) -> None:
    with pytest.raises(CommandRefused):
        run(change_person, manager, **as_they_are(world.olga) | {"site_id": world.other_site.pk})
    world.olga.refresh_from_db()
    assert world.olga.site_id == world.site.pk


def test_an_outsider_changes_nobody(world: World) -> None:
    outsider = make_holder("plant.manage_people", place=world.other_site)
    for command, inputs in (
        (change_person, as_they_are(world.olga) | {"name": "X"}),
        (set_pin, {"person_id": world.olga.pk, "pin": SecretStr(PIN)}),
        (set_password, {"person_id": world.olga.pk, "password": SecretStr(PASSWORD)}),
        (deactivate_person, {"person_id": world.olga.pk}),
        (reactivate_person, {"person_id": world.olga.pk}),
    ):
        with pytest.raises(CommandRefused) as refusal:
            run(command, outsider, **inputs)
        assert refusal.value.code == "not_allowed"
    before = world.olga
    after = Person.objects.get_queryset().get(pk=before.pk)
    assert (after.name, after.pin, after.password, after.is_active) == (
        before.name,
        before.pin,
        before.password,
        before.is_active,
    )


def test_a_pin_is_kept_as_argon2id_and_peppered(world: World, manager: Person, settings: Any) -> None:
    run(set_pin, manager, person_id=world.olga.pk, pin=SecretStr(PIN))
    world.olga.refresh_from_db()
    assert world.olga.pin.startswith("argon2$argon2id$")
    assert world.olga.pin_matches(PIN)
    assert not world.olga.pin_matches("271829")
    assert (last_event().kind, last_event().data) == ("plant.pin_set", {})
    former = settings.SECRET_KEY
    settings.SECRET_KEY = "a copy of the table without the key is worth nothing"
    assert not world.olga.pin_matches(PIN)
    settings.SECRET_KEY_FALLBACKS = [former]
    assert world.olga.pin_matches(PIN)


@pytest.mark.parametrize(
    "pin",
    [
        "12345",
        "1234567890123",
        "12345a",
        "²²²²²²",
        "123456",
        "654321",
        "000000",
        "777777",
        "121212",
        "123123",
        "890123",
        "210987",
        "112112",
    ],
)
def test_short_and_trivial_pins_are_refused(world: World, manager: Person, pin: str) -> None:
    with pytest.raises(CommandRefused) as refusal:
        run(set_pin, manager, person_id=world.olga.pk, pin=SecretStr(pin))
    assert refusal.value.code == "not_valid"
    world.olga.refresh_from_db()
    assert world.olga.pin == ""


def test_few_pins_count_as_trivial() -> None:
    tried = range(0, 1_000_000, 17)
    assert sum(is_trivial(f"{number:06}") for number in tried) < len(tried) * 0.002
    validate_pin(PIN)
    with pytest.raises(ValidationError):
        validate_pin("111111")


def test_a_password_is_checked_and_set(world: World, manager: Person) -> None:
    with pytest.raises(CommandRefused, match="too common"):
        run(set_password, manager, person_id=world.pia.pk, password=SecretStr("password"))
    run(set_password, manager, person_id=world.pia.pk, password=SecretStr(PASSWORD))
    world.pia.refresh_from_db()
    assert world.pia.check_password(PASSWORD)
    assert last_event().kind == "plant.password_set"


def test_a_person_is_deactivated_and_comes_back(world: World, manager: Person) -> None:
    run(deactivate_person, manager, person_id=world.olga.pk)
    run(deactivate_person, manager, person_id=world.olga.pk)
    world.olga.refresh_from_db()
    assert not world.olga.is_active
    run(reactivate_person, manager, person_id=world.olga.pk)
    world.olga.refresh_from_db()
    assert world.olga.is_active
    assert [len(ledger(f"plant.person_{word}")) for word in ("deactivated", "reactivated")] == [1, 1]


def test_nobody_deactivates_themselves(world: World) -> None:
    manager = make_holder("plant.manage_people", place=world.site, site=world.site)
    with pytest.raises(CommandRefused) as refusal:
        run(deactivate_person, manager, person_id=manager.pk)
    assert refusal.value.code == "own_account"
    assert Person.objects.get_queryset().get(pk=manager.pk).is_active


def test_what_is_not_there_is_refused(manager: Person) -> None:
    with pytest.raises(CommandRefused) as refusal:
        run(deactivate_person, manager, person_id=0)
    assert refusal.value.code == "not_found"


def test_a_system_agent_may_set_up_the_first_person() -> None:
    assert run(create_person, Actor.system("console"), username="first", name="First", is_staff=True)
