"""A workflow in review that nobody looks at calls somebody, who asks those who may approve it."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps

from apps.andon.commands import apply_cure
from apps.andon.cures import InPlace, Subject, cures_for
from apps.andon.models import FloorException, Informed, Notification
from apps.core import clock
from apps.core.models import CommandReceipt
from apps.plant.models import Absence, Person
from apps.workflows import commands as workflows
from apps.workflows.models import RuleFailure, RuleTimer, RuleVersion, Version
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.seeds import RULES
from apps.workflows.tasks import look_again_where_due
from tests.seeded import seed_plant
from tests.workflows.rules.bells import publish
from tests.world import World, actor_of, give_role, make_person, make_world, run

migration = import_module("apps.andon.migrations.0015_approvals_by_rule")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    seed_plant()
    world = make_world()
    for person in (world.pia, world.lena):
        person.site = world.site
        person.save()
    return world


def engineer(name: str, world: World) -> Person:
    person = make_person(name, site=world.site)
    give_role(person, "process_engineer")
    return person


@pytest.fixture
def author(world: World) -> Person:
    return engineer("anna", world)


@pytest.fixture
def draft(author: Person) -> int:
    """In review."""
    return submit(author)


def submit(author: Person) -> int:
    published = Version.objects.get(workflow__code="job_order", status="published")
    made: int = run(workflows.create_draft, author, version_id=published.pk)
    run(workflows.submit_for_review, author, version_id=made)
    return made


def hours_pass(hours: int) -> None:
    clock.move_to(clock.now() + timedelta(hours=hours))
    look_again_where_due.run()


def ways(exception: FloorException, who: Person) -> dict[str, InPlace]:
    subject = Subject(exception)
    found = cures_for([subject], actor_of(who))[subject]
    return {way.offer.label: way for way in found if way.cure.code == "ask_for_approval"}


class TestAnApprovalThatWaits:
    def test_calls_nobody_within_its_time_and_one_person_once_after_it(self, world: World, draft: int) -> None:
        before = CommandReceipt.objects.count()
        hours_pass(23)
        assert CommandReceipt.objects.count() == before
        hours_pass(2)
        called = FloorException.objects.get()
        assert (called.type.code, called.site, called.cause_key) == ("late_approval", world.site, str(draft))
        assert "can't give it" in called.sentence
        hours_pass(1)
        assert FloorException.objects.count() == 1

    def test_has_the_time_that_the_rule_gives_there(self, world: World, author: Person) -> None:
        shipped = json.loads((RULES / "approval_waits.json").read_text(encoding="utf-8"))
        still = shipped["conditions"]
        here = {"field": "site", "operator": "in", "value": [world.site.code]}
        publish(RuleSpec.model_validate({**shipped, "conditions": [*still, {**here, "operator": "not in"}]}))
        other = {**shipped, "code": "approval_waits_here", "conditions": [*still, here], "after_seconds": 48 * 3600}
        publish(RuleSpec.model_validate(other))
        submit(author)
        hours_pass(47)
        assert not FloorException.objects.exists()
        hours_pass(2)
        assert FloorException.objects.exists()

    def test_waits_anew_when_it_was_given_back_and_asked_for_again(
        self, world: World, author: Person, draft: int
    ) -> None:
        hours_pass(20)
        run(workflows.return_to_draft, author, version_id=draft)
        run(workflows.submit_for_review, author, version_id=draft)
        hours_pass(5)
        assert not FloorException.objects.exists()
        hours_pass(20)
        assert FloorException.objects.count() == 1

    def test_goes_on_waiting_by_the_rule_that_came_meanwhile(self, world: World, draft: int) -> None:
        RuleTimer.objects.all().delete()
        rule = RuleVersion.objects.published().get(rule__code="approval_waits")
        migration._go_on_waiting(apps, {24: rule}, {world.site.code: 24})
        hours_pass(23)
        assert not FloorException.objects.exists()
        hours_pass(2)
        assert FloorException.objects.count() == 1

    def test_calls_nobody_when_it_was_decided_in_time(self, world: World, author: Person, draft: int) -> None:
        run(workflows.publish, engineer("berta", world), version_id=draft, note="Checked.")
        hours_pass(25)
        assert (FloorException.objects.count(), RuleFailure.objects.count()) == (0, 0)

    @pytest.mark.parametrize("decision", ["publish", "return"])
    def test_is_over_with_the_decision(self, world: World, author: Person, draft: int, decision: str) -> None:
        hours_pass(25)
        if decision == "publish":
            run(workflows.publish, engineer("berta", world), version_id=draft, note="Checked.")
        else:
            run(workflows.return_to_draft, author, version_id=draft)
        assert FloorException.objects.get().status == "closed"

    def test_is_asked_of_who_may_give_it_and_is_there(self, world: World, author: Person, draft: int) -> None:
        berta, carla = engineer("berta", world), engineer("carla", world)
        now = clock.now()
        Absence.objects.create(person=carla, starts_at=now - timedelta(days=1), deputy=berta)
        hours_pass(25)
        called = FloorException.objects.get()
        found = ways(called, world.pia)
        assert set(found) == {"Ask Berta to approve it"}, "neither who wrote it, nor who is away"
        assert found["Ask Berta to approve it"].offer.cost == "not on duty now, stands in for Carla"
        ask = {"exception_id": called.pk, "cure": "ask_for_approval", "inputs": {"person": berta.pk}}
        run(apply_cure, world.pia, **ask)
        assert Informed.objects.filter(person=berta, exception=called).exists()
        assert Notification.objects.filter(person=berta).count() == 1
        assert "Remind Berta" in ways(called, world.pia)
        run(apply_cure, world.pia, **ask)
        assert Notification.objects.filter(person=berta).count() == 2

    def test_says_so_where_nobody_else_may_give_it(self, world: World, draft: int) -> None:
        hours_pass(25)
        (way,) = ways(FloorException.objects.get(), world.pia).values()
        assert not way.is_possible
        assert "Nobody is there who may approve it" in way.why_not
