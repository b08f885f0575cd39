"""Good and scrap in one act."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import CommandRefused
from apps.orders.commands import confirm_quantity, take_edge
from apps.orders.models import Confirmation, JobOrder
from tests.orders.shop import Shop, make_shop, scrap_reason
from tests.world import actor_of, ledger, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    shop = make_shop()
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    return shop


def book(shop: Shop, good: object = 0, scrap: object = 0, **more: object) -> object:
    who = more.pop("who", shop.world.olga)
    given_ = {"good": Decimal(str(good)), "scrap": Decimal(str(scrap)), **more}
    return run(confirm_quantity, who, job_order_id=shop.job.pk, **given_)


class TestBooking:
    def test_good_and_scrap_is_one_confirmation_and_one_event(self, shop: Shop) -> None:
        state = book(shop, 15, 1, scrap_reason_id=scrap_reason().pk)
        assert (state.good, state.scrap, state.status) == (15, 1, "running")
        confirmation = Confirmation.objects.get()
        assert (confirmation.good, confirmation.scrap, confirmation.person_id) == (15, 1, shop.world.olga.pk)
        event = ledger("orders.quantity_confirmed")[0]
        assert event.data["good"] == "15"
        assert event.erp_reference == "WO-1"
        assert event.site_id == shop.world.site.pk

    def test_twice_with_one_id_counts_once(self, shop: Shop) -> None:
        command_id = uuid4()
        for _ in range(2):
            confirm_quantity(
                actor=actor_of(shop.world.olga), command_id=command_id, job_order_id=shop.job.pk, good=Decimal(3)
            )
        assert shop.reload().good_quantity == 3
        assert Confirmation.objects.count() == 1

    def test_scrap_without_a_reason_is_refused(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="why it is scrap"):
            book(shop, 1, 1)
        assert shop.reload().good_quantity == 0

    @pytest.mark.parametrize(("good", "scrap"), [(0, 0), (-1, 0), (2, -1)])
    def test_nothing_or_less_is_refused(self, shop: Shop, good: int, scrap: int) -> None:
        with pytest.raises(CommandRefused, match="Enter how many"):
            book(shop, good, scrap)

    def test_more_than_ordered_is_refused_with_what_is_left(self, shop: Shop) -> None:
        book(shop, 20)
        with pytest.raises(CommandRefused, match="at most 4 good"):
            book(shop, 5)
        assert book(shop, 4).good == 24

    def test_more_than_ordered_is_taken_within_the_tolerance(self, shop: Shop) -> None:
        shop.job.work_order.over_delivery_percent = Decimal(10)
        shop.job.work_order.save()
        assert book(shop, 26).good == 26
        with pytest.raises(CommandRefused):
            book(shop, 1)

    def test_by_nobody_of_this_line_is_refused(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="may not book quantities"):
            book(shop, 1, who=shop.world.otto)

    def test_on_what_does_not_run_is_refused(self) -> None:
        shop = make_shop()
        with pytest.raises(CommandRefused, match="is Ready"):
            book(shop, 1)


class TestAConfirmation:
    @pytest.mark.parametrize("attack", ["UPDATE orders_confirmation SET good = 99", "DELETE FROM orders_confirmation"])
    def test_is_never_edited(self, shop: Shop, attack: str) -> None:
        book(shop, 3)
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(attack)
        assert Confirmation.objects.get().good == 3


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bookings=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=6))
def test_what_an_operation_has_made_is_always_the_sum_of_its_confirmations(
    shop: Shop, bookings: list[tuple[int, int]]
) -> None:
    sid = transaction.savepoint()
    for good, scrap in bookings:
        try:
            book(shop, good, scrap, scrap_reason_id=scrap_reason().pk)
        except CommandRefused:
            continue
    job = JobOrder.objects.get(pk=shop.job.pk)
    rows = Confirmation.objects.filter(job_order=job)
    assert job.good_quantity == sum(row.good for row in rows) <= job.quantity
    assert job.scrap_quantity == sum(row.scrap for row in rows)
    transaction.savepoint_rollback(sid)


def test_booking_costs_a_known_number_of_queries(shop: Shop, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(19):
        book(shop, 1)
