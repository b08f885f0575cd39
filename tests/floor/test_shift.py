"""The shift of a place on one screen: lines, machines that stand, blocked orders, people, and what is handed on."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from apps.andon.commands import acknowledge, remark
from apps.core import clock
from apps.equipment.commands.machines import running_again, stop_machine
from apps.equipment.commands.stops import classify_stop
from apps.equipment.models import Downtime
from apps.floor.fragments import (
    andon_fragment,
    blocked_fragment,
    lines_fragment,
    people_fragment,
    standing_fragment,
)
from apps.labor.commands import clock_off
from apps.orders.commands import take_edge
from apps.plant.commands import report_absent, roster_duty
from apps.plant.models import Person, Purpose, ReasonCode
from apps.shifts.commands import set_target
from tests.andon.floor import MORNING, SYSTEM, TERMINAL, Floor, later, make_floor
from tests.materials.stock_world import make_location, put_stock
from tests.orders.shop import make_job
from tests.orders.test_cures import Short
from tests.orders.test_material_use import make_store
from tests.world import give_role, make_line, make_person, make_station, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    floor = make_floor()
    # Whose home the site is may be seen as away: they live in one.
    Person.objects.update(site=floor.world.site)
    return floor


@pytest.fixture(autouse=True)
def _english() -> None:
    translation.activate("en")


def page(person: Person, at: str = "") -> str:
    client = Client()
    client.force_login(person)
    return client.get("/andon/S1/", {"at": at} if at else {}).content.decode()


def reason() -> ReasonCode:
    return ReasonCode.objects.choosable(Purpose.DOWNTIME)[0]


def target(floor: Floor, quantity: int) -> None:
    run(
        set_target,
        SYSTEM,
        work_center_id=floor.world.line.pk,
        shift_date=MORNING.date(),
        shift_code="E",
        quantity=Decimal(quantity),
        reason="",
    )


class TestLines:
    def test_each_says_its_pace_and_what_its_stations_do(self, floor: Floor) -> None:
        job = make_job(floor.world.line, floor.world.station)
        target(floor, 96)
        run(take_edge, floor.world.olga, job_order_id=job.pk, edge="start", inputs={})
        shown = page(floor.sven)
        assert "behind" in shown
        assert "heading for <b>" in shown
        assert "<b>A33</b> <small>Running</small>" in shown

    def test_a_line_without_a_target_is_not_said_to_be_on_pace(self, floor: Floor) -> None:
        assert "no target" in lines_fragment.render(floor.world.site.place)

    def test_one_that_calls_and_has_no_answer_stands_out(self, floor: Floor) -> None:
        assert "card line edge is-stop" not in lines_fragment.render(floor.world.site.place)
        floor.stop()
        assert "card line edge is-stop" in lines_fragment.render(floor.world.site.place)

    def test_other_lines_are_on_their_own_page(self, floor: Floor) -> None:
        other = make_line(floor.world.area, "L4")
        assert 'aria-label="L3"' not in lines_fragment.render(other.place)
        for place in (floor.world.site, floor.world.area):
            assert 'aria-label="L3"' in lines_fragment.render(place.place)
            assert 'aria-label="L4"' in lines_fragment.render(place.place)


class TestMachines:
    def test_one_that_stands_is_there_with_the_reason_once_somebody_has_said_it(self, floor: Floor) -> None:
        run(stop_machine, TERMINAL, work_unit_id=floor.world.station.pk)
        stop = Downtime.objects.get()
        shown = page(floor.sven)
        assert "nobody has said why" in shown
        assert f'data-downtime="{stop.pk}"' in shown
        run(classify_stop, floor.sven, downtime_id=stop.pk, version=stop.version, reason_id=reason().pk)
        shown = standing_fragment.render(floor.world.site.place)
        assert f"<b>{reason()}</b>" in shown
        assert "since 10:45" in shown

    def test_a_stop_that_is_over_is_a_link_to_those_that_nobody_has_explained(self, floor: Floor) -> None:
        run(stop_machine, TERMINAL, work_unit_id=floor.world.station.pk)
        later(minutes=10)
        run(running_again, floor.world.olga, work_unit_id=floor.world.station.pk)
        assert "No machine stands." in standing_fragment.render(floor.world.area.place)
        assert "1 stop without a reason" in page(floor.sven)


class TestBlocked:
    def test_says_what_stops_an_order_and_whose_it_is_and_leads_to_what_can_be_done(self) -> None:
        short = Short(make_store(seals=40))
        shown = page(short.sven)
        owner = short.exception.owner.name
        for text in ("1 order is blocked", "8 u of SEAL are short.", "Can make 20 of 24", owner):
            assert text in shown
        assert f"/blocked/S1/?line=L3#blocked-{short.exception.pk}-{short.blocker.pk}" in shown

    def test_is_of_that_place_only(self) -> None:
        short = Short(make_store(seals=40))
        world = short.store.shop.world
        assert "SEAL" in blocked_fragment.render(world.line.place)
        assert "No order is blocked" in blocked_fragment.render(make_line(world.area, "L4").place)

    def test_its_text_is_another_one_as_soon_as_anything_in_the_list_is(self) -> None:
        short = Short(make_store(seals=40))
        place = short.store.shop.world.site.place
        before = blocked_fragment.render(place)
        assert blocked_fragment.render(place) == before
        later(minutes=1)
        run(acknowledge, short.sven, exception_id=short.exception.pk)
        assert blocked_fragment.render(place) != before
        line_stock = make_location(short.store.shop.world.site, "LINE-2", kind="production")
        put_stock(short.store.seal, line_stock, 30)
        short.press(short.ways("borrow")[0])
        assert "No order is blocked" in blocked_fragment.render(place)


class TestPeople:
    def test_who_works_where_who_has_which_duty_and_who_is_away(self, floor: Floor) -> None:
        job = make_job(floor.world.line, floor.world.station)
        run(take_edge, floor.world.olga, job_order_id=job.pk, edge="start", inputs={})
        run(report_absent, floor.marta, person_id=floor.marta.pk)
        shown = page(floor.sven)
        assert f"<b>A33</b></td><td>{floor.world.olga.name}" in shown
        assert "Mia<small>Maintenance technician · until 21:00" in shown
        assert "Marta is away" in shown, "her duty is still to be done"
        assert "nobody" in shown
        assert "Marta<small>until further notice" in shown

    def test_a_deputy_has_the_duty(self, floor: Floor) -> None:
        give_role(floor.paul, "shift_supervisor", floor.world.site)
        run(report_absent, floor.sven, person_id=floor.sven.pk, deputy_id=floor.paul.pk)
        shown = people_fragment.render(floor.world.site.place)
        assert "Paul<small>Shift supervisor" in shown
        assert "Sven is away" in shown

    def test_an_operation_that_runs_with_nobody_on_it_asks_for_somebody(self, floor: Floor) -> None:
        job = make_job(floor.world.line, floor.world.station)
        run(take_edge, floor.world.olga, job_order_id=job.pk, edge="start", inputs={})
        assert "nobody is on" not in people_fragment.render(floor.world.line.place)
        run(clock_off, floor.world.olga, job_order_id=job.pk)
        assert "nobody is on" in people_fragment.render(floor.world.line.place)

    def test_a_duty_elsewhere_is_not_here(self, floor: Floor) -> None:
        other = make_line(floor.world.area, "L4")
        lead = make_person("lina", site=floor.world.site)
        give_role(lead, "line_lead", other)
        times = {"starts_at": MORNING - timedelta(hours=1), "ends_at": MORNING + timedelta(hours=1)}
        run(roster_duty, SYSTEM, person_id=lead.pk, role="line_lead", place=other.place, **times)
        assert "Lina" in people_fragment.render(floor.world.area.place)
        assert "Lina" not in people_fragment.render(floor.world.line.place)

    def test_only_who_runs_the_crew_sees_who_is_away(self, floor: Floor) -> None:
        run(report_absent, floor.marta, person_id=floor.marta.pk)
        assert 'id="place-people"' in page(floor.sven)
        assert 'id="place-people"' not in page(floor.mia)
        assert "people:" not in page(floor.mia)


class TestHandover:
    def test_what_is_in_hand_stands_there_with_the_last_word_about_it(self, floor: Floor) -> None:
        stop = floor.stop()
        assert "Nobody has anything in hand." in page(floor.sven)
        run(acknowledge, floor.mia, exception_id=stop.pk)
        assert "1 in hand, 1 without a word" in page(floor.sven)
        run(remark, floor.mia, exception_id=stop.pk, text="Bearing ordered.")
        shown = page(floor.sven)
        assert "1 in hand, 0 without a word" in shown
        assert "“Bearing ordered.” Mia" in shown


def test_buttons_are_for_those_who_may(floor: Floor) -> None:
    assert "may-answer may-give may-report" in page(floor.sven)
    assert "may-answer may-report" in page(floor.mia)
    auditor = floor.member("alma", "auditor")
    assert "may-" not in page(auditor).split("<header")[0]


def test_it_is_linked_from_the_first_page(floor: Floor) -> None:
    client = Client()
    client.force_login(floor.sven)
    assert 'href="/andon/S1/"' in client.get("/").content.decode()


def test_many_cost_as_many_queries_as_few() -> None:
    short = Short(make_store(seals=40))
    world = short.store.shop.world
    floor = Floor(world, short.sven, short.sven, short.sven, short.sven)
    client = Client()
    client.force_login(short.sven)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/andon/S1/").status_code == 200
        return sum("core_sharedclock" not in query["sql"] for query in captured)

    def one_more(n: int) -> None:
        unit = make_station(world.line, f"B{n}", position=n + 5)
        job = make_job(world.line, unit, number=f"WO-B{n}")
        person = make_person(f"pia{n}", site=world.site)
        give_role(person, "operator", world.site)
        run(take_edge, person, job_order_id=job.pk, edge="start", inputs={})
        # Not many at once: those would be shown as one.
        clock.move_to(clock.now() + timedelta(minutes=2), rate=0)
        run(stop_machine, TERMINAL, work_unit_id=unit.pk)
        hours = {"starts_at": clock.now() - timedelta(hours=1), "ends_at": clock.now() + timedelta(hours=1)}
        run(roster_duty, SYSTEM, person_id=person.pk, role="operator", place=world.site.place, **hours)
        stop = floor.stop(f"H{n}", type_code="quality_hold")
        run(acknowledge, short.sven, exception_id=stop.pk)
        run(report_absent, SYSTEM, person_id=make_person(f"away{n}", site=world.site).pk)

    for n in range(2):
        one_more(n)
    queries()
    few = queries()
    for n in range(2, 6):
        one_more(n)
    assert queries() == few
    assert andon_fragment.render(world.site.place).count("in hand") == 1
