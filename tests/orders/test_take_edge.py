"""What an operator can do with an operation, and who can't."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.errors import CommandRefused
from apps.orders.commands import confirm_quantity, release_work_order, take_edge
from apps.orders.models import JobOrder
from apps.plant.models import Purpose
from tests.orders.shop import DUE, Shop, make_job, make_shop, reason
from tests.world import ledger, make_station, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def step(shop: Shop, who: object, edge: str, **inputs: str) -> object:
    return run(take_edge, who, job_order_id=shop.job.pk, edge=edge, inputs=inputs)


class TestAnOperator:
    def test_finds_a_released_operation_ready(self, shop: Shop) -> None:
        assert (shop.job.state, shop.job.status) == ("ready", "ready")

    def test_starts_pauses_with_a_reason_resumes_and_completes(self, shop: Shop) -> None:
        olga = shop.world.olga
        assert step(shop, olga, "start").status == "running"
        assert step(shop, olga, "pause", reason=reason(Purpose.PAUSE)).status == "suspended"
        assert step(shop, olga, "resume").status == "running"
        run(confirm_quantity, olga, job_order_id=shop.job.pk, good=Decimal(24))
        assert step(shop, olga, "complete").status == "completed"
        moved = ledger("workflows.state_changed")
        assert [event.data["edge"] for event in moved] == ["make_ready", "start", "pause", "resume", "complete"]
        assert {event.thread for event in moved} == {f"work_order:{shop.job.work_order_id}"}
        assert {event.actor_id for event in moved[1:]} == {olga.pk}
        job = shop.reload()
        assert job.started_at is not None
        assert job.completed_at is not None

    def test_can_not_pause_without_a_reason(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start")
        with pytest.raises(CommandRefused):
            step(shop, shop.world.olga, "pause")
        assert shop.reload().status == "running"

    def test_can_not_complete_what_is_short_and_is_told_how_much(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start")
        run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(16))
        with pytest.raises(CommandRefused, match="16 of 24"):
            step(shop, shop.world.olga, "complete")
        assert shop.reload().status == "running"

    def test_completes_short_with_a_reason(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start")
        done = step(shop, shop.world.olga, "complete_short", reason=reason(Purpose.SHORT_COMPLETION))
        assert done.status == "completed"

    def test_can_not_start_twice(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start")
        with pytest.raises(CommandRefused):
            step(shop, shop.world.lena, "start")
        assert len(ledger("core.attempt_refused")) == 1

    def test_can_not_release_a_hold(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start")
        with pytest.raises(CommandRefused):
            step(shop, shop.world.olga, "release", reason="x")

    def test_of_another_site_can_do_nothing(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused) as refusal:
            step(shop, shop.world.otto, "start")
        assert refusal.value.code == "not_allowed"
        assert shop.reload().status == "ready"


class TestRelease:
    def test_makes_the_first_operation_ready_and_lets_the_others_wait(self, shop: Shop) -> None:
        first = make_job(shop.world.line, shop.world.station, number="WO-2", operations=3)
        statuses = JobOrder.objects.filter(work_order=first.work_order_id).values_list("sequence", "status")
        assert list(statuses) == [(10, "ready"), (20, "waiting"), (30, "waiting")]

    def test_of_a_number_that_exists_is_refused(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="WO-1 already"):
            make_job(shop.world.line, shop.world.station)

    def test_without_operations_is_refused(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="no operation"):
            make_job(shop.world.line, shop.world.station, number="WO-3", operations=0)

    def test_by_an_operator_is_refused(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="may not release"):
            run(
                release_work_order,
                shop.world.olga,
                site_id=shop.world.site.pk,
                number="WO-4",
                item_code="A",
                item_name="A",
                quantity=Decimal(1),
                unit="pcs",
                due_at=DUE,
                operations=[],
            )


class TestTheStatusCanNotBeSetPastTheWorkflow:
    def test_by_update(self, shop: Shop) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            JobOrder.objects.filter(pk=shop.job.pk).update(state="running", status="running")
        assert shop.reload().status == "ready"

    def test_by_assignment(self, shop: Shop) -> None:
        with pytest.raises(AttributeError):
            shop.job.status = "running"

    def test_by_sql(self, shop: Shop) -> None:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE orders_joborder SET state = 'running', status = 'running'")


def test_an_operation_for_any_station_of_the_line_is_seen_at_each() -> None:
    shop = make_shop()
    other = make_station(shop.world.line, "A34", position=2)
    anywhere = make_job(shop.world.line, None, number="WO-2")
    seen = JobOrder.objects.at_station(other.pk, shop.world.line.pk)
    assert list(seen) == [anywhere]
