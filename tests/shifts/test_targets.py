"""The target of a shift is typed, kept in every version, and read with the counts of the one counting point."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.orders.commands import confirm_quantity, reverse_confirmation, take_edge
from apps.orders.models import Confirmation, JobOrder
from apps.plant.models import Person, Purpose, ReasonCode
from apps.shifts.commands import set_target
from apps.shifts.models import ShiftTarget
from apps.shifts.queries import pace, target_in_force
from tests.orders.shop import Shop, make_job, make_shop
from tests.world import ledger, make_calendar, make_station, run

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 6, 1)


def local(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, 1, hour, minute, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


@pytest.fixture
def shop() -> Shop:
    clock.move_to(local(8), rate=0)
    shop = make_shop()
    make_calendar(shop.world.site)
    return shop


def target(shop: Shop, quantity: int, *, who: Person | None = None, code: str = "E", why: str = "") -> Any:
    return run(
        set_target,
        who or shop.world.lena,
        work_center_id=shop.world.line.pk,
        shift_date=MONDAY,
        shift_code=code,
        quantity=Decimal(quantity),
        reason=why,
    )


def make(shop: Shop, job: JobOrder, quantity: int) -> None:
    if not JobOrder.objects.get(pk=job.pk).is_running:
        run(take_edge, shop.world.olga, job_order_id=job.pk, edge="start", inputs={})
    run(confirm_quantity, shop.world.olga, job_order_id=job.pk, good=Decimal(quantity))


def made(shop: Shop) -> Decimal:
    found = pace(shop.world.line, clock.now())
    assert found is not None
    return found.made


class TestATarget:
    def test_is_kept_in_every_version_with_its_reason(self, shop: Shop) -> None:
        target(shop, 96)
        assert target(shop, 80, why="rig is down").version == 2
        rows = ShiftTarget.objects.order_by("version").values_list("quantity", "note", "set_by_id")
        assert list(rows) == [(96, "", shop.world.lena.pk), (80, "rig is down", shop.world.lena.pk)]
        assert pace(shop.world.line, clock.now()).target == 80
        old, new = ledger("shifts.target_set")
        assert (old.data["old_quantity"], new.data["old_quantity"]) == (None, "96.000000")
        assert "rig" not in str(new.data)

    def test_changed_in_the_shift_needs_a_reason_before_it_none(self, shop: Shop) -> None:
        target(shop, 96)
        with pytest.raises(CommandRefused, match="Say why"):
            target(shop, 80, why="  ")
        target(shop, 96, code="L")
        target(shop, 80, code="L")
        assert target_in_force(shop.world.line.pk, pace(shop.world.line, local(15)).shift).quantity == 80

    def test_of_a_shift_that_is_over_stays(self, shop: Shop) -> None:
        clock.move_to(local(14), rate=0)
        with pytest.raises(CommandRefused, match="over"):
            target(shop, 96, why="late")

    def test_of_no_shift_or_of_nothing_is_refused(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="no such shift"):
            target(shop, 96, code="X")
        with pytest.raises(CommandRefused, match="how many"):
            target(shop, 0)

    def test_is_the_leads(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="You may not"):
            target(shop, 96, who=shop.world.olga)


class TestWhatIsMade:
    def test_counts_once_at_the_last_operation_when_no_station_is_named(self, shop: Shop) -> None:
        first = make_job(shop.world.line, shop.world.station, number="WO-2", operations=2)
        make(shop, first, 5)
        assert made(shop) == 0
        make(shop, shop.job, 3)
        assert made(shop) == 3

    def test_counts_at_the_counting_station_only(self, shop: Shop) -> None:
        line, counting = shop.world.line, make_station(shop.world.line, "K36", position=2)
        line.counting_unit = counting
        line.save()
        make(shop, shop.job, 3)
        make(shop, make_job(line, counting, number="WO-2"), 4)
        assert made(shop) == 4

    def test_a_reversal_subtracts_in_the_shift_of_what_it_undoes(self, shop: Shop) -> None:
        make(shop, shop.job, 3)
        clock.move_to(local(15), rate=0)
        make(shop, shop.job, 2)
        wrong = Confirmation.objects.earliest("pk")
        why = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
        run(reverse_confirmation, shop.world.lena, confirmation_id=wrong.pk, reason_id=why.pk)
        assert made(shop) == 2
        assert pace(shop.world.line, local(13, 59)).made == 0

    def test_no_shift_no_pace(self) -> None:
        clock.move_to(local(8), rate=0)
        assert pace(make_shop().world.line, clock.now()) is None
