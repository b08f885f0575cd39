"""The buttons of a station: what is possible, for whom, why not, and what is asked."""

from __future__ import annotations

import pytest
from django.utils import translation

from apps.core.actors import Actor
from apps.workflows.commands import stop_edge
from apps.workflows.exits import Exit, exits
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import SYSTEM, make_shop, move
from tests.world import actor_of, run

pytestmark = pytest.mark.django_db


def shown(thing: Thing, who) -> dict[str, Exit]:
    actor = who if isinstance(who, Actor) else actor_of(who)
    return {one.code: one for one in exits(Thing.objects.get(pk=thing.pk), actor)}


def test_in_order_with_labels_in_the_active_language():
    shop = make_shop()
    thing = shop.thing("running")
    with translation.override("de"):
        found = shown(thing, shop.olga)
    assert list(found) == ["pause", "complete", "complete_short", "hold"]
    assert found["pause"].label == "Pause (de)"
    assert (found["pause"].target, found["pause"].target_status) == ("paused", "suspended")
    assert all(one.possible and not one.why_not for one in found.values())


def test_what_is_asked():
    torque = {"name": "torque", "type": "number", "labels": {"en": "Torque"}, "unit": "Nm", "low": 12, "high": 14}
    shop = make_shop(pause={"inputs": [torque]})
    reason, torque = shown(shop.thing("running"), shop.olga)["pause"].inputs
    assert (reason.name, reason.type, reason.required, reason.choices) == (
        "reason",
        "choice",
        True,
        (("lunch", "Lunch"),),
    )
    assert (torque.label, torque.unit, torque.low, torque.high, torque.choices) == ("Torque", "Nm", 12, 14, ())


def test_why_not():
    shop = make_shop(start={"skills": ["welding"]})
    start = shown(shop.thing(), shop.lena)["start"]
    assert (start.possible, start.presentation) == (False, "disabled")
    assert "welding" in start.why_not
    release = shown(shop.thing("held"), shop.olga)["release"]
    assert (release.possible, release.presentation) == (False, "offered")
    assert release.owner == "It can be done by: line lead."


def test_the_rule_of_the_kind_is_heard_before_anybody_tries():
    shop = make_shop()
    start = shown(shop.thing(name="locked"), shop.olga)["start"]
    assert (start.possible, start.why_not) == (False, "This thing is locked.")


def test_hidden_while_not_possible():
    shop = make_shop()
    assert "make_ready" not in shown(shop.thing("waiting"), shop.olga)
    assert shown(shop.thing("waiting"), SYSTEM)["make_ready"].possible


def test_what_is_broken_is_not_hidden():
    """Whoever may pass over it has to find it, and whoever mends it has to hear of it."""
    said = {"en": "No.", "de": "Nein."}
    shop = make_shop(
        start={"presentation": "hidden", "expression": "1 / (int(quantity) - 12) > -5", "expression_sentence": said}
    )
    start = shown(shop.thing(quantity=12), shop.olga)["start"]
    assert (start.possible, start.refusal, start.presentation) == (False, "guard_error", "disabled")


def test_without_rights_everything_says_so():
    shop = make_shop()
    assert {one.possible for one in shown(shop.thing(), shop.olaf).values()} == {False}


def test_guards_that_need_an_input_are_left_for_later():
    said = {"en": "No.", "de": "Nein."}
    shop = make_shop(
        start={
            "inputs": [{"name": "torque", "type": "number", "labels": said}],
            "conditions": [{"field": "inputs.torque", "operator": ">", "value": 1, "sentence": said}],
            "expression": "inputs.torque < 9.0 && quantity > 0.0",
            "expression_sentence": said,
        },
        hold={"conditions": [{"field": "quantity", "operator": ">", "value": 0, "sentence": said}]},
    )
    found = shown(shop.thing(quantity=0), shop.olga)
    assert found["start"].possible
    assert (found["hold"].possible, found["hold"].why_not) == (False, "No.")


def test_stopped_edge():
    shop = make_shop()
    run(stop_edge, SYSTEM, workflow_id=shop.version.workflow_id, edge="start", reason="Crack.")
    start = shown(shop.thing(), shop.olga)["start"]
    assert (start.possible, start.why_not) == (False, "“Start” has been stopped by the system: Crack.")


def test_final_state_has_none():
    shop = make_shop()
    thing = move(shop.lena, shop.thing("waiting"), "cancel")
    assert shown(thing, shop.lena) == {}


def test_queries(django_assert_num_queries, settings):
    settings.CLOCK = "real"  # the shared clock is read from the database now and then
    shop = make_shop()
    thing = Thing.objects.select_related("workflow_version").get(pk=shop.thing("running").pk)
    with django_assert_num_queries(4):  # stops, right, roles, reasons; nothing per edge
        assert len(exits(thing, actor_of(shop.olga))) == 4
