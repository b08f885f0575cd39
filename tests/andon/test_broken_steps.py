"""A step of a workflow that does not work calls the engineer; who pressed was refused and nothing was made."""

from __future__ import annotations

import pytest

from apps.andon.broken_steps import broken_steps
from apps.andon.commands import acknowledge, resolve
from apps.andon.models import ExceptionType, FloorException
from apps.andon.tasks import call_for_broken_steps
from apps.core import clock
from apps.core.errors import CommandRefused
from apps.orders.commands import take_edge
from apps.workflows.definition import Definition
from apps.workflows.models import Version
from apps.workflows.rows import to_definition
from apps.workflows.seeds import install
from tests.orders.shop import SYSTEM, Shop, make_job, make_shop
from tests.world import run

pytestmark = pytest.mark.django_db(transaction=True)
SAID = {"en": "Done.", "de": "Fertig."}


@pytest.fixture
def shop() -> Shop:
    """Starting an operation here raises an exception of a kind that has gone since."""
    shop = make_shop()
    policy = ExceptionType.objects.get(code="downtime").policy
    sofa = ExceptionType.objects.create(code="sofa", category="downtime", policy=policy)
    definition = to_definition(Version.objects.get(workflow__code="job_order")).model_dump(mode="json")
    start = next(edge for edge in definition["edges"] if edge["code"] == "start")
    start["effects"] = [
        {"code": "raise_exception", "parameters": {"type": "sofa", "headline": SAID, "say": SAID}},
    ]
    run(install, SYSTEM, definition=Definition.model_validate(definition))
    sofa.delete()
    return Shop(shop.world, make_job(shop.world.line, shop.world.station, number="WO-B"))


def press(shop: Shop) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    return caught.value


def test_the_engineer_is_called_once_and_told_what_is_broken(shop: Shop) -> None:
    assert call_for_broken_steps.run() == 0
    refusal = press(shop)
    assert refusal.code == "effect_failed"
    assert shop.reload().status == "ready"
    press(shop)
    assert call_for_broken_steps.run() == 1
    exception = FloorException.objects.get()
    assert exception.headline == "Step “Start” is broken"
    assert "there is no kind of exception sofa" in exception.sentence
    press(shop)
    assert call_for_broken_steps.run() == 0


def test_one_that_is_broken_again_after_it_was_mended_calls_again(shop: Shop) -> None:
    press(shop)
    call_for_broken_steps.run()
    exception = FloorException.objects.get()
    run(acknowledge, shop.world.pia, exception_id=exception.pk)
    run(resolve, shop.world.pia, exception_id=exception.pk, resolution="repaired", cause="wear")
    assert list(broken_steps(clock.now())) == []
    press(shop)
    assert call_for_broken_steps.run() == 1
    again = FloorException.objects.get()
    assert (again.pk, again.resolved_at, again.closed_at) == (exception.pk, None, None)


def test_what_a_rule_refuses_is_not_broken(shop: Shop) -> None:
    with pytest.raises(CommandRefused):
        run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="complete", inputs={})
    assert list(broken_steps(clock.now())) == []
