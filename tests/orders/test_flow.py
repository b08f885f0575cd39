"""Pieces go from operation to operation; nothing runs on what has not come."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import CommandRefused
from apps.orders.commands import Operation, confirm_quantity, release_work_order, reverse_confirmation, take_edge
from apps.orders.flow import received
from apps.orders.models import Blocker, Confirmation, JobOrder
from apps.plant.models import Purpose, ReasonCode
from tests.orders.shop import SYSTEM, Shop, make_shop, reason, scrap_reason
from tests.world import ledger, run

pytestmark = pytest.mark.django_db


class Line:
    """Order WO-9 over 24 pieces with operations 10, 20, 30 at station A33."""

    def __init__(self, shop: Shop, **steps: dict[str, object]) -> None:
        self.shop, self.olga = shop, shop.world.olga
        released = run(
            release_work_order,
            SYSTEM,
            site_id=shop.world.site.pk,
            number="WO-9",
            item_code="ES-65",
            item_name="Pump ES 65",
            quantity=Decimal(24),
            unit="pcs",
            due_at=None,
            operations=[
                Operation(
                    sequence=sequence,
                    name=f"Step {sequence}",
                    work_center_id=shop.world.line.pk,
                    work_unit_id=shop.world.station.pk,
                    **steps.get(f"op{sequence}", {}),
                )
                for sequence in (10, 20, 30)
            ],
        )
        self.ids = dict(zip((10, 20, 30), released.job_order_ids, strict=True))

    def job(self, sequence: int) -> JobOrder:
        return JobOrder.objects.get(pk=self.ids[sequence])

    def take(self, sequence: int, edge: str, **inputs: str) -> None:
        run(take_edge, self.olga, job_order_id=self.ids[sequence], edge=edge, inputs=inputs)

    def book(self, sequence: int, good: int, scrap: int = 0) -> None:
        run(
            confirm_quantity,
            self.olga,
            job_order_id=self.ids[sequence],
            good=Decimal(good),
            scrap=Decimal(scrap),
            scrap_reason_id=scrap_reason().pk,
        )

    def undo(self, sequence: int, *, who: object = None) -> None:
        last = Confirmation.objects.filter(job_order=self.ids[sequence], reverses=None).latest("pk")
        why = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
        run(reverse_confirmation, who or self.shop.world.lena, confirmation_id=last.pk, reason_id=why.pk)

    def blocker(self, sequence: int) -> Blocker | None:
        return Blocker.objects.open().filter(job_order=self.ids[sequence]).first()


@pytest.fixture
def shop() -> Shop:
    return make_shop()


class TestTheNextOperation:
    def test_waits_and_says_for_which_operation(self, shop: Shop) -> None:
        line = Line(shop)
        assert [line.job(n).status for n in (10, 20, 30)] == ["ready", "waiting", "waiting"]
        blocker = line.blocker(20)
        assert blocker is not None
        assert (blocker.sentence, blocker.reach) == ("Operation 10 has sent on nothing yet.", "Can't run")
        assert len(ledger("orders.blocker_opened")) == 2

    def test_gets_everything_when_the_one_before_is_complete(self, shop: Shop) -> None:
        line = Line(shop)
        line.take(10, "start")
        line.book(10, 24)
        assert line.job(20).status == "waiting"
        line.take(10, "complete")
        assert line.job(20).status == "ready"
        assert line.blocker(20) is None
        assert received(line.job(20)) == 24

    def test_gets_whole_transfer_batches_before_that(self, shop: Shop) -> None:
        line = Line(shop, op10={"transfer_quantity": Decimal(8)})
        line.take(10, "start")
        line.book(10, 7)
        assert line.job(20).status == "waiting"
        line.book(10, 10)
        assert line.job(20).status == "ready"
        blocker = line.blocker(20)
        assert blocker is not None
        assert blocker.reach == "Can make 16 of 24"

    def test_books_no_more_than_has_come(self, shop: Shop) -> None:
        line = Line(shop, op10={"transfer_quantity": Decimal(8)})
        line.take(10, "start")
        line.book(10, 8)
        line.take(20, "start")
        line.book(20, 6, 1)
        with pytest.raises(CommandRefused, match="Only 8 pieces have come from operation 10"):
            line.book(20, 2)
        line.book(20, 1)
        assert line.job(20).made == 8

    def test_goes_on_with_less_when_the_one_before_is_completed_short(self, shop: Shop) -> None:
        line = Line(shop)
        line.take(10, "start")
        line.book(10, 20, 4)
        line.take(10, "complete_short", reason=reason(Purpose.SHORT_COMPLETION))
        line.take(20, "start")
        line.book(20, 20)
        with pytest.raises(CommandRefused, match="Only 20 pieces"):
            line.book(20, 1)

    def test_can_not_be_started_past_its_blocker(self, shop: Shop) -> None:
        line = Line(shop)
        with pytest.raises(CommandRefused):
            line.take(20, "start")


class TestAnOperationThatIsNoCountPoint:
    def test_is_booked_by_the_next_one_and_marked_so(self, shop: Shop) -> None:
        line = Line(shop, op20={"is_count_point": False}, op10={"transfer_quantity": Decimal(1)})
        line.take(10, "start")
        line.book(10, 10)
        line.take(30, "start")
        line.book(30, 4, 1)
        along = Confirmation.objects.get(job_order=line.ids[20])
        assert (along.good, along.scrap) == (5, 0)
        assert along.booked_by == Confirmation.objects.get(job_order=line.ids[30])
        assert line.job(20).good_quantity == 5

    def test_is_complete_when_the_next_one_is(self, shop: Shop) -> None:
        line = Line(shop, op20={"is_count_point": False}, op10={"transfer_quantity": Decimal(1)})
        line.take(10, "start")
        line.book(10, 24)
        line.take(30, "start")
        line.book(30, 24)
        line.take(30, "complete")
        assert line.job(20).status == "completed"

    def test_can_not_be_the_last(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="must count"):
            Line(shop, op30={"is_count_point": False})


class TestUndoing:
    def test_a_wrong_booking_is_a_second_booking_the_other_way(self, shop: Shop) -> None:
        line = Line(shop)
        line.take(10, "start")
        line.book(10, 9, 1)
        line.undo(10)
        assert (line.job(10).good_quantity, line.job(10).scrap_quantity) == (0, 0)
        assert Confirmation.objects.filter(job_order=line.ids[10]).count() == 2
        event = ledger("orders.quantity_reversed")[0]
        assert (Decimal(event.data["good"]), event.actor_id) == (9, shop.world.lena.pk)

    def test_twice_is_refused(self, shop: Shop) -> None:
        line = Line(shop)
        line.take(10, "start")
        line.book(10, 9)
        line.undo(10)
        with pytest.raises(CommandRefused, match="undone before"):
            line.undo(10)

    def test_by_an_operator_is_refused(self, shop: Shop) -> None:
        line = Line(shop)
        line.take(10, "start")
        line.book(10, 9)
        with pytest.raises(CommandRefused, match="may not undo"):
            line.undo(10, who=shop.world.olga)

    def test_what_the_next_operation_has_taken_is_refused_with_the_place(self, shop: Shop) -> None:
        line = Line(shop, op10={"transfer_quantity": Decimal(1)})
        line.take(10, "start")
        line.book(10, 9)
        line.take(20, "start")
        line.book(20, 3)
        with pytest.raises(CommandRefused, match="3 pieces are at operation 20 already"):
            line.undo(10)
        line.undo(20)
        line.undo(10)
        assert line.job(10).good_quantity == 0

    def test_opens_a_completed_operation_again_and_lets_the_next_one_wait(self, shop: Shop) -> None:
        line = Line(shop)
        line.take(10, "start")
        line.book(10, 24)
        line.take(10, "complete")
        assert line.job(20).status == "ready"
        line.undo(10)
        assert line.job(10).status == "suspended"
        assert line.job(20).status == "waiting"

    def test_undoes_what_was_booked_along(self, shop: Shop) -> None:
        line = Line(shop, op20={"is_count_point": False}, op10={"transfer_quantity": Decimal(1)})
        line.take(10, "start")
        line.book(10, 5)
        line.take(30, "start")
        line.book(30, 5)
        line.undo(30)
        assert line.job(20).good_quantity == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", "book", "complete", "undo", "pause"]),
        st.sampled_from([10, 20, 30]),
        st.integers(1, 9),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, uncounted=st.booleans())
def test_whatever_people_do_no_operation_has_made_more_than_came_to_it(
    shop: Shop, steps: list[tuple[str, int, int]], uncounted: bool
) -> None:
    point = transaction.savepoint()
    line = Line(shop, op10={"transfer_quantity": Decimal(2)}, op20={"is_count_point": not uncounted})
    for act, sequence, number in steps:
        try:
            if act == "book":
                line.book(sequence, number, number % 2)
            elif act == "undo":
                line.undo(sequence)
            elif act == "pause":
                line.take(sequence, "pause", reason=reason(Purpose.PAUSE))
            else:
                line.take(sequence, act)
        except (CommandRefused, Confirmation.DoesNotExist):
            continue
    jobs = {sequence: line.job(sequence) for sequence in (10, 20, 30)}
    for sequence, job in jobs.items():
        rows = Confirmation.objects.filter(job_order=job)
        assert job.good_quantity == sum(row.good for row in rows)
        assert job.made <= received(job), f"operation {sequence} has made more than came"
        assert job.status != "ready" or received(job) > job.made
    transaction.savepoint_rollback(point)
