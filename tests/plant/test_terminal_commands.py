from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from apps.core.errors import CommandRefused
from apps.core.models import CommandReceipt, LedgerEvent
from apps.plant.commands import enrol_terminal, revoke_terminal
from apps.plant.models import Person, Terminal
from apps.plant.models.terminals import new_secret
from tests.world import SECRET, World, last_event, make_holder, make_line, make_terminal, make_world, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def engineer(world: World) -> Person:
    return make_holder("plant.enrol_terminal", place=world.site)


def enrol(world: World, who: Person, **inputs: Any) -> int:
    given = {"code": "T7", "site_id": world.site.pk, "work_unit_id": world.station.pk, "secret": SecretStr(SECRET)}
    return run(enrol_terminal, who, **given | inputs)


def test_a_terminal_is_enrolled_at_a_station(world: World, engineer: Person) -> None:
    terminal = Terminal.objects.get(pk=enrol(world, engineer))
    assert terminal.secret_matches(SECRET)
    assert terminal.place == world.line.place
    assert (last_event().kind, last_event().data) == ("plant.terminal_enrolled", {"place": world.line.place})


def test_its_secret_is_written_down_nowhere(world: World, engineer: Person) -> None:
    enrol(world, engineer)
    kept = [
        *LedgerEvent.objects.values_list("data", flat=True),
        *CommandReceipt.objects.values_list("answer", flat=True),
        *Terminal.objects.values_list("secret_hash", flat=True),
    ]
    assert SECRET not in json.dumps(kept)
    assert not hasattr(Terminal.history.get(), "secret_hash")
    assert len(new_secret()) == 22
    assert new_secret() != new_secret()


def test_a_code_enrolled_again_puts_the_former_device_out(world: World, engineer: Person) -> None:
    first = enrol(world, engineer)
    run(revoke_terminal, engineer, terminal_id=first)
    assert enrol(world, engineer, secret=SecretStr("another")) == first
    terminal = Terminal.objects.get()
    assert (terminal.revoked_at, terminal.secret_matches(SECRET), terminal.secret_matches("another")) == (
        None,
        False,
        True,
    )


def test_a_terminal_of_another_site_is_out_of_reach(world: World, engineer: Person) -> None:
    theirs = make_terminal(world.other_site, line=world.other_line, code="T9")
    with pytest.raises(CommandRefused):
        enrol(world, engineer, site_id=world.other_site.pk, work_unit_id=None, work_center_id=world.other_line.pk)
    with pytest.raises(CommandRefused):
        run(revoke_terminal, engineer, terminal_id=theirs.pk)
    with pytest.raises(CommandRefused):
        enrol(world, engineer, work_unit_id=None, work_center_id=world.other_line.pk)
    theirs.refresh_from_db()
    assert theirs.revoked_at is None
    assert Terminal.objects.count() == 1


def test_who_may_enrol_at_one_line_does_not_take_over_another(world: World) -> None:
    at_line = make_holder("plant.enrol_terminal", place=make_line(world.area, "L4"))
    make_terminal(world.site, line=world.line, code="T7")
    with pytest.raises(CommandRefused) as refusal:
        enrol(world, at_line, work_unit_id=None, work_center_id=None, kind="board")
    assert refusal.value.code == "not_allowed"


@pytest.mark.parametrize(
    "inputs",
    [
        {"code": "T 7"},
        {"code": ""},
        {"kind": "toaster"},
        {"work_unit_id": None},
        {"auto_lock_seconds": 5},
        {"auto_lock_seconds": 90_000},
    ],
)
def test_what_is_not_a_terminal_is_refused(world: World, inputs: dict[str, Any]) -> None:
    with pytest.raises(CommandRefused) as refusal:
        enrol(world, make_holder("plant.enrol_terminal"), **inputs)
    assert refusal.value.code == "not_valid"
    assert not Terminal.objects.exists()


def test_a_terminal_is_revoked_once(world: World, engineer: Person) -> None:
    terminal = make_terminal(world.site, station=world.station)
    for _ in range(2):
        run(revoke_terminal, engineer, terminal_id=terminal.pk)
    assert not Terminal.objects.active().exists()
    assert LedgerEvent.objects.filter(kind="plant.terminal_revoked").count() == 1
