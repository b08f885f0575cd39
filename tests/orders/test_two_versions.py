"""A line tries a new version first: orders on the old and on the new one run beside each other; then all lines do."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.errors import CommandRefused
from apps.orders.commands import Operation, release_work_order, take_edge
from apps.orders.models import JobOrder
from apps.plant.models import Person
from apps.workflows.commands import create_draft, import_draft, publish, save_draft, submit_for_review
from apps.workflows.definition import Definition
from apps.workflows.life.commands import plan_moves, roll_back, widen
from apps.workflows.models import Policy, Rollout, Version
from apps.workflows.rows import to_definition
from apps.workflows.tasks import move_items
from tests.orders.shop import SYSTEM, Shop, make_job, make_shop
from tests.world import give_role, make_area, make_line, make_person, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop()


@pytest.fixture
def paul(shop: Shop) -> Person:
    """Approves what Petra writes."""
    return engineer("paul")


def engineer(name: str) -> Person:
    person = make_person(name)
    give_role(person, "process_engineer")
    return person


@dataclass(frozen=True)
class Renamed:
    """The workflow with another word on the button that starts an operation."""

    old: Version
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def definition(self) -> Definition:
        content = to_definition(self.old).model_dump(mode="json")
        start = next(edge for edge in content["edges"] if edge["code"] == "start")
        start["labels"] = {"en": "Go", "de": "Los"}
        return Definition.model_validate(content | self.changes)


def released(shop: Shop, approver: Person, policy: Policy = Policy.PIN, **how: Any) -> Version:
    old, petra = shop.job.workflow_version, engineer(f"petra{Version.objects.count()}")
    draft = run(create_draft, petra, version_id=old.pk)
    run(save_draft, petra, version_id=draft, definition=Renamed(old).definition)
    run(plan_moves, petra, version_id=draft, policy=policy)
    run(submit_for_review, petra, version_id=draft)
    run(publish, approver, version_id=draft, note="Go is what people say.", **how)
    return Version.objects.get(pk=draft)


def test_side_by_side_on_one_line(shop: Shop, paul: Person) -> None:
    old_job = shop.job
    version = released(shop, paul)
    new_job = make_job(shop.world.line, shop.world.station, number="WO-2")
    assert new_job.workflow_version == version
    assert old_job.workflow_version_id != version.pk
    run(take_edge, shop.world.olga, job_order_id=old_job.pk, edge="start", inputs={})
    run(take_edge, shop.world.olga, job_order_id=new_job.pk, edge="start", inputs={})
    assert {job.status for job in JobOrder.objects.all()} == {"running"}
    assert [e.label for e in new_job.graph.exits["ready"] if e.spec.code == "start"] == ["Go"]
    assert [e.label for e in old_job.graph.exits["ready"] if e.spec.code == "start"] != ["Go"]


def test_first_on_one_line_then_on_all(shop: Shop, paul: Person) -> None:
    other_line = make_line(make_area(shop.world.line.site, "A9"), "L9")
    waiting = make_job(other_line, None, number="WO-9")
    version = released(shop, paul, Policy.SAFE, first_on=[shop.world.line.pk])
    while move_items.run():
        pass
    assert make_job(shop.world.line, None, number="WO-10").workflow_version == version
    assert make_job(other_line, None, number="WO-11").workflow_version != version
    assert shop.reload().workflow_version == version
    assert JobOrder.objects.get(pk=waiting.pk).workflow_version != version
    with pytest.raises(CommandRefused, match="is on its way already"):
        released(shop, paul, first_on=[other_line.pk])

    run(widen, paul, version_id=version.pk)
    while move_items.run():
        pass
    assert make_job(other_line, None, number="WO-12").workflow_version == version
    assert JobOrder.objects.get(pk=waiting.pk).workflow_version == version
    assert Rollout.objects.get(version=version).widened_by_id == paul.pk
    with pytest.raises(CommandRefused, match="on all lines already"):
        run(widen, paul, version_id=version.pk)


def test_rolled_back_while_it_is_tried(shop: Shop, paul: Person) -> None:
    old = shop.job.workflow_version
    tried = released(shop, paul, Policy.SAFE, first_on=[shop.world.line.pk])
    while move_items.run():
        pass
    back = run(roll_back, paul, version_id=old.pk, reason="The button is confusing.")
    while move_items.run():
        pass
    assert shop.reload().workflow_version_id == back
    assert make_job(shop.world.line, None, number="WO-10").workflow_version_id == back
    with pytest.raises(CommandRefused, match="A newer version is in force"):
        run(widen, paul, version_id=tried.pk)


def test_a_line_that_is_not_there(shop: Shop, paul: Person) -> None:
    with pytest.raises(CommandRefused, match="not there"):
        released(shop, paul, first_on=[0])


def test_a_customer_with_a_workflow_of_its_own(shop: Shop, paul: Person) -> None:
    own = {"code": "job_for_acme", "name": "For ACME", "applies_to": [{"customer": "ACME"}]}
    petra = engineer("petra")
    draft = run(import_draft, petra, definition=Renamed(shop.job.workflow_version, own).definition)
    run(submit_for_review, petra, version_id=draft)
    run(publish, paul, version_id=draft, note="ACME wants it so.")
    line = shop.world.line
    for number, customer, workflow in (("WO-20", "ACME", "job_for_acme"), ("WO-21", "Bolt", "job_order")):
        released_order = run(
            release_work_order,
            SYSTEM,
            site_id=line.site_id,
            number=number,
            item_code="ES-65",
            item_name="Pump ES 65",
            quantity=Decimal(5),
            unit="pcs",
            due_at=None,
            customer=customer,
            operations=[Operation(sequence=10, name="Fit", work_center_id=line.pk)],
        )
        job = JobOrder.objects.get(pk=released_order.job_order_ids[0])
        assert job.workflow_version.workflow.code == workflow


def test_the_number_of_queries_does_not_grow_with_that_of_workflows(shop: Shop, paul: Person) -> None:
    def counted(number: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            make_job(shop.world.line, shop.world.station, number=number)
        return sum("workflows_version" in query["sql"] and "FOR UPDATE" not in query["sql"] for query in queries)

    before = counted("WO-30")
    for _ in range(3):
        released(shop, paul)
    make_job(shop.world.line, None, number="WO-31")  # compiles the newest
    assert counted("WO-32") == before
