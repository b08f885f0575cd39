"""A step of a workflow or a rule stops an operation, or gives it one more step of work."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.andon.commands import acknowledge, resolve
from apps.andon.models import FloorException
from apps.core.errors import CommandRefused
from apps.orders.commands import confirm_quantity, take_edge
from apps.orders.models import Blocker, BlockerKind, DirectiveStep, JobOrder
from apps.orders.progress import progress_of
from apps.plant.models import Purpose
from apps.workflows.effects import EffectFailed
from tests.andon.test_effects import have_effect
from tests.orders.shop import SYSTEM, Shop, make_shop, reason
from tests.world import give_role, ledger, make_person, run

pytestmark = pytest.mark.django_db
SAY = {"en": "Wait for the first piece check", "de": "Auf die Erstteilprüfung warten"}
MEASURE = {
    "title": {"en": "Measure the gap", "de": "Spalt messen"},
    "kind": "measure",
    "frequency": "per_piece",
    "unit": "mm",
    "low": 0.2,
    "high": 0.4,
}


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def have(shop: Shop, code: str, parameters: dict[str, Any]) -> None:
    job = shop.job
    around = {"job_order_id": job.pk, "site_id": job.site_id, "work_center_id": job.work_center_id}
    run(have_effect, SYSTEM, code=code, parameters=parameters, around=around)


def take(shop: Shop, edge: str, **inputs: Any) -> None:
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge=edge, inputs=inputs)


def test_an_operation_that_is_stopped_waits_and_says_why(shop: Shop) -> None:
    have(shop, "place_blocker", {"say": SAY})
    blocker = Blocker.objects.open().get()
    assert (blocker.reach, blocker.sentence) == ("Can't run", "Wait for the first piece check (Rule “leaks”)")
    assert shop.reload().status == "waiting"
    assert blocker.exception is not None
    assert blocker.exception.headline == "WO-1 operation 10 is stopped"
    with pytest.raises(CommandRefused):
        take(shop, "start")


def test_what_runs_makes_no_further_piece(shop: Shop) -> None:
    take(shop, "start")
    run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(3))
    have(shop, "place_blocker", {"say": SAY})
    with pytest.raises(CommandRefused) as caught:
        run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(1))
    assert caught.value.code == "blocked"
    assert "Can make 3 of 24" in caught.value.sentence


def test_it_goes_on_when_whoever_owns_it_says_so(shop: Shop) -> None:
    have(shop, "place_blocker", {"say": SAY})
    have(shop, "place_blocker", {"say": SAY})
    exception = FloorException.objects.get()
    lena = shop.world.lena
    run(acknowledge, lena, exception_id=exception.pk)
    codes = {"resolution": reason(Purpose.RESOLUTION), "cause": reason(Purpose.ROOT_CAUSE)}
    run(resolve, lena, exception_id=exception.pk, **codes)
    assert not Blocker.objects.open().exists()
    assert shop.reload().status == "ready"
    take(shop, "start")


def test_a_cancelled_operation_needs_nobody_any_more(shop: Shop) -> None:
    have(shop, "place_blocker", {"say": SAY})
    petra = make_person("petra")
    give_role(petra, "planner", shop.world.site)
    why = {"reason": reason(Purpose.CANCELLATION)}
    run(take_edge, petra, job_order_id=shop.job.pk, edge="cancel", inputs=why)
    assert not Blocker.objects.open().filter(kind=BlockerKind.STOPPED).exists()
    assert not FloorException.objects.open().exists()


def test_a_step_is_added_to_the_work_once(shop: Shop) -> None:
    take(shop, "start")
    for _ in range(2):
        have(shop, "add_step", MEASURE)
    step = DirectiveStep.objects.get()
    assert (step.titles, step.low, step.high) == (MEASURE["title"], Decimal("0.2"), Decimal("0.4"))
    progress = progress_of(JobOrder.objects.get(pk=shop.job.pk))
    assert [standing.step.pk for standing in progress.open] == [step.pk]
    assert ledger("orders.step_added")[0].data == {"step_id": step.pk, "position": 1}


@pytest.mark.parametrize("wrong", [{"low": 0.5}, {"kind": "confirm"}, {"frequency": "every_n"}])
def test_a_step_that_makes_no_sense_is_not_added(shop: Shop, wrong: dict[str, Any]) -> None:
    with pytest.raises(EffectFailed):
        have(shop, "add_step", MEASURE | wrong)
    assert not DirectiveStep.objects.exists()
