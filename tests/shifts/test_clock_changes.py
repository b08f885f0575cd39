"""The OEE of a night on which the clocks change, worked out by hand: Berlin, 22:00 to 06:00 with two breaks."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from apps.core import clock
from apps.equipment.models import StateInterval
from apps.orders.models import Confirmation
from apps.shifts.oee import UnitOee, oee_of
from tests.equipment.machines import make_machine
from tests.orders.shop import Shop, make_shop
from tests.world import make_calendar

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = [("N", time(22), time(6), [["02:00", "02:30"], ["04:00", "04:15"]])]
HOUR, MINUTE = 3600, 60
# In UTC: the end of winter time jumps from 01:00 on, the end of summer time comes at 01:00.
PLAIN, SPRING, AUTUMN = (
    (datetime(2026, 3, 26, 21, tzinfo=UTC), datetime(2026, 3, 27, 5, tzinfo=UTC)),
    (datetime(2026, 3, 28, 21, tzinfo=UTC), datetime(2026, 3, 29, 4, tzinfo=UTC)),
    (datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 5, tzinfo=UTC)),
)
Night = tuple[datetime, datetime]


@pytest.fixture
def shop() -> Shop:
    clock.move_to(datetime(2026, 12, 1, tzinfo=UTC), rate=0)
    made = make_shop(quantity=10_000)
    make_calendar(made.world.site, NIGHT)
    make_machine(made.world.station, expected_cycle_seconds=Decimal(60))
    return made


def did(shop: Shop, *story: tuple[str, datetime, datetime]) -> None:
    unit = shop.world.station
    StateInterval.objects.bulk_create(
        StateInterval(
            site_id=unit.site_id, work_unit=unit, state=state, word_of="signal", started_at=start, ended_at=end
        )
        for state, start, end in story
    )


def made(shop: Shop, at: datetime, good: int) -> None:
    Confirmation.objects.create(
        site_id=shop.world.site.pk,
        job_order=shop.job,
        good=Decimal(good),
        scrap=Decimal(0),
        command_id=UUID(int=good),
        occurred_at=at,
    )


def wall(year: int, month: int, day: int, hour: int, minute: int, *, fold: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN, fold=fold).astimezone(UTC)


def of(shop: Shop, night: Night) -> UnitOee:
    return oee_of(shop.world.station, *night)


@pytest.mark.parametrize(
    ("night", "hours"), [(PLAIN, 8), (SPRING, 7), (AUTUMN, 9)], ids=["a plain night", "spring", "autumn"]
)
def test_a_night_is_as_long_as_it_is_and_its_breaks_as_long_as_planned(shop: Shop, night: Night, hours: int) -> None:
    did(shop, ("producing", *night))
    made(shop, night[0], 300)
    whole = of(shop, night).elements
    planned = hours * HOUR - 45 * MINUTE
    assert (whole.planned, whole.production, whole.outside) == (planned, planned, 45 * MINUTE)
    assert whole.availability.value == 1
    assert whole.oee.value == Fraction(300 * 60, planned)


def test_a_stop_over_the_hour_that_comes_twice_lasts_both_of_them(shop: Shop) -> None:
    """01:30 to 03:10 on the wall: 2 h 40 min, of which the break at 02:00, the first time it is 02:00, takes 30."""
    start, end = AUTUMN
    stop, runs = wall(2026, 10, 25, 1, 30), wall(2026, 10, 25, 3, 10)
    assert (runs - stop).total_seconds() == 160 * MINUTE
    did(shop, ("producing", start, stop), ("fault", stop, runs), ("producing", runs, end))
    found = of(shop, AUTUMN)
    whole = found.elements
    assert whole.planned == 9 * HOUR - 45 * MINUTE
    assert whole.down == 130 * MINUTE
    assert whole.production == 9 * HOUR - 45 * MINUTE - 130 * MINUTE
    assert [loss.seconds for loss in found.losses] == [130 * MINUTE]
    assert whole.failures == 1


def test_the_break_of_the_hour_that_comes_twice_is_taken_once(shop: Shop) -> None:
    start, end = AUTUMN
    first, again = wall(2026, 10, 25, 2, 0), wall(2026, 10, 25, 2, 0, fold=1)
    did(shop, ("producing", start, first), ("waiting", first, again), ("idle", again, end))
    whole = of(shop, AUTUMN).elements
    assert whole.production == 4 * HOUR
    assert whole.delay == 30 * MINUTE, "of the first hour at two, half is break"
    assert whole.idle == 4 * HOUR - 15 * MINUTE, "the second one is all work"


def test_a_stop_over_the_hour_that_is_left_out_lasts_what_it_lasts(shop: Shop) -> None:
    """01:30 to 03:40 on the wall: 70 minutes; the break of 02:00 begins with the jump and takes 30 of them."""
    start, end = SPRING
    stop, runs = wall(2026, 3, 29, 1, 30), wall(2026, 3, 29, 3, 40)
    assert (runs - stop).total_seconds() == 70 * MINUTE
    did(shop, ("producing", start, stop), ("stopped", stop, runs), ("producing", runs, end))
    whole = of(shop, SPRING).elements
    assert whole.planned == 7 * HOUR - 45 * MINUTE
    assert whole.down == 40 * MINUTE
    assert whole.production == 7 * HOUR - 45 * MINUTE - 40 * MINUTE


def test_a_piece_counts_in_the_night_in_which_it_was_made_once(shop: Shop) -> None:
    start, end = AUTUMN
    made(shop, start, 1)
    made(shop, wall(2026, 10, 25, 2, 30), 2)
    made(shop, wall(2026, 10, 25, 2, 30, fold=1), 4)
    made(shop, end, 8)
    assert of(shop, AUTUMN).elements.good == 1 + 2 + 4
    assert of(shop, (end, end.replace(hour=23))).elements.good == 8


def test_a_stop_from_one_night_into_the_day_is_of_both_and_a_failure_of_the_first(shop: Shop) -> None:
    start, end = PLAIN
    stop = wall(2026, 3, 27, 5, 30)
    did(shop, ("producing", start, stop), ("fault", stop, end.replace(hour=12)))
    night, day = of(shop, PLAIN).elements, of(shop, (end, end.replace(hour=12))).elements
    assert (night.down, night.failures) == (30 * MINUTE, 1)
    assert (day.planned, day.down, day.failures) == (0, 0, 0)
