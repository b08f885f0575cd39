"""The rules of the library at work: real bookings and a real lot, and what they do about them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.andon.models import FloorException, Notification
from apps.core import clock
from apps.materials.commands import hold_lot
from apps.orders.commands import confirm_quantity, take_edge
from apps.orders.models import DirectiveStep
from apps.plant.commands import roster_duty
from apps.plant.models import Person
from apps.workflows.models import RuleFailure, RuleFiring
from apps.workflows.packages.library import books
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.seeds import install_rule
from tests.materials.stock_world import make_item, make_location, make_lot, put_stock
from tests.orders.shop import SYSTEM, Shop, make_shop, scrap_reason
from tests.world import give_role, make_person, run

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def put_in_force(code: str) -> None:
    [packed] = books()[code].package.objects
    run(install_rule, SYSTEM, spec=RuleSpec.model_validate(packed.content))


def on_duty(shop: Shop, role: str) -> Person:
    person = make_person(site=shop.world.site)
    give_role(person, role, shop.world.site)
    times = {"starts_at": clock.now() - HOUR, "ends_at": clock.now() + HOUR}
    run(roster_duty, SYSTEM, person_id=person.pk, role=role, place=shop.world.site.place, **times)
    return person


@pytest.fixture
def shop() -> Shop:
    shop = make_shop(quantity=100)
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    return shop


def scrap(shop: Shop) -> None:
    given = {"good": Decimal(0), "scrap": Decimal(1), "scrap_reason_id": scrap_reason().pk}
    run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, **given)


def test_the_same_defect_three_times_in_a_shift_has_each_piece_checked(shop: Shop) -> None:
    quinn = on_duty(shop, "quality_engineer")
    put_in_force("full_inspection")
    before = DirectiveStep.objects.count()
    scrap(shop)
    scrap(shop)
    run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(1))
    assert not RuleFiring.objects.exists()
    scrap(shop)
    assert not RuleFailure.objects.exists()
    step = DirectiveStep.objects.order_by("-pk")[0]
    assert DirectiveStep.objects.count() == before + 1
    assert (step.title, step.frequency) == ("Check this piece for the defect found before", "per_piece")
    [news] = Notification.objects.filter(person=quinn)
    assert "The same defect for the third time in this shift" in str(news.news)
    scrap(shop)
    assert DirectiveStep.objects.count() == before + 1, "the work has the step already"


def test_a_held_lot_is_contained_and_the_warehouse_hears_of_it(shop: Shop) -> None:
    on_duty(shop, "quality_engineer")
    warner = on_duty(shop, "warehouse")
    put_in_force("lot_containment")
    item = make_item("SEAL", lot_tracked=True)
    lot = make_lot(item)
    put_stock(item, make_location(shop.world.site), 40, lot=lot)
    run(hold_lot, SYSTEM, lot_id=lot.pk)
    lot.refresh_from_db()
    assert lot.status == "held"
    assert not RuleFailure.objects.exists()
    exception = FloorException.objects.get(type__code="quality_hold")
    assert exception.headline == "Contain a held lot"
    assert "set it apart" in exception.sentence
    assert exception.is_open
    [news] = Notification.objects.filter(person=warner, exception=None)
    assert "bring none of it to a line" in str(news.news)
