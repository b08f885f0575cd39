"""OEE of a shift from what the calendar planned, the machine did and the operator booked; it agrees to the second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from apps.core import clock
from apps.equipment.commands import classify_stop
from apps.equipment.models import Downtime, Machine
from apps.equipment.oee import Missing
from apps.orders.commands import confirm_quantity, reverse_confirmation, take_edge
from apps.orders.models import Confirmation
from apps.plant.models import Purpose, ReasonCode
from apps.shifts.oee import oee_of
from tests.equipment.machines import at, later, make_machine, seconds, tell
from tests.orders.shop import Shop, make_shop, scrap_reason
from tests.world import make_calendar, run

pytestmark = pytest.mark.django_db

# 06:00 to 14:00 UTC with a break of half an hour: the tests' second 0 is 06:00.
EARLY = [("E", time(6), time(14), [["09:00", "09:30"]])]
SHIFT, BREAK = 8 * 3600, (3 * 3600, 3 * 3600 + 1800)
PLANNED = SHIFT - 1800


@pytest.fixture
def shop() -> Shop:
    clock.move_to(at(0), rate=0)
    made = make_shop(quantity=1000)
    made.world.site.timezone = "UTC"
    made.world.site.save()
    make_calendar(made.world.site, EARLY)
    make_machine(made.world.station, silence_seconds=None, expected_cycle_seconds=Decimal(60))
    run(take_edge, made.world.olga, job_order_id=made.job.pk, edge="start", inputs={})
    return made


def oee(shop: Shop, start: float = 0, end: float = SHIFT) -> Any:
    return oee_of(shop.world.station, at(start), at(end))


def test_a_shift_of_47_micro_stops_and_3_longer_ones_adds_up(
    shop: Shop, django_assert_num_queries: Callable[..., Any]
) -> None:
    lengths = [15 + n for n in range(47)]
    for n, length in ((10, 300), (25, 121), (40, 900)):
        lengths.insert(n, length)
    said: list[tuple[float, str]] = [(0, "producing")]
    moment, stood = 0.0, 0.0
    for length in lengths:
        moment += 450
        said += [(moment, "stopped"), (moment + length, "producing")]
        if length >= 120:
            stood += length - max(0.0, min(moment + length, BREAK[1]) - max(moment, BREAK[0]))
        moment += length
    tell(shop.world.station, *said, now=SHIFT)
    later(SHIFT)
    downtimes = list(Downtime.objects.order_by("started_at"))
    assert [seconds(d.ended_at) - seconds(d.started_at) for d in downtimes if d.ended_at] == [300, 121, 900]
    media = ReasonCode.objects.get(purpose=Purpose.DOWNTIME, code="media")
    run(classify_stop, shop.world.olga, downtime_id=downtimes[2].pk, version=1, reason_id=media.pk)
    clock.move_to(at(SHIFT), rate=0)
    run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(380), scrap=Decimal(20),
        scrap_reason_id=scrap_reason().pk)  # fmt: skip
    with django_assert_num_queries(6):
        found = oee(shop, 0, SHIFT + 1)
    whole = found.elements
    assert whole.planned == PLANNED
    assert whole.down == Fraction(stood)
    assert whole.production == PLANNED - Fraction(stood)
    assert sum(whole.losses.values()) == PLANNED
    assert whole.oee.value == Fraction(380 * 60, PLANNED)
    assert whole.failures == 3
    assert sum(loss.seconds for loss in found.losses) == whole.down
    assert found.losses[0].reason_id == media.pk


def test_what_is_to_come_is_not_planned_yet_and_what_nobody_heard_of_is_unexplained(shop: Shop) -> None:
    clock.move_to(at(3600), rate=0)
    found = oee(shop).elements
    assert (found.planned, found.unexplained, found.availability.value) == (3600, 3600, 0)


def test_without_a_standard_time_only_availability_is_said(shop: Shop) -> None:
    Machine.objects.update(expected_cycle_seconds=None)
    tell(shop.world.station, (0, "producing"), now=3600)
    clock.move_to(at(3600), rate=0)
    run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(5))
    found = oee(shop, 0, 3601).elements
    assert found.availability.value == 1
    assert found.effectiveness.missing == found.oee.missing == Missing.NO_STANDARD_TIME


def test_outside_all_shifts_nothing_is_planned(shop: Shop) -> None:
    tell(shop.world.station, (SHIFT, "producing"), now=SHIFT + 3600)
    found = oee(shop, SHIFT, SHIFT + 3600).elements
    assert (found.planned, found.outside, found.oee.missing) == (0, 3600, Missing.NO_PLAN)


def test_a_reversal_counts_where_it_undoes(shop: Shop) -> None:
    tell(shop.world.station, (0, "producing"), now=600)
    run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(5))
    clock.move_to(at(5000), rate=0)
    assert oee(shop, 0, 3600).elements.good == 5
    run(
        reverse_confirmation, shop.world.lena, confirmation_id=Confirmation.objects.get().pk,
        reason_id=ReasonCode.objects.choosable(Purpose.REVERSAL)[0].pk,
    )  # fmt: skip
    assert oee(shop, 0, 3600).elements.good == 0
    assert oee(shop, 3600, 7200).elements.good == 0


def test_a_late_signal_changes_what_was_first_said(shop: Shop) -> None:
    tell(shop.world.station, (0, "producing"), now=3600)
    before = oee(shop, 0, 3600).elements
    tell(shop.world.station, (600, "waiting"), (1200, "producing"), now=3700)
    after = oee(shop, 0, 3600).elements
    assert (before.delay, after.delay) == (0, 600)
    assert sum(after.losses.values()) == after.planned == 3600
    assert timedelta(seconds=float(after.planned)) == at(3600) - datetime(2026, 6, 1, 6, tzinfo=UTC)
