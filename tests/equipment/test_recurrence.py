"""The same reason at the same machine again and again is one problem, with the minutes that it has cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from apps.andon.models import FloorException, Problem
from apps.core import clock
from apps.equipment.commands import classify_stop, correct_reason, running_again, stop_machine
from apps.equipment.models import Downtime
from apps.plant.models import ReasonCode, WorkUnit
from tests.andon.floor import Floor, make_floor
from tests.concurrency import at_once
from tests.equipment.machines import make_machine
from tests.world import ledger, make_station, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    floor = make_floor()
    make_machine(floor.world.station, raises_exceptions=True)
    return floor


def reason(code: str) -> ReasonCode:
    return ReasonCode.objects.get(purpose="downtime", code=code)


def stands(floor: Floor, unit: WorkUnit | None = None) -> Downtime:
    opened = run(stop_machine, floor.world.lena, work_unit_id=(unit or floor.world.station).pk)
    return Downtime.objects.get(pk=opened.downtime_id)


def runs(floor: Floor, downtime: Downtime, *, minutes: int = 20) -> None:
    clock.move_to(clock.now() + timedelta(minutes=minutes), rate=0)
    run(running_again, floor.world.lena, work_unit_id=downtime.work_unit_id)
    clock.move_to(clock.now() + timedelta(minutes=5), rate=0)


def explain(floor: Floor, downtime: Downtime, code: str) -> None:
    downtime.refresh_from_db()
    run(
        classify_stop,
        floor.world.lena,
        downtime_id=downtime.pk,
        version=downtime.version,
        reason_id=reason(code).pk,
    )


def correct(floor: Floor, downtime: Downtime, code: str) -> None:
    downtime.refresh_from_db()
    (part,) = downtime.parts.all()
    run(
        correct_reason,
        floor.world.lena,
        downtime_id=downtime.pk,
        version=downtime.version,
        part_id=part.pk,
        reason_id=reason(code).pk,
    )


def again(floor: Floor, code: str, times: int = 1, *, unit: WorkUnit | None = None, minutes: int = 20) -> Downtime:
    """It stands for so many minutes, and somebody says why; every second time only when it runs again."""
    for n in range(times):
        downtime = stands(floor, unit)
        if n % 2:
            explain(floor, downtime, code)
        runs(floor, downtime, minutes=minutes)
        if not n % 2:
            explain(floor, downtime, code)
    return downtime


def test_the_third_time_opens_one_problem_with_all_cases_and_the_minutes_lost(floor: Floor) -> None:
    again(floor, "tooling", 2)
    assert not Problem.objects.exists()
    again(floor, "tooling", 1, minutes=50)
    problem = Problem.objects.with_cases(clock.now()).get()
    assert (problem.case_count, problem.time_lost) == (3, timedelta(minutes=20 + 20 + 50))
    assert len(ledger("andon.problem_opened")) == 1
    again(floor, "tooling")
    assert Problem.objects.get().cases.count() == 4


def test_it_is_named_by_machine_and_reason_in_the_readers_language(floor: Floor) -> None:
    again(floor, "tooling", 3)
    for language, name in (("en", "A33, Tool or fixture"), ("de", "A33, Werkzeug oder Vorrichtung")):
        with translation.override(language):
            assert str(Problem.objects.select_related("type").get()).endswith(name)


def test_another_reason_or_another_machine_is_another_matter(floor: Floor) -> None:
    other = make_station(floor.world.line, code="T34", position=2)
    again(floor, "tooling", 2)
    again(floor, "media", 2)
    again(floor, "tooling", 2, unit=other)
    assert not Problem.objects.exists()


def test_stops_that_nobody_has_explained_are_cases_of_nothing(floor: Floor) -> None:
    for _ in range(4):
        runs(floor, stands(floor))
    assert not Problem.objects.exists()
    for downtime in Downtime.objects.order_by("pk"):
        explain(floor, downtime, "media")
    assert Problem.objects.get().cases.count() == 4, "as soon as it is said, however late"


def test_a_reason_that_is_corrected_takes_its_case_along(floor: Floor) -> None:
    last = again(floor, "tooling", 3)
    again(floor, "media", 2)
    correct(floor, last, "media")
    tooling, media = Problem.objects.order_by("pk")
    assert (tooling.cases.count(), media.cases.count()) == (2, 3)
    correct(floor, last, "tooling")
    assert (tooling.cases.count(), media.cases.count()) == (3, 2)
    assert Problem.objects.count() == 2


def test_a_reason_that_calls_nobody_makes_no_problem(floor: Floor) -> None:
    floor.world.station.machine.quiet_reasons.add(reason("cleaning"))
    again(floor, "cleaning", 4)
    assert not Problem.objects.exists()
    last = again(floor, "tooling", 3)
    downtime = stands(floor)
    explain(floor, downtime, "tooling")
    assert Problem.objects.get().cases.count() == 4
    correct(floor, downtime, "cleaning")
    assert Problem.objects.get().cases.count() == 3
    assert FloorException.objects.get(cause_key=str(last.pk)).problem is not None


@pytest.mark.django_db(transaction=True)
def test_two_who_explain_the_third_and_the_fourth_at_once_open_one(floor: Floor) -> None:
    other = floor.world.station
    again(floor, "tooling", 2)
    downtimes = []
    for _ in range(2):
        downtimes.append(stands(floor, other))
        runs(floor, downtimes[-1])
    at_once(*[lambda each=each: explain(floor, each, "tooling") for each in downtimes])
    assert Problem.objects.get().cases.count() == 4
