"""Engineers set up machines, sources and mappings on pages, try a signal before it counts, see what was kept out."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.equipment.intake.meaning import Raw
from apps.equipment.intake.taking import _shown_at, read_rules, take_signals
from apps.equipment.models import Machine, QuarantinedSignal, SignalMapping, SignalSource, StateWord
from tests.equipment.machines import at, later, tell
from tests.equipment.sources import make_source, make_usual_mappings
from tests.plant.desk import at_desk
from tests.seeded import seed_plant
from tests.world import World, make_holder, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    seed_plant()
    return make_world()


@pytest.fixture
def pia(world: World) -> Client:
    return at_desk(world.pia)


def page(model: str, name: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:equipment_{model}_{name}", args=args)


def test_a_machine_gets_its_rules_with_history(world: World, pia: Client) -> None:
    form = {
        "work_unit": world.station.pk, "micro_stop_seconds": "90", "silence_seconds": "",
        "clock_skew_seconds": "5", "oldest_hours": "24", "expected_cycle_seconds": "12.5", "raises_exceptions": "on",
    }  # fmt: skip
    assert pia.post(page("machine", "add"), form).status_code == 302
    machine = Machine.objects.get()
    assert (machine.micro_stop_seconds, machine.silence_seconds, machine.site) == (90, None, world.site)
    assert pia.post(page("machine", "change", machine.pk), form | {"micro_stop_seconds": "60"}).status_code == 302
    assert [row.micro_stop_seconds for row in machine.history.order_by("history_id")] == [90, 60]
    assert machine.history.latest().history_user_id == world.pia.pk
    answer = pia.post(page("machine", "change", machine.pk), form | {"silence_seconds": "10"})
    assert "greater than or equal to 60" in answer.content.decode()


def test_a_mapping_names_what_exists(world: World, pia: Client) -> None:
    source = make_source(world.site)
    form = {
        "source": source.pk, "tag": "a/b", "work_unit": world.station.pk, "meaning": "state", "active": "on",
        "choices": '{"1": "producing"}',
    }  # fmt: skip
    for wrong, sentence in (
        ({"choices": '{"1": "flying"}'}, "Unknown: flying"),
        ({"choices": '["x"]'}, "Write what values mean"),
        ({"choices": "{}"}, "Say what its values mean"),
        ({"meaning": "count", "choices": "{}"}, "Name the counter"),
        ({"meaning": "reason", "choices": '{"E": "nope"}'}, "Unknown: nope"),
    ):
        assert sentence in pia.post(page("signalmapping", "add"), form | wrong).content.decode(), sentence
    assert pia.post(page("signalmapping", "add"), form).status_code == 302
    mapping = SignalMapping.objects.get()
    assert (mapping.site, mapping.history.count()) == (world.site, 1)


def test_a_source_keeps_no_password_and_its_address_fits_its_transport(world: World, pia: Client) -> None:
    form = {
        "site": world.site.pk, "code": "broker", "transport": "mqtt", "address": "mqtt://10.0.0.1:1883", "active": "on",
        "topics": '["plant/#"]', "user": "mfgos", "password_env": "BROKER_PASSWORD",
    }  # fmt: skip
    for wrong, sentence in (
        ({"address": "http://x"}, "It begins with mqtt://"),
        ({"password_env": "hunter2"}, "in capitals"),
        ({"topics": '"plant"'}, "Write topics as"),
    ):
        assert sentence in pia.post(page("signalsource", "add"), form | wrong).content.decode()
    assert pia.post(page("signalsource", "add"), form).status_code == 302
    assert SignalSource.objects.get().password_env == "BROKER_PASSWORD"


def test_a_signal_is_tried_before_it_counts_and_the_last_ones_are_shown(world: World, pia: Client) -> None:
    clock.move_to(at(100), rate=0)
    source = make_source(world.site)
    make_usual_mappings(source, world.station)
    url = page("signalmapping", "try_signal")
    asked = {"source": source.pk, "tag": "A33/state", "payload": f'{{"v": 2, "t": "{at(65).isoformat()}"}}'}
    shown = pia.get(url, asked).content.decode()
    assert "A33 Station A33 is Stopped from 1 June 2026, 08:01 on." in shown
    senseless = asked | {"payload": asked["payload"].replace("2,", "9,", 1)}
    assert "Kept out: the value means nothing." in pia.get(url, senseless).content.decode()
    assert "Kept out: not readable." in pia.get(url, asked | {"payload": "{"}).content.decode()
    assert StateWord.objects.count() == 0
    _shown_at.clear()
    take_signals(source, [Raw("A33/good", {"v": 3, "t": at(7).isoformat()}, clock.now())], read_rules(source))
    shown = pia.get(url).content.decode()
    assert "counts 3 on good at" in shown
    assert 'name="payload"' in at_desk(make_holder("equipment.view", place=world.other_site)).get(url).content.decode()
    hidden = at_desk(make_holder("equipment.view", place=world.other_site)).get(url, asked).content.decode()
    assert "is Stopped" not in hidden


def test_what_was_kept_out_and_what_machines_do_is_seen_at_ones_own_place(world: World, pia: Client) -> None:
    source = make_source(world.site)
    tell(world.station, (0, "producing"), (10, "stopped"), now=500)
    later(500)
    take_signals(source, [Raw("nobody/knows", 1, clock.now())], read_rules(source))
    stranger = at_desk(make_holder("equipment.view", place=world.other_site))
    for model in ("quarantinedsignal", "machinenow", "stateinterval", "downtime", "downtimepart"):
        row = "nobody/knows" if model == "quarantinedsignal" else "A33"
        assert row in pia.get(page(model)).content.decode(), model
        assert row not in stranger.get(page(model)).content.decode(), model
    assert QuarantinedSignal.objects.get().doubt == "no_mapping"
