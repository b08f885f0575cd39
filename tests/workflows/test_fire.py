"""fire(): what it does when it does it, and whom it lets do it."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import translation

from apps.core import clock
from apps.core.actors import Actor, Origin
from apps.core.commands import Context
from apps.core.events import SUBSCRIPTIONS, Subscription
from apps.core.ledger import ATTEMPT_REFUSED
from apps.core.models import LedgerEvent
from apps.plant.models import Site
from apps.workflows.engine import fire
from apps.workflows.events import StateChanged
from tests.workflows.testapp.commands import move_thing
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import SYSTEM, TORQUE, make_shop, move, refused, typed
from tests.world import actor_of, give_role, last_event, ledger, make_person, make_site, run

pytestmark = pytest.mark.django_db

# ---- it moves


def test_moves_state_and_status_together():
    shop = make_shop()
    thing = move(shop.olga, shop.thing("running"), "pause", reason="lunch")
    assert (thing.state, thing.status) == ("paused", "suspended")


def test_ledger_event_is_complete():
    shop = make_shop(
        complete={
            "inputs": [TORQUE, typed("remark", "text")],
            "conditions": [
                {
                    "field": "quantity",
                    "operator": ">=",
                    "value": 0,
                    "sentence": {"en": "Below zero.", "de": "Unter null."},
                }
            ],
        }
    )
    thing = shop.thing("running", quantity=Decimal("2.5"))
    command_id = uuid4()
    actor = actor_of(shop.olga, terminal_id=4, origin=Origin.PROPOSED)
    inputs = {"torque": "12.50", "remark": "said by Karl"}
    move_thing(actor, command_id, thing_id=thing.pk, edge="complete", inputs=inputs)
    event = last_event()
    assert (event.kind, event.subject_kind, event.subject_id) == ("workflows.state_changed", "thing", str(thing.pk))
    assert (event.thread, event.site_id) == (f"thing:{thing.pk}", shop.site_id)
    assert (event.actor_id, event.terminal_id, event.origin) == (shop.olga.pk, 4, "proposed")
    assert event.command_id == command_id
    assert event.data == {
        "item_kind": "thing",
        "edge": "complete",
        "from_state": "running",
        "to_state": "completed",
        "from_status": "running",
        "to_status": "completed",
        "from_phase": "",
        "to_phase": "",
        "version_id": shop.version.pk,
        "guard_inputs": {"quantity": "2.500"},
        "inputs": {"torque": "12.50"},  # and not the remark: it may name somebody
    }


def test_history_is_written_once_and_labels_nothing_else():
    shop = make_shop()
    thing = shop.thing("running")
    before = Thing.history.count()
    with_prepare = move(shop.olga, thing, "complete_short")
    assert with_prepare.name == "short"
    assert Thing.history.count() == before + 1
    row = Thing.history.first()
    assert (row.history_change_reason, row.history_user_id) == ("complete_short", shop.olga.pk)
    assert (row.state, row.status, row.name) == ("completed", "completed", "short")
    with_prepare.name = "other"
    with_prepare.save()
    assert Thing.history.first().history_change_reason is None


def test_the_instance_it_gives_back_labels_nothing_either():
    shop = make_shop()
    thing = shop.thing("ready")
    context = Context("test", actor_of(shop.olga), uuid4(), clock.now(), clock.now())
    fired = fire(context, Thing, thing.pk, "start")
    assert fired.item.state == "running"
    assert (fired.move.from_status, fired.move.to_status) == ("ready", "running")
    assert LedgerEvent.objects.get(pk=fired.event_id).kind == StateChanged.kind
    fired.item.save()
    assert Thing.history.first().history_change_reason is None
    assert context._topics == {f"thing:{thing.pk}", "things"}


def test_subscribers_hear_it(monkeypatch):
    heard = []
    monkeypatch.setitem(
        SUBSCRIPTIONS, StateChanged, [Subscription(lambda event, context: heard.append(event), after_commit=False)]
    )
    shop = make_shop()
    thing = shop.thing("ready")
    move(shop.olga, thing, "start")
    assert (heard[-1].item_kind, heard[-1].subject_id, heard[-1].to_status) == ("thing", thing.pk, "running")


def test_needs_a_transaction(transactional_db):
    context = Context("test", SYSTEM, uuid4(), clock.now(), clock.now())
    with pytest.raises(RuntimeError, match="inside a command"):
        fire(context, Thing, 1, "start", {})


# ---- it refuses: workflow


def test_wrong_edge_tells_who_came_first():
    shop = make_shop()
    thing = shop.thing("running")
    refusal = refused(shop.lena, thing, "start")
    assert refusal.code == "wrong_state"
    assert "olga" in refusal.sentence.lower()
    assert "“Running”" in refusal.sentence
    attempt = ledger(ATTEMPT_REFUSED)[-1]
    assert "olga" not in str(attempt.data).lower()
    assert attempt.data["facts"]["event_id"] == ledger(StateChanged.kind)[-1].pk


def test_wrong_edge_before_anything_happened():
    shop = make_shop()
    refusal = refused(shop.olga, shop.thing("waiting"), "start")
    assert refusal.sentence == "“Start” is not possible while it is “Waiting”."


def test_unknown_name():
    shop = make_shop()
    assert refused(shop.olga, shop.thing(), "fly").code == "unknown_edge"


def test_item_that_is_not_there():
    shop = make_shop()
    thing = shop.thing()
    Thing.objects.filter(pk=thing.pk).delete()
    with pytest.raises(Exception, match="not exist any more"):
        run(move_thing, shop.olga, thing_id=thing.pk, edge="start")


def test_sentences_are_in_the_active_language():
    shop = make_shop()
    thing = shop.thing("waiting")
    with translation.override("de"):
        assert "Start (de)" in refused(shop.olga, thing, "start").sentence


# ---- it refuses: people


def test_wrong_role_names_the_right_one():
    shop = make_shop()
    refusal = refused(shop.olga, shop.thing("held"), "release", {"reason": "looked at it"})
    assert refusal.code == "wrong_role"
    assert refusal.owner == "It can be done by: line lead."


def test_no_right_at_all():
    shop = make_shop()
    assert refused(shop.olaf, shop.thing(), "start").code == "not_allowed"


def test_outsider_learns_nothing_of_the_state():
    shop = make_shop()
    assert refused(shop.olaf, shop.thing("running"), "start").code == "not_allowed"


def test_role_at_another_site_counts_nothing():
    shop = make_shop()
    otto = make_person("otto")
    give_role(otto, "operator", make_site("S2"))
    assert refused(otto, shop.thing(), "start").code == "not_allowed"


def test_right_here_and_role_elsewhere_is_not_enough():
    shop = make_shop()
    give_role(shop.olaf, "operator", make_site("S3"))
    give_role(shop.olaf, "line_lead", Site.objects.get(pk=shop.site_id))
    assert refused(shop.olaf, shop.thing("running"), "complete").code == "wrong_role"


def test_a_part_of_the_system_takes_only_what_names_it():
    shop = make_shop()
    assert refused(SYSTEM, shop.thing("held"), "release", {"reason": "x"}).code == "wrong_role"


def test_a_person_does_not_take_the_systems_edge():
    shop = make_shop()
    assert refused(shop.olga, shop.thing("waiting"), "make_ready").code == "wrong_role"


def test_a_command_takes_the_systems_edge_as_its_consequence():
    shop = make_shop()
    thing = shop.thing("waiting")
    run(move_thing, shop.olaf, thing_id=thing.pk, edge="make_ready", as_system=True)
    assert last_event().actor_id == shop.olaf.pk
    with pytest.raises(Exception, match="not yours to do"):
        run(move_thing, shop.olga, thing_id=thing.pk, edge="start", as_system=True)


def test_restricted_actor():
    shop = make_shop()
    actor = actor_of(shop.olga, restricted_to=frozenset({"other"}))
    assert refused(actor, shop.thing(), "start").code == "not_allowed"


def test_skill():
    shop = make_shop(start={"skills": ["welding"]})
    thing = shop.thing()
    refusal = refused(shop.lena, thing, "start")
    assert refusal.code == "not_qualified"
    assert "welding" in refusal.sentence
    assert move(shop.olga, thing, "start").state == "running"


def test_skill_of_a_terminal_without_a_person():
    shop = make_shop(start={"skills": ["welding"]})
    assert refused(Actor(terminal_id=3), shop.thing(), "start").code in {"not_allowed", "not_qualified"}


# ---- its price


def test_queries_of_a_move(django_assert_num_queries, settings):
    settings.CLOCK = "real"  # the shared clock is read from the database now and then
    shop = make_shop()
    thing = shop.thing()
    context = Context("test", actor_of(shop.olga), uuid4(), clock.now(), clock.now())
    # lock and read, stops, right, role, arm, UPDATE, history, ledger
    with django_assert_num_queries(8):
        fire(context, Thing, thing.pk, "start", {})
    assert connection.in_atomic_block
