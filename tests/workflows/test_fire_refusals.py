"""fire(): what a move asks for, and what stands in its way: inputs, guards, the kind, the kill switch."""

from __future__ import annotations

import pytest

from apps.core.ledger import ATTEMPT_REFUSED
from apps.workflows.commands import resume_edge, stop_edge
from tests.workflows.testapp.kinds import THING
from tests.workflows.workshop import TORQUE, make_shop, move, refused, typed
from tests.world import give_role, last_event, ledger, make_reason, make_role, run

pytestmark = pytest.mark.django_db

# ---- it refuses: inputs


@pytest.mark.parametrize(
    ("inputs", "code", "said"),
    [
        ({}, "input_missing", "Torque"),
        ({"torque": "  "}, "input_missing", "Torque"),
        ({"torque": "tight"}, "input_wrong", "not a number"),
        ({"torque": True}, "input_wrong", "not a number"),
        ({"torque": "NaN"}, "input_wrong", "not a number"),
        ({"torque": "Infinity"}, "input_wrong", "not a number"),
        ({"torque": "1e400"}, "input_wrong", "too many digits"),
        ({"torque": "12.0000000000001"}, "input_wrong", "too many digits"),
        ({"torque": 11.99}, "input_wrong", "at least 12 Nm"),
        ({"torque": "14.01"}, "input_wrong", "at most 14 Nm"),
        ({"torque": [13]}, "input_wrong", "not a number"),
        ({"torque": 13, "speed": 1}, "input_unknown", "speed"),
    ],
)
def test_number(inputs, code, said):
    shop = make_shop(start={"inputs": [TORQUE]})
    refusal = refused(shop.olga, shop.thing(), "start", inputs)
    assert refusal.code == code
    assert said in refusal.sentence


def test_number_at_its_limits():
    shop = make_shop(start={"inputs": [TORQUE]})
    for value in (12, "14.0"):
        assert move(shop.olga, shop.thing(), "start", torque=value).state == "running"


@pytest.mark.parametrize("reason", [None, "", "nap", 7])
def test_reason_is_chosen_from_its_purpose(reason):
    shop = make_shop()
    refusal = refused(shop.olga, shop.thing("running"), "pause", {"reason": reason})
    assert refusal.code == ("input_wrong" if reason in ("nap", 7) else "input_missing")


def test_reason_of_another_purpose():
    shop = make_shop()
    make_reason("downtime", "jam")
    assert refused(shop.olga, shop.thing("running"), "pause", {"reason": "jam"}).code == "input_wrong"


@pytest.mark.parametrize(
    ("type_", "bad", "good"),
    [("boolean", "yes", False), ("text", 5, "fine"), ("text", "x" * 2001, "x" * 2000), ("lot", "L" * 81, "L-4711")],
)
def test_other_types(type_, bad, good):
    shop = make_shop(start={"inputs": [typed("given", type_)]})
    assert refused(shop.olga, shop.thing(), "start", {"given": bad}).code == "input_wrong"
    assert move(shop.olga, shop.thing(), "start", given=good).state == "running"


def test_lot_number_is_in_the_ledger():
    shop = make_shop(start={"inputs": [typed("lot", "lot")]})
    move(shop.olga, shop.thing(), "start", lot=" L-4711 ")
    assert last_event().data["inputs"] == {"lot": "L-4711"}


def test_the_kinds_own_inputs_pass():
    shop = make_shop()
    assert move(shop.olga, shop.thing(), "start", extra="anything").state == "running"
    assert last_event().data["inputs"] == {}


# ---- it refuses: guards and invariants


def condition(field, operator, value, said="No."):
    return {"field": field, "operator": operator, "value": value, "sentence": {"en": said, "de": said}}


def test_false_condition_says_its_sentence():
    shop = make_shop(start={"conditions": [condition("quantity", ">", 0, "Nothing to make.")]})
    thing = shop.thing(quantity=0)
    refusal = refused(shop.olga, thing, "start")
    assert (refusal.code, refusal.sentence) == ("guard", "Nothing to make.")
    assert refusal.facts["read"] == {"quantity": "0.000"}


def test_whoever_is_stopped_by_a_rule_reads_who_keeps_it():
    make_role("process_engineer", "workflows.edit")
    make_role("clerk", "plant.manage_people")
    shop = make_shop(start={"conditions": [condition("quantity", ">", 0)], "skills": ["welding"]}, pause={"at_most": 1})
    thing = shop.thing(quantity=0)
    assert refused(shop.olga, thing, "start").owner == "This rule is kept by: process engineer."
    assert refused(shop.lena, shop.thing(quantity=1), "start").owner == "Qualifications are entered by: clerk."
    running = shop.thing("running", quantity=1)
    move(shop.olga, running, "pause", reason="lunch")
    move(shop.olga, running, "resume")
    assert refused(shop.olga, running, "pause", {"reason": "lunch"}).owner == "This rule is kept by: process engineer."


def test_condition_on_an_input():
    shop = make_shop(start={"inputs": [TORQUE], "conditions": [condition("inputs.torque", "!=", 13)]})
    assert refused(shop.olga, shop.thing(), "start", {"torque": 13}).code == "guard"
    assert move(shop.olga, shop.thing(), "start", torque="13.5").state == "running"


def test_expression():
    shop = make_shop(
        start={
            "expression": "quantity * 2.0 > 3.0 && tags.exists(t, t == 'fast')",
            "expression_sentence": {"en": "Too slow.", "de": "Zu langsam."},
        }
    )
    refusal = refused(shop.olga, shop.thing(quantity=2, name="slow"), "start")
    assert (refusal.code, refusal.sentence) == ("guard", "Too slow.")
    assert move(shop.olga, shop.thing(quantity=2, name="very fast"), "start").state == "running"


def test_guard_error_is_a_no_and_the_engineer_finds_it_in_the_ledger():
    shop = make_shop(start={"conditions": [condition("broken", ">", 0)]})
    refusal = refused(shop.olga, shop.thing(), "start")
    assert refusal.code == "guard_error"
    assert "has to be mended" in refusal.sentence
    facts = ledger(ATTEMPT_REFUSED)[-1].data["facts"]
    assert (facts["edge"], facts["problem"]) == ("start", "broken: ZeroDivisionError")


def test_expression_error_is_a_no(monkeypatch):
    shop = make_shop(start={"expression": "quantity > 0.0", "expression_sentence": {"en": "No.", "de": "Nein."}})
    thing = shop.thing(quantity=5)
    monkeypatch.delitem(THING.fields, "quantity")
    assert refused(shop.olga, thing, "start").code == "guard_error"


def test_invariant_stands_above_the_workflow():
    shop = make_shop()
    refusal = refused(shop.olga, shop.thing(name="locked"), "start")
    assert (refusal.code, refusal.owner) == ("locked", "The key lies in the office.")


def test_moves_of_the_kind_stand_above_the_workflow(monkeypatch):
    shop = make_shop()
    thing = shop.thing()
    monkeypatch.setitem(THING.moves, "ready", frozenset())
    assert refused(shop.olga, thing, "start").code == "status_move_forbidden"


# ---- the kill switch


def test_stopped_edge_in_every_version_until_resumed():
    shop = make_shop()
    give_role(shop.lena, make_role("stopper", "workflows.stop_edge"))
    thing = shop.thing()
    stop_id = run(
        stop_edge, shop.lena, workflow_id=shop.version.workflow_id, edge="start", reason="Fixture 4 is cracked."
    )
    refusal = refused(shop.olga, thing, "start")
    assert refusal.code == "edge_stopped"
    assert "Fixture 4 is cracked." in refusal.sentence
    assert "stopper" in refusal.owner
    assert "cracked" not in str(ledger("workflows.edge_stopped")[-1].data)
    assert move(shop.olga, thing, "hold").state == "held"
    run(resume_edge, shop.lena, stop_id=stop_id)
    thing = move(shop.lena, thing, "release", reason="fine again")
    assert move(shop.olga, thing, "start").state == "running"
