"""When a stop is likely to end: the median of its reason at the machine, else at the line, else anywhere."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.equipment.commands import classify_stop, stop_machine
from apps.equipment.estimates import ENOUGH_STOPS, Basis, estimated_end, estimates
from apps.equipment.models import Downtime, DowntimePart
from apps.plant.models import ReasonCode, WorkUnit
from tests.equipment.machines import at, later, make_machine, seconds, tell
from tests.seeded import seed_plant
from tests.world import World, make_station, make_world, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    seed_plant()
    found = make_world()
    make_machine(found.station, micro_stop_seconds=120, silence_seconds=None)
    return found


def reason(code: str) -> ReasonCode:
    return ReasonCode.objects.get(purpose="downtime", code=code)


def past(unit: WorkUnit, code: str, *lengths: float, since: float = -100_000) -> None:
    """Stops that are over, one after another, of so many seconds each."""
    for n, length in enumerate(lengths):
        start = at(since - 20_000 * len(code) + n * 20_000)
        downtime = Downtime.objects.create(
            site_id=unit.site_id, work_unit=unit, started_at=start, ended_at=start + timedelta(seconds=length)
        )
        DowntimePart.objects.create(
            downtime=downtime,
            site_id=unit.site_id,
            started_at=start,
            ended_at=downtime.ended_at,
            reason=reason(code),
            classified_at=start,
        )


def stopped(world: World, code: str = "") -> Downtime:
    """Since second 100, looked at in second 300."""
    tell(world.station, (0, "producing"), (100, "fault"), now=300)
    later(300)
    downtime = Downtime.objects.open().get()
    if code:
        run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason(code).pk)
    return downtime


def expected(downtime: Downtime, *, now: float = 300) -> float | None:
    found = estimated_end(downtime, now=at(now))
    return seconds(found) if found else None


def test_the_nearest_of_which_there_are_enough_counts(world: World) -> None:
    downtime = stopped(world)
    assert expected(downtime) is None, "no reason yet"
    run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason("media").pk)
    elsewhere = make_station(world.other_line, code="Z1")
    past(elsewhere, "media", 900, 1000)
    assert expected(downtime) is None, "too few to go by"
    past(elsewhere, "media", 1100, since=-300_000)
    assert expected(downtime) == 100 + 1000
    past(make_station(world.line, code="A34"), "media", 500, 600, 700)
    assert expected(downtime) == 100 + 600
    past(world.station, "media", 300, 10_000)
    assert expected(downtime) == 100 + 600, "the line's, with the machine's own two"
    past(world.station, "media", 400, since=-300_000)
    assert expected(downtime) == 100 + 400
    past(world.station, "control", 1, 1, 1, since=-600_000)
    assert expected(downtime) == 100 + 400, "another reason is another matter"


def test_an_even_number_is_halfway_between_the_two_in_the_middle(world: World) -> None:
    downtime = stopped(world, "media")
    past(world.station, "media", 100, 200, 301, 10_000)
    assert expected(downtime) == pytest.approx(100 + 250.5)


def test_one_that_lasts_longer_than_usual_is_late_and_expected_now(world: World) -> None:
    downtime = stopped(world, "media")
    past(world.station, "media", 300, 400, 500)
    (before,), (after,) = (estimates([downtime], now=at(now)).values() for now in (450, 700))
    assert (before.is_late, seconds(before.ends_at)) == (False, 500)
    assert (after.is_late, seconds(after.ends_at)) == (True, 700)
    assert (after.usual.length, after.usual.stops, after.usual.basis) == (timedelta(seconds=400), 3, Basis.MACHINE)


def test_what_is_over_withdrawn_or_too_long_ago_says_nothing(world: World) -> None:
    downtime = stopped(world, "media")
    past(world.station, "media", 300, 400, since=-400 * 86_400)
    past(world.station, "media", 300, 400)
    assert expected(downtime) is None, "two within the year"
    past(world.station, "media", 500, since=-300_000)
    assert expected(downtime) == 100 + 400
    Downtime.objects.exclude(pk=downtime.pk).filter(started_at__gt=at(-401_000)).update(withdrawn_at=at(0))
    assert expected(downtime) is None
    past(world.station, "media", 300, 400, 500, since=-600_000)
    assert expected(downtime) == 100 + 400
    downtime.ended_at = at(350)
    assert estimates([downtime], now=at(400)) == {}


def test_many_stops_ask_no_more_than_one(world: World, django_assert_num_queries: Callable[..., Any]) -> None:
    stopped(world, "media")
    past(world.station, "media", 300, 400, 500)
    for n in range(4):
        unit = make_station(world.line, code=f"T{n}", position=n + 2)
        opened = run(stop_machine, world.olga, work_unit_id=unit.pk)
        version = Downtime.objects.get(pk=opened.downtime_id).version
        run(
            classify_stop,
            world.olga,
            downtime_id=opened.downtime_id,
            version=version,
            reason_id=reason("media").pk,
        )
    rows = list(Downtime.objects.open())
    with django_assert_num_queries(4):
        found = estimates(rows, now=at(300))
    assert len(found) == 5


def test_it_is_the_median_that_plain_python_finds(world: World) -> None:
    """Random histories of six machines at two lines, against a recomputation of every machine and reason."""
    dice = random.Random(20261123)
    lines = [world.line, world.other_line]
    units = [make_station(line, code=f"M{n}", position=n + 5) for line in lines for n in range(3)]
    history: list[tuple[WorkUnit, str, float]] = []
    codes = ["media", "control", "tooling", "no_material"]
    for unit in units:
        for code in codes:
            lengths = [dice.uniform(1, 9000) for _ in range(dice.choice([0, 1, 2, 3, 4, 7]))]
            past(unit, code, *lengths, since=-10_000_000 * (1 + codes.index(code)) / 10)
            history += [(unit, code, length) for length in lengths]
    for unit in units:
        going = Downtime.objects.create(site_id=unit.site_id, work_unit=unit, started_at=at(0), calls_nobody=True)
        part = DowntimePart.objects.create(downtime=going, site_id=unit.site_id, started_at=at(0))
        for code in codes:
            DowntimePart.objects.filter(pk=part.pk).update(reason=reason(code), classified_at=at(0))
            kin = [(u, length) for u, c, length in history if c == code]
            groups = [
                [length for u, length in kin if u == unit],
                [length for u, length in kin if u.work_center_id == unit.work_center_id],
                [length for _u, length in kin],
            ]
            enough = next((group for group in groups if len(group) >= ENOUGH_STOPS), None)
            found = expected(going, now=0)
            if enough is None:
                assert found is None
            else:
                assert found == pytest.approx(statistics.median(enough), abs=1e-5)
