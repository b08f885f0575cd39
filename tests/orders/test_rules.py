"""Rules on a live line: what they may ask about a booking, and one that divides by zero."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.andon.commands import apply_cure
from apps.andon.cures import Subject, cures_for
from apps.andon.models import FloorException, Notification
from apps.core import clock
from apps.core.models import LedgerEvent
from apps.orders.commands import confirm_quantity, take_edge
from apps.orders.events import QuantityConfirmed
from apps.orders.models import Confirmation
from apps.plant.calendar_times import shift_at
from apps.plant.commands import roster_duty
from apps.plant.shifts_calendar import calendar_of
from apps.workflows.models import RuleFailure, RuleStop
from apps.workflows.rules.commands import draft_rule, submit_rule_for_review
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import RuleFailed, RuleFired, RuleSwitchedOff
from apps.workflows.rules.publishing import publish_rule, widen_rule
from tests.orders.shop import SYSTEM, Shop, make_job, make_shop, scrap_reason
from tests.workflows.testapp.effects import Rung
from tests.world import actor_of, give_role, ledger, make_calendar, make_line, make_person, run

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
# Right for whatever the check tries, wrong on a line whose name has two letters.
BY_ZERO = "10 / (size(line) - 2) > 1"


@pytest.fixture
def shop() -> Shop:
    """Pia is the engineer on duty."""
    shop = make_shop(quantity=100)
    world = shop.world
    run(take_edge, world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    run(
        roster_duty,
        SYSTEM,
        person_id=world.pia.pk,
        role="process_engineer",
        place=world.site.place,
        starts_at=clock.now() - HOUR,
        ends_at=clock.now() + HOUR,
    )
    return shop


def publish(*, first_on: list[int] | None = None, **content) -> int:
    """By two engineers, as it has to be."""
    author, approver = make_person(), make_person()
    for engineer in (author, approver):
        give_role(engineer, "process_engineer")
    whole = {"code": "scrap", "name": "Scrap again", "event": QuantityConfirmed.kind} | content
    version_id: int = run(draft_rule, author, spec=RuleSpec.model_validate(whole))
    run(submit_rule_for_review, author, version_id=version_id)
    run(publish_rule, approver, version_id=version_id, note="To see scrap sooner.", first_on=first_on)
    return version_id


def book(shop: Shop, good: int = 1, scrap: int = 0) -> None:
    reason = {"scrap_reason_id": scrap_reason().pk} if scrap else {}
    inputs = {"good": Decimal(good), "scrap": Decimal(scrap), **reason}
    run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, **inputs)


BELL = [{"code": "ring", "parameters": {"text": "scrap again"}}]


def test_three_times_scrap_for_the_same_reason_on_this_line(shop):
    publish(
        conditions=[{"field": "event.scrap", "operator": ">", "value": 0}],
        scope=[{"line": "L3", "item": "ES-65"}],
        same=["line", "event.scrap_reason"],
        window={"count": 3, "minutes": 60},
        actions=BELL,
    )
    book(shop, scrap=1)
    book(shop)
    book(shop, scrap=1)
    assert ledger(Rung.kind) == []
    book(shop, scrap=1)
    [bell] = ledger(Rung.kind)
    [fired] = ledger(RuleFired.kind)
    assert fired.thread == shop.job.work_order.thread
    assert (bell.site_id, bell.cause_id) == (shop.world.site.pk, fired.pk)


@pytest.mark.parametrize("what", ["site", "line", "item", "customer"])
def test_it_acts_only_where_and_for_whom_it_is_meant(shop, what):
    world = shop.world
    other = {"site": "S2", "line": "L9"}
    theirs = Shop(world, make_job(world.line, None, number="WO-A", customer="ACME"))
    run(take_edge, world.olga, job_order_id=theirs.job.pk, edge="start", inputs={})
    meant = {"site": "S1", "line": "L3", "item": "ES-65", "customer": "ACME"}
    here = publish(scope=[{what: meant[what]}], actions=BELL)
    publish(code="elsewhere", name="Elsewhere", scope=[{what: other.get(what, "OTHER")}], actions=BELL)
    book(theirs)
    assert [fired.data["version_id"] for fired in ledger(RuleFired.kind)] == [here]
    book(shop)
    assert len(ledger(RuleFired.kind)) == (1 if what == "customer" else 2)


def test_a_condition_reads_the_customer_and_the_shift(shop):
    world = shop.world
    make_calendar(world.site)
    theirs = Shop(world, make_job(world.line, None, number="WO-A", customer="ACME"))
    run(take_edge, world.olga, job_order_id=theirs.job.pk, edge="start", inputs={})
    now = shift_at(calendar_of(world.line), clock.now())
    assert now is not None
    publish(expression=f'customer == "ACME" && shift == "{now.code}"', actions=BELL)
    publish(code="never", name="Never", expression='customer == "ACME" && shift == "none"', actions=BELL)
    book(theirs)
    book(shop)
    assert list(RuleFailure.objects.values_list("sentence", flat=True)) == []
    assert len(ledger(Rung.kind)) == 1


def test_facts_of_the_operation_and_around_it(shop):
    publish(
        expression='subject.quantity == 100.0 && work_order == "WO-1" && operation == "10" && station == "A33"',
        actions=BELL,
    )
    book(shop)
    assert list(RuleFailure.objects.values_list("sentence", flat=True)) == []
    assert len(ledger(Rung.kind)) == 1


def test_a_division_by_zero_on_a_live_line_stops_nobody_calls_the_engineer_and_ends_by_itself(shop):
    for _ in range(2):
        book(shop)
    publish(expression=BY_ZERO, actions=BELL)
    for _ in range(5):
        book(shop)

    # Not one piece is refused.
    assert Confirmation.objects.count() == 7
    assert shop.reload().good_quantity == 7
    assert not LedgerEvent.objects.filter(kind="core.attempt_refused").exists()

    # The engineer is called, and reads what is the matter.
    exception = FloorException.objects.open().get(type__code="rule_fails")
    assert exception.owner_id == shop.world.pia.pk
    assert exception.work_center_id == shop.world.line.pk
    assert Notification.objects.filter(exception=exception, person=shop.world.pia).exists()
    assert "3" in exception.sentence
    assert "division by zero" in exception.sentence

    # It has switched itself off there after three, and says so.
    assert len(ledger(RuleFailed.kind)) == 3
    [off] = ledger(RuleSwitchedOff.kind)
    assert off.data["work_center_id"] == shop.world.line.pk
    assert RuleFailure.objects.count() == 3
    assert RuleStop.objects.in_force().get().work_center_id == shop.world.line.pk
    assert "off" in exception.sentence


def test_the_engineer_switches_it_on_again_and_the_call_ends(shop):
    publish(expression=BY_ZERO, actions=BELL)
    for _ in range(3):
        book(shop)
    exception = FloorException.objects.open().get(type__code="rule_fails")
    subject = Subject(exception)
    [on, off] = cures_for([subject], actor_of(shop.world.pia))[subject]
    assert on.is_possible
    assert not off.is_possible, "it is off for the whole plant, and Pia answers for one site"
    assert on.offer.label == "Switch it on again"
    apply_cure(actor_of(shop.world.pia), uuid4(), exception_id=exception.pk, cure=on.cure.code, inputs={})
    assert not RuleStop.objects.in_force().exists()
    assert not FloorException.objects.open().filter(type__code="rule_fails").exists()
    book(shop)
    assert FloorException.objects.open().filter(type__code="rule_fails").count() == 1


def test_a_mended_rule_ends_the_call(shop):
    publish(expression=BY_ZERO, actions=BELL)
    for _ in range(3):
        book(shop)
    publish(expression="size(line) == 2", actions=BELL)
    assert not FloorException.objects.open().filter(type__code="rule_fails").exists()
    book(shop)
    assert len(ledger(Rung.kind)) == 1


def test_one_that_was_tried_and_is_widened_ends_the_call_for_the_one_before(shop):
    """Failed once: nothing is off that could be switched on."""
    publish(expression=BY_ZERO, actions=BELL)
    book(shop)
    mended = publish(expression="size(line) == 2", actions=BELL, first_on=[make_line(shop.world.area, "L8").pk])
    assert FloorException.objects.open().filter(type__code="rule_fails").exists(), "elsewhere it is as it was"
    run(widen_rule, SYSTEM, version_id=mended)
    assert not FloorException.objects.open().filter(type__code="rule_fails").exists()
