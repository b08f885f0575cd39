"""The watchdog sees what must never be, and its own silence is seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.andon.commands import acknowledge, pause_clock
from apps.andon.models import ClockInterval, Timer
from apps.andon.tasks import follow_duty, watch
from apps.andon.watchdog import Rule, look
from apps.core import clock
from apps.plant.models import DutyRosterEntry, Person
from tests.andon.floor import Floor, fire_all, fresh, later, make_floor
from tests.world import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def rules(**ahead: float) -> dict[str, list[int]]:
    return {finding.rule: finding.exceptions for finding in look(clock.now() + timedelta(**ahead))}


def test_a_floor_that_works_has_no_findings(floor: Floor) -> None:
    floor.stop()
    run(acknowledge, floor.mia, exception_id=floor.stop("other").pk)
    assert rules() == {}


def test_an_exception_without_a_next_timer_is_red(floor: Floor) -> None:
    stop = floor.stop()
    Timer.objects.all().delete()
    assert rules() == {Rule.NO_TIMER: [stop.pk]}


def test_a_timer_that_did_not_fire_is_red(floor: Floor) -> None:
    stop = floor.stop()
    assert rules(minutes=8)[Rule.LATE_TIMER] == [stop.pk]


def test_an_open_one_without_a_clock_is_red(floor: Floor) -> None:
    stop = floor.stop()
    ClockInterval.objects.update(ended_at=clock.now())
    assert rules() == {Rule.NO_CLOCK: [stop.pk]}


def test_a_pause_that_is_over_is_red(floor: Floor) -> None:
    hold = floor.stop("lot", type_code="quality_hold")
    run(acknowledge, floor.sven, exception_id=hold.pk)
    run(pause_clock, floor.sven, exception_id=hold.pk, reason="waits_for_supplier", minutes=30)
    assert Rule.PAUSE_OVER in rules(minutes=32)


def test_an_owner_who_is_not_there_is_red_until_the_owners_are_followed(floor: Floor) -> None:
    stop = floor.stop()
    clock.move_to(clock.now() + timedelta(minutes=2), rate=0)
    DutyRosterEntry.objects.filter(person=floor.mia).update(ends_at=clock.now() - timedelta(minutes=1, seconds=30))
    assert rules()[Rule.NO_OWNER] == [stop.pk]
    follow_duty.run()
    fire_all()
    assert rules() == {}
    assert fresh(stop).owner == floor.sven


def test_a_deactivated_owner_is_red_whoever_did_it(floor: Floor) -> None:
    stop = floor.stop()
    Person.objects.filter(pk=floor.mia.pk).update(is_active=False)
    assert rules()[Rule.NO_OWNER] == [stop.pk]


class TestHealth:
    def test_is_well_after_a_round_without_findings(self, floor: Floor, client: Client) -> None:
        floor.stop()
        watch.run()
        answer = client.get("/health/andon")
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")

    def test_says_what_is_red_in_numbers_only(self, floor: Floor, client: Client) -> None:
        floor.stop()
        Timer.objects.all().delete()
        watch.run()
        answer = client.get("/health/andon")
        assert (answer.status_code, answer.json()["findings"]) == (503, {"no_timer": 1})

    def test_silence_shows_within_two_periods(self, floor: Floor, client: Client) -> None:
        assert client.get("/health/andon").json()["status"] == "silent", "nobody has ever looked"
        watch.run()
        later(seconds=121)
        answer = client.get("/health/andon")
        assert (answer.status_code, answer.json()["status"]) == (503, "silent")
