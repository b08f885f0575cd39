"""What screens read of exceptions: the ladder, the clocks, whose they are; always with the same number of queries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.andon.commands import acknowledge, cannot, pause_clock
from apps.andon.models import ExceptionType, FloorException, PolicyVersion, SiteRules
from apps.andon.owners import DUTY_DESK, Place
from apps.andon.path import clocks, looks, path
from apps.andon.preview import policy_preview
from apps.andon.queries import by_owner, open_at_line, open_at_station, open_for
from apps.core import clock
from apps.plant.commands import report_absent
from tests.andon.floor import MORNING, Floor, fresh, later, make_floor
from tests.world import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def rungs(exception: FloorException) -> list[tuple[str, str]]:
    """Username and stage of each."""
    return [(rung.person.username if rung.person else "", rung.stage.value) for rung in path(fresh(exception))]


def test_the_path_says_who_was_reached_who_is_next_and_who_comes_later(floor: Floor) -> None:
    floor.roster(floor.paul, "plant_manager", MORNING - timedelta(hours=1), MORNING + timedelta(hours=16))
    stop = floor.stop()
    later(minutes=6)
    assert rungs(stop) == [
        ("mia", "past"), ("", "past"), ("marta", "here"), ("sven", "soon"), ("paul", "later"),
    ]  # fmt: skip
    seen = path(fresh(stop))
    begun = fresh(stop).ladder_started_at
    assert seen[2].reached_at == begun + timedelta(minutes=6)
    assert [rung.due for rung in seen[3:]] == [begun + timedelta(minutes=15), begun + timedelta(minutes=30)]
    assert [rung.repeat_minutes for rung in seen] == [None, None, None, None, 15]


def test_the_last_step_says_when_it_asks_again(floor: Floor) -> None:
    stop = floor.stop()
    for minutes in (5, 10, 15):
        later(minutes=minutes)
    last = path(fresh(stop))[-1]
    assert (last.stage, last.due) == ("here", fresh(stop).ladder_started_at + timedelta(minutes=45))
    (look,) = looks([fresh(stop)])
    assert look.next == last


def test_an_answer_stops_the_ladder_and_the_path_shows_it(floor: Floor) -> None:
    stop = floor.stop()
    later(minutes=6)
    run(acknowledge, floor.marta, exception_id=stop.pk)
    seen = path(fresh(stop))
    assert (seen[0].person, seen[0].stage, seen[0].reached_at) == (floor.marta, "answered", clock.now())
    assert [rung.due for rung in seen] == [None] * 5


def test_a_step_where_nobody_is_on_duty_names_nobody(floor: Floor) -> None:
    stop = floor.stop()
    run(report_absent, floor.marta, person_id=floor.marta.pk)
    assert [rung.person for rung in path(fresh(stop)) if rung.whom == "Maintenance lead"] == [None]


def test_a_clock_shows_what_is_left_and_what_is_over(floor: Floor) -> None:
    stop = floor.stop()
    later(minutes=3)
    (answer,) = clocks(fresh(stop))
    assert (answer.clock, answer.left, answer.percent, answer.is_over) == ("response", timedelta(minutes=2), 60, False)
    later(minutes=4)
    (answer,) = clocks(fresh(stop))
    assert (answer.left, answer.percent, answer.is_over) == (-timedelta(minutes=2), 140, True)


def test_a_clock_that_stands_says_until_when_and_for_whom(floor: Floor) -> None:
    hold = floor.stop("lot", type_code="quality_hold")
    run(acknowledge, floor.sven, exception_id=hold.pk)
    run(pause_clock, floor.sven, exception_id=hold.pk, reason="waits_for_supplier", minutes=30)
    (resolve,) = clocks(fresh(hold))
    assert resolve.is_paused
    assert (resolve.due, resolve.pause_reason) == (None, "Waits for the supplier")


def test_everybody_sees_what_is_theirs_and_what_they_are_called_to(floor: Floor) -> None:
    stop, call = floor.stop(), floor.help()
    later(minutes=6)
    assert [look.exception for look in open_for(floor.mia.pk).owned] == [stop]
    assert [look.exception for look in open_for(floor.marta.pk).called] == [stop]
    assert call in [look.exception for look in open_for(floor.sven.pk).all]
    assert open_for(floor.world.olga.pk).all == []
    run(acknowledge, floor.marta, exception_id=stop.pk)
    assert [look.exception for look in open_for(floor.marta.pk).owned] == [stop]
    assert open_for(floor.mia.pk).all == []


def test_what_is_handed_over_comes_first_until_it_is_accepted(floor: Floor) -> None:
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    run(report_absent, floor.mia, person_id=floor.mia.pk)
    assert [look.exception for look in open_for(floor.sven.pk).handed] == [stop]


def test_a_station_shows_its_own_calls_and_those_of_its_line(floor: Floor) -> None:
    stop, call = floor.stop(), floor.help()
    station, line = floor.world.station, floor.world.line
    assert set(open_at_station(station.pk, line.pk)) == {stop, call}
    assert set(open_at_line(line.pk)) == {stop, call}
    assert open_at_line(floor.world.other_line.pk) == []


def test_one_that_follows_another_is_shown_as_that_one(floor: Floor) -> None:
    stops = [floor.stop(f"U{n}") for n in range(7)]
    parent = fresh(stops[0]).parent
    assert open_at_line(floor.world.line.pk) == [parent]


def test_the_list_by_owner_is_ordered_by_deadline(floor: Floor) -> None:
    floor.stop("late", type_code="quality_hold")
    stop = floor.stop()
    groups = by_owner(FloorException.objects.all())
    assert [group.owner for group in groups] == [floor.mia, floor.sven]
    assert groups[0].looks[0].exception == stop
    assert groups[0].role == "Maintenance technician"


def test_many_cost_as_many_queries_as_one(floor: Floor) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            by_owner(FloorException.objects.all())
            open_for(floor.mia.pk)
            looks(open_at_line(floor.world.line.pk))
        # The moved clock is read anew after a tenth of a second, whatever is asked.
        return sum("core_sharedclock" not in query["sql"] for query in captured)

    floor.stop()
    floor.stop("H0", type_code="quality_hold")
    queries()  # what is kept for good is read
    few = queries()
    for n in range(1, 25):
        floor.stop(f"H{n}", type_code="quality_hold")
    assert queries() == few


def test_nothing_open_costs_one_query(floor: Floor, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert looks(open_at_station(floor.world.station.pk, floor.world.line.pk)) == []


class TestAPreview:
    """Raised on line 3 at 02:10 on Sunday: who is told when."""

    def told(self, floor: Floor, at: datetime) -> list[tuple[int, str, str]]:
        kind = ExceptionType.objects.get(code="downtime")
        place = Place(floor.world.site, floor.world.area, floor.world.line)
        version = PolicyVersion.objects.in_force().get(policy=kind.policy)
        return [
            ((told.at - at) // timedelta(minutes=1), told.person.username if told.person else "", told.why)
            for told in policy_preview(kind, place, at, version)
        ]

    def test_names_those_on_duty_then_and_passes_who_is_not(self, floor: Floor) -> None:
        assert self.told(floor, MORNING) == [
            (0, "mia", "owner"),
            (0, "", "step"),
            (0, "marta", "step"),
            (15, "sven", "step"),
            (30, "", "step"),
            (30, DUTY_DESK, "default"),
        ]

    def test_by_night_nobody_is_there_but_the_named_default(self, floor: Floor) -> None:
        night = MORNING.replace(hour=1, minute=10) + timedelta(days=5)
        assert {name for _minutes, name, _why in self.told(floor, night)} == {"", DUTY_DESK}

    def test_writes_nothing(self, floor: Floor) -> None:
        assert self.told(floor, MORNING)
        assert not SiteRules.objects.exists()
        assert not FloorException.objects.exists()


def test_who_can_not_come_is_passed_in_the_path(floor: Floor) -> None:
    stop = floor.stop()
    run(cannot, floor.mia, exception_id=stop.pk, reason="busy_elsewhere")
    assert ("marta", "here") in rungs(stop)
