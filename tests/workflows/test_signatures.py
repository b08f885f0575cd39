"""Steps that are signed: who may, how many, on which record; and the named override of what is broken."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from pydantic import SecretStr

from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.core.models import LedgerEvent
from apps.plant.commands import sign_in_with_badge
from apps.plant.models import Person, Role, RoleAssignment, Site, Terminal
from apps.workflows.exits import Exit, exits
from apps.workflows.judgement import broken_effect
from apps.workflows.kinds import Kind
from apps.workflows.models import Signature, SignedStep
from apps.workflows.signatures import Signed, override_edge, sign_edge, withdraw_signatures
from tests.workflows.testapp.kinds import THING
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import TORQUE, Shop, make_shop, move, published, refused
from tests.world import PIN, actor_of, give_role, ledger, make_person, make_role, make_terminal, run

pytestmark = pytest.mark.django_db
MEANING = {"en": "I have checked the first piece", "de": "Ich habe das Erstteil geprüft"}
TWO = {"meaning": MEANING, "signers": 2}


class Signers:
    """Ines and Iris may inspect, as Lena leads; each has a badge, and there is one terminal."""

    def __init__(self, **complete: Any) -> None:
        complete = {"roles": ["operator", "inspector"], "signature": TWO} | complete
        make_role("inspector", "testapp.run_thing", "workflows.override")
        self.shop: Shop = make_shop()
        self.ines, self.iris = (self._person(name) for name in ("ines", "iris"))
        self.shop = replace(self.shop, version=published(complete=complete))
        self.terminal: Terminal = make_terminal(self._site())

    def _site(self) -> Site:
        return Site.objects.get(pk=self.shop.site_id)

    def _person(self, name: str) -> Person:
        person = make_person(name, badge=name, pin=PIN)
        give_role(person, "inspector", self._site())
        return person

    def proof(self, person: Person) -> UUID:
        made = uuid4()
        actor = Actor(terminal_id=self.terminal.pk)
        badge, pin = SecretStr(person.badge or ""), SecretStr(PIN)
        assert sign_in_with_badge(actor, made, terminal_id=self.terminal.pk, badge=badge, pin=pin).person_id
        return made

    def sign(self, person: Person, thing: Thing, edge: str = "complete", **inputs: Any) -> Signed:
        return run(
            sign_edge,
            person,
            item_kind="thing",
            item_id=thing.pk,
            edge=edge,
            inputs=inputs,
            proof=self.proof(person),
        )

    def refused(self, person: Person, thing: Thing, **more: Any) -> CommandRefused:
        given = {"item_kind": "thing", "item_id": thing.pk, "edge": "complete", "inputs": {}} | more
        if "proof" not in given:
            given["proof"] = self.proof(person)
        with pytest.raises(CommandRefused) as caught:
            run(sign_edge, person, **given)
        return caught.value


def way_out(thing: Thing, person: Person, edge: str = "complete") -> Exit:
    thing = Thing.objects.select_related("workflow_version").get(pk=thing.pk)
    return next(found for found in exits(thing, actor_of(person)) if found.code == edge)


def state(thing: Thing) -> str:
    return Thing.objects.get(pk=thing.pk).state


def test_the_step_is_taken_with_the_last_signature() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    assert them.sign(them.ines, thing) == Signed(is_taken=False, missing=1)
    assert state(thing) == "running"
    assert them.sign(them.iris, thing) == Signed(is_taken=True, missing=0)
    assert state(thing) == "completed"
    step = SignedStep.objects.get()
    assert step.taken_event_id == ledger("workflows.state_changed")[-1].pk
    signed = list(Signature.objects.values_list("person_id", "meaning"))
    assert signed == [(them.ines.pk, MEANING), (them.iris.pk, MEANING)]
    assert [event.data["number"] for event in ledger("workflows.edge_signed")] == [1, 2]


def test_nobody_takes_a_signed_step_without_signatures() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    refusal = refused(them.ines, thing, "complete")
    assert refusal.code == "signature_missing"
    assert refusal.sentence == "“Complete” needs 2 signatures: I have checked the first piece."
    them.sign(them.ines, thing)
    refusal = refused(them.iris, thing, "complete")
    assert refusal.sentence.endswith("Signed so far: Ines.")


def test_one_person_does_not_sign_twice() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    them.sign(them.ines, thing)
    assert them.refused(them.ines, thing).code == "signed_already"
    exit_ = way_out(thing, them.ines)
    assert (exit_.possible, exit_.refusal) == (False, "signature_missing")
    assert way_out(thing, them.iris).possible


def test_a_signature_needs_badge_and_pin_of_the_last_minute_once() -> None:
    them = Signers()
    first, second = them.shop.thing("running"), them.shop.thing("running")
    assert them.refused(them.ines, first, proof=None).code == "not_proved"
    assert them.refused(them.ines, first, proof=uuid4()).code == "not_proved"
    assert them.refused(them.ines, first, proof=them.proof(them.iris)).code == "not_proved"
    proof = them.proof(them.ines)
    run(sign_edge, them.ines, item_kind="thing", item_id=first.pk, edge="complete", inputs={}, proof=proof)
    assert them.refused(them.ines, second, proof=proof).code == "not_proved"
    clock.move_to(clock.now(), rate=0)
    old = them.proof(them.ines)
    clock.move_to(clock.now() + timedelta(seconds=61), rate=0)
    assert them.refused(them.ines, second, proof=old).code == "not_proved"


def test_who_may_not_take_the_step_does_not_sign_it() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    make_badge(them.shop.lena)
    assert them.refused(them.shop.lena, thing).code == "wrong_role"
    make_badge(them.shop.olaf)
    assert them.refused(them.shop.olaf, thing).code == "not_allowed"


def make_badge(person: Person) -> None:
    person.badge = person.username
    person.set_pin(PIN)
    person.save()


def test_who_started_it_does_not_release_it() -> None:
    them = Signers(signature={"meaning": MEANING, "not_same_as": ["start"]})
    make_badge(them.shop.olga)
    thing = them.shop.thing("running")  # Olga has started it
    refusal = them.refused(them.shop.olga, thing)
    assert refusal.code == "same_person"
    assert "“Start”" in refusal.sentence
    assert way_out(thing, them.shop.olga).refusal == "same_person"
    assert them.sign(them.ines, thing).is_taken


def test_all_sign_what_the_first_has_entered() -> None:
    them = Signers(inputs=[TORQUE])
    thing = them.shop.thing("running")
    assert them.refused(them.ines, thing).code == "input_missing"
    assert them.refused(them.ines, thing, inputs={"torque": "20"}).code == "input_wrong"
    them.sign(them.ines, thing, torque="12.5")
    exit_ = way_out(thing, them.iris)
    assert exit_.inputs == ()
    assert exit_.signature is not None
    assert exit_.signature.entered == (("Torque", "12.5 Nm"),)
    assert (exit_.signature.signed_by, exit_.signature.missing) == (("Ines",), 1)
    assert them.refused(them.iris, thing, inputs={"torque": "13"}).code == "other_inputs"
    assert them.sign(them.iris, thing).is_taken
    assert ledger("workflows.state_changed")[-1].data["inputs"] == {"torque": "12.5"}


def test_a_record_that_has_changed_is_signed_anew() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    them.sign(them.ines, thing)
    Thing.objects.filter(pk=thing.pk).update(quantity=7)
    assert way_out(thing, them.ines).signature.missing == 2  # type: ignore[union-attr]
    assert refused(them.iris, thing, "complete").sentence.endswith("I have checked the first piece.")
    assert them.sign(them.iris, thing) == Signed(is_taken=False, missing=1)
    assert len(ledger("workflows.signed_step_dropped")) == 1
    assert them.sign(them.ines, thing).is_taken


def test_what_was_signed_before_it_moved_does_not_count_when_it_is_back() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    them.sign(them.ines, thing)
    move(them.shop.olga, thing, "pause", reason="lunch")
    move(them.shop.olga, thing, "resume")
    assert them.sign(them.iris, thing) == Signed(is_taken=False, missing=1)


def test_signatures_can_be_withdrawn_while_they_are_too_few() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    with pytest.raises(CommandRefused, match="Nobody has signed"):
        run(withdraw_signatures, them.ines, item_kind="thing", item_id=thing.pk, edge="complete")
    them.sign(them.ines, thing)
    run(withdraw_signatures, them.ines, item_kind="thing", item_id=thing.pk, edge="complete")
    assert them.sign(them.ines, thing) == Signed(is_taken=False, missing=1)


def test_signatures_are_withdrawn_by_who_may_take_the_step_or_has_signed_it_and_by_nobody_else() -> None:
    them = Signers(roles=["inspector"])
    thing = them.shop.thing("running")
    them.sign(them.ines, thing)
    asked = {"item_kind": "thing", "item_id": thing.pk, "edge": "complete"}
    with pytest.raises(CommandRefused, match="not yours to do here") as caught:
        run(withdraw_signatures, them.shop.olga, **asked)
    assert (caught.value.code, "inspector" in caught.value.owner) == ("wrong_role", True)
    assert SignedStep.objects.get().closed_at is None
    shown = {who: way_out(thing, who).signature for who in (them.shop.olga, them.ines, them.iris)}
    assert [one.may_withdraw for one in shown.values() if one] == [False, True, True]
    RoleAssignment.objects.filter(person=them.ines).update(role=Role.objects.get(code="operator"))
    run(withdraw_signatures, them.ines, **asked)
    assert SignedStep.objects.get().closed_at is not None


def test_a_step_that_needs_no_signature_is_not_signed() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    make_badge(them.shop.olga)
    assert them.refused(them.shop.olga, thing, edge="hold").code == "nothing_to_sign"
    assert them.refused(them.ines, thing, item_kind="sofa").code == "unknown_kind"


def test_a_signature_never_changes() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    them.sign(them.ines, thing)
    for change in (Signature.objects.update, lambda **_: Signature.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change(person_id=them.iris.pk)


@pytest.mark.django_db(transaction=True)
def test_two_who_sign_at_once_take_it_once() -> None:
    them = Signers()
    thing = them.shop.thing("running")
    proofs = {person.pk: them.proof(person) for person in (them.ines, them.iris)}
    answers: list[Signed] = []
    both = threading.Barrier(2)

    def act(person: Person) -> None:
        try:
            both.wait()
            answers.append(
                run(
                    sign_edge,
                    person,
                    item_kind="thing",
                    item_id=thing.pk,
                    edge="complete",
                    inputs={},
                    proof=proofs[person.pk],
                )
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[person]) for person in (them.ines, them.iris)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.is_taken for answer in answers) == [False, True]
    assert state(thing) == "completed"
    assert [event.data["edge"] for event in ledger("workflows.state_changed")].count("complete") == 1


# ---- override


def broken(**more: Any) -> dict[str, Any]:
    condition = {"field": "broken", "operator": ">", "value": 0, "sentence": MEANING}
    return {"conditions": [condition], "signature": None} | more


def override(them: Signers, thing: Thing, person: Person | None = None, **more: Any) -> Signed:
    person = person or them.ines
    given = {"item_kind": "thing", "item_id": thing.pk, "edge": "complete", "inputs": {}, "reason": "Customer waits."}
    return run(override_edge, person, **{**given, "proof": them.proof(person), **more})


@pytest.mark.parametrize("kind", [THING, replace(THING, take=None)], ids=["signed", "not signed"])
def test_an_override_is_offered_only_where_one_can_be_signed(kind: Kind) -> None:
    edge = Signers(**broken()).shop.thing("running").graph.edge("complete", "running")
    assert edge is not None
    refusal = broken_effect(kind, edge, "ring", ValueError("seven"))
    assert ("overridden" in refusal.owner) == (kind.take is not None)


def test_what_is_broken_is_passed_over_by_name_and_with_a_reason() -> None:
    them = Signers(**broken())
    thing = them.shop.thing("running")
    refusal = refused(them.ines, thing, "complete")
    assert refusal.code == "guard_error"
    assert "overridden, with a reason, by: inspector" in refusal.owner.lower()
    assert way_out(thing, them.ines).may_override
    assert not way_out(thing, them.shop.olga).may_override
    assert override(them, thing).is_taken
    assert state(thing) == "completed"
    (event,) = ledger("workflows.edge_overridden")
    assert (event.actor_id, event.data["problems"]) == (them.ines.pk, ["broken: ZeroDivisionError"])
    assert SignedStep.objects.get().override_reason == "Customer waits."
    assert not LedgerEvent.objects.filter(data__icontains="Customer").exists()


@pytest.mark.parametrize(
    ("otherwise", "code"),
    [({"reason": " "}, "reason_missing"), ({"proof": uuid4()}, "not_proved"), ({"edge": "sing"}, "unknown_edge")],
)
def test_an_override_wants_a_reason_and_a_proof(otherwise: dict[str, Any], code: str) -> None:
    them = Signers(**broken())
    with pytest.raises(CommandRefused) as caught:
        override(them, them.shop.thing("running"), **otherwise)
    assert caught.value.code == code


def test_only_who_may_override_does() -> None:
    them = Signers(**broken())
    make_badge(them.shop.olga)
    with pytest.raises(CommandRefused) as caught:
        override(them, them.shop.thing("running"), them.shop.olga)
    assert caught.value.code == "not_allowed"


def test_what_a_rule_forbids_is_not_overridden() -> None:
    no = {"field": "quantity", "operator": ">", "value": 100, "sentence": {"en": "Too few.", "de": "Zu wenige."}}
    them = Signers(signature=None, conditions=[no])
    thing = them.shop.thing("running")
    with pytest.raises(CommandRefused, match="Too few") as caught:
        override(them, thing)
    assert caught.value.code == "guard"
    assert not SignedStep.objects.exists()


def test_what_works_is_not_overridden() -> None:
    them = Signers(signature=None)
    with pytest.raises(CommandRefused) as caught:
        override(them, them.shop.thing("running"))
    assert caught.value.code == "nothing_broken"


def test_an_override_does_not_spare_the_signatures() -> None:
    them = Signers(**broken(signature=TWO))
    thing = them.shop.thing("running")
    assert override(them, thing) == Signed(is_taken=False, missing=2)
    zoe = them._person("zoe")
    assert them.sign(them.iris, thing) == Signed(is_taken=False, missing=1)
    assert them.sign(zoe, thing).is_taken


def test_a_limit_of_times_holds_for_each_item() -> None:
    shop = make_shop(pause={"at_most": 1})
    thing, other = shop.thing("running"), shop.thing("running")
    move(shop.olga, thing, "pause", reason="lunch")
    move(shop.olga, thing, "resume")
    refusal = refused(shop.olga, thing, "pause", {"reason": "lunch"})
    assert refusal.code == "too_often"
    assert not way_out(thing, shop.olga, "pause").possible
    assert move(shop.olga, other, "pause", reason="lunch").state == "paused"
