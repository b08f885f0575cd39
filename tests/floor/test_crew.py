"""Who works on an operation, as the station shows it, and who may change it there."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core.models import LedgerEvent
from apps.floor.crew import Crew
from apps.floor.fragments import station_fragment
from apps.floor.panel import Panel
from apps.labor.commands import clock_on
from apps.labor.models import TimeEntry
from apps.orders.commands import take_edge
from apps.plant.access import LAST_ACT
from apps.plant.models import Person
from tests.materials.stock_world import make_item, make_lot
from tests.orders.shop import Shop, make_job, make_shop
from tests.orders.steps_shop import make_steps_shop, spec, step_of
from tests.world import PIN, actor_of, give_role, make_person, make_station, make_terminal, run, terminal_cookie

pytestmark = pytest.mark.django_db
CLOCK, STEP = "/station/S1/A33/clock/", "/station/S1/A33/record-step/"


@pytest.fixture
def shop() -> Shop:
    shop = make_shop()
    for person in (shop.world.olga, shop.world.lena, shop.world.otto):
        person.set_pin(PIN)
        person.save()
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    return shop


def crew_as(shop: Shop, who: Person) -> Crew:
    return Panel(shop.world.station, actor_of(who), SessionBase()).crew


def tablet(shop: Shop, *, badge: str = "") -> Client:
    client = Client()
    client.cookies.update(SimpleCookie(terminal_cookie(make_terminal(shop.world.site, station=shop.world.station))))
    if badge:
        client.post("/station/S1/A33/sign-in/", {"badge": badge, "pin": PIN})
    return client


def colleague(shop: Shop, badge: str, act: str = "on", pin: str = PIN) -> dict[str, Any]:
    return {"job": shop.job.pk, "act": act, "badge": badge, "pin": pin, "sheet": "crew"}


def on_now() -> set[int]:
    return set(TimeEntry.objects.open().values_list("person_id", flat=True))


def test_an_operator_leaves_alone_and_a_lead_clocks_others_off(shop: Shop) -> None:
    run(clock_on, shop.world.lena, job_order_id=shop.job.pk)
    assert [(member.is_me, member.leaves) for member in crew_as(shop, shop.world.olga).members] == [
        (True, True),
        (False, False),
    ]
    assert [member.leaves for member in crew_as(shop, shop.world.lena).members] == [True, True]
    assert [member.leaves for member in crew_as(shop, shop.world.ivan).members] == [False, False]
    assert not crew_as(shop, shop.world.ivan).joins


def test_an_operator_can_not_clock_a_colleague_off_without_a_badge(shop: Shop) -> None:
    run(clock_on, shop.world.lena, job_order_id=shop.job.pk)
    client = tablet(shop, badge="badge-olga")
    answer = client.post(CLOCK, {"job": shop.job.pk, "act": "off", "person": shop.world.lena.pk})
    assert answer.status_code == 409
    assert on_now() == {shop.world.olga.pk, shop.world.lena.pk}


def test_a_colleague_joins_also_where_nobody_is_signed_in(shop: Shop) -> None:
    client = tablet(shop)
    answer = client.post(CLOCK, colleague(shop, "badge-lena"))
    assert answer.status_code == 200
    assert on_now() == {shop.world.olga.pk, shop.world.lena.pk}
    assert "Nobody is signed in" in client.get("/station/S1/A33/").content.decode()
    client.post(CLOCK, colleague(shop, "badge-lena", "off"))
    assert on_now() == {shop.world.olga.pk}


def test_somebody_of_another_site_is_refused_in_the_sheet(shop: Shop) -> None:
    answer = tablet(shop, badge="badge-olga").post(CLOCK, colleague(shop, "badge-otto"))
    assert answer.status_code == 409
    assert 'id="crew-answer"' in answer.content.decode()
    assert "You may not clock on and off here." in answer.content.decode()
    assert on_now() == {shop.world.olga.pk}


def test_a_colleague_does_not_put_the_lock_of_the_screen_off(shop: Shop) -> None:
    client = tablet(shop, badge="badge-olga")
    before = client.session[LAST_ACT]
    client.post(CLOCK, colleague(shop, "badge-lena"))
    assert client.session[LAST_ACT] == before
    client.post(CLOCK, {"job": shop.job.pk, "act": "off"})
    assert client.session[LAST_ACT] > before


def test_a_badge_on_a_scanning_step_is_told_to_who_is_signed_in_only() -> None:
    make_lot(make_item("SEAL-07", lot_tracked=True), "ABC-1")
    shop = make_steps_shop(spec("scan", "Scan the seals", "per_set_up", scan_item="SEAL-07"))
    shop.world.olga.set_pin(PIN)
    shop.world.olga.save()
    scan = {"job": shop.job.pk, "step": step_of(shop, 1).pk, "lot_number": "badge-lena"}
    signed_in, nobody = tablet(shop, badge="badge-olga"), tablet(shop)
    assert signed_in.post(STEP, scan).headers["HX-Trigger"] == "mfgos:badge"
    assert not LedgerEvent.objects.filter(data__icontains="badge-lena").exists()
    assert "HX-Trigger" not in nobody.post(STEP, scan).headers
    assert "HX-Trigger" not in signed_in.post(STEP, {**scan, "lot_number": "no-such-code"}).headers


def test_a_lot_with_the_number_of_a_badge_is_a_lot() -> None:
    make_lot(make_item("SEAL-07", lot_tracked=True), "badge-lena")
    shop = make_steps_shop(spec("scan", "Scan the seals", "per_set_up", scan_item="SEAL-07"))
    shop.world.olga.set_pin(PIN)
    shop.world.olga.save()
    scan = {"job": shop.job.pk, "step": step_of(shop, 1).pk, "lot_number": "badge-lena"}
    assert tablet(shop, badge="badge-olga").post(STEP, scan).status_code == 200


def test_many_people_and_operations_cost_no_more_queries_than_one(
    shop: Shop, django_assert_num_queries: Any, settings: Any
) -> None:
    settings.CLOCK = "real"  # the shared clock is read from the database now and then
    olga, line, station = shop.world.olga, shop.world.line, shop.world.station
    second = make_job(line, None, number="WO-2")
    run(take_edge, olga, job_order_id=second.pk, edge="start", inputs={})
    _queries(shop)  # the first of a process compiles the workflow
    with_one = _queries(shop)
    for number in range(4):
        person = make_person(f"p{number}", site=shop.world.site)
        give_role(person, "operator", line)
        run(clock_on, person, job_order_id=shop.job.pk)
        more = make_job(line, None, number=f"WO-3{number}")
        run(take_edge, olga, job_order_id=more.pk, edge="start", inputs={})
    assert _queries(shop) == with_one
    with django_assert_num_queries(9):
        station_fragment.render(str(station.pk))


def _queries(shop: Shop) -> int:
    with CaptureQueriesContext(connection) as seen:
        crew_as(shop, shop.world.olga)
    return len(seen)


def test_who_works_elsewhere_changes_over_with_one_press(shop: Shop) -> None:
    other = make_job(shop.world.line, make_station(shop.world.line, "A34"), number="WO-2")
    run(take_edge, shop.world.lena, job_order_id=other.pk, edge="start", inputs={})
    client = tablet(shop, badge="badge-olga")
    page = client.get("/station/S1/A34/panel/").content.decode()
    assert 'value="change"' in page
    answer = client.post("/station/S1/A34/clock/", {"job": other.pk, "act": "change", "sheet": "crew"})
    assert answer.status_code == 200
    assert TimeEntry.objects.open().get(person=shop.world.olga).job_order == other
