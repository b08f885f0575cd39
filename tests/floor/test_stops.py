"""The stops that nobody has explained: a list that the lead clears, one by one or several at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from apps.core import clock
from apps.equipment.commands import running_again, split_stop, stop_machine
from apps.equipment.models import Downtime
from apps.floor import stops_look
from apps.floor.fragments import stops_fragment, stops_key, stops_link
from apps.floor.stops_look import Order
from apps.orders.commands import take_edge
from apps.plant.models import Person, Purpose, ReasonCode, WorkUnit
from tests.equipment.machines import make_machine
from tests.orders.shop import Shop, make_shop
from tests.world import give_role, make_area, make_line, make_person, make_station, run

pytestmark = pytest.mark.django_db
PAGE, ACT = "/stops/S1/", "/stops/S1/why/"
MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def shop() -> Shop:
    clock.move_to(MORNING, rate=0)
    shop = make_shop()
    make_machine(shop.world.station)
    return shop


def at_desk(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def stopped(shop: Shop, unit: WorkUnit | None = None, *, minutes: int = 10, ended: bool = True) -> Downtime:
    """It stood for so long, and the clock has moved on by that."""
    unit = unit or shop.world.station
    stop = run(stop_machine, shop.world.olga, work_unit_id=unit.pk)
    if ended:
        clock.move_to(clock.now() + timedelta(minutes=minutes), rate=0)
        run(running_again, shop.world.olga, work_unit_id=unit.pk)
        clock.move_to(clock.now() + timedelta(minutes=1), rate=0)
    return Downtime.objects.get(pk=stop.downtime_id)


def reasons() -> list[ReasonCode]:
    return list(ReasonCode.objects.choosable(Purpose.DOWNTIME).order_by("pk"))


def named(page: str) -> list[str]:
    return re.findall(r'<input type="checkbox" name="stop" value="([\d.]+)"', page)


def units(page: str) -> list[str]:
    return re.findall(r'<span class="what"><b class="t4">([^<]+)</b>', page)


def read(client: Client, address: str = PAGE) -> str:
    return client.get(address).content.decode()


def explain(client: Client, *names: str, reason: ReasonCode | None = None, act: str = "") -> int:
    sent = {"stop": list(names), "reason": (reason or reasons()[0]).pk, "command_id": act}
    return client.post(ACT, sent).status_code


def test_it_says_which_machine_stood_how_long_with_what_order_and_who_was_there(shop: Shop) -> None:
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    clock.move_to(clock.now() + timedelta(minutes=5), rate=0)
    stopped(shop, minutes=12)
    page = read(at_desk(shop.world.lena))
    for text in (
        "1 stop that nobody has explained",
        "A33",
        "10:05",
        "10:17",
        "12 min",
        "WO-1",
        "Olga",
        "Mechanical",
    ):
        assert text in page


def test_a_stop_at_which_nothing_ran_says_so(shop: Shop) -> None:
    stopped(shop, ended=False)
    page = read(at_desk(shop.world.lena))
    assert "no order ran" in page
    assert "nobody clocked on" in page


def test_the_oldest_comes_first_or_the_longest(shop: Shop) -> None:
    second = make_station(shop.world.line, code="T34", position=2)
    stopped(shop, minutes=3)
    stopped(shop, second, minutes=40)
    lena = at_desk(shop.world.lena)
    assert units(read(lena)) == ["A33", "T34"]
    assert units(read(lena, f"{PAGE}?order=longest")) == ["T34", "A33"]
    assert units(read(lena, f"{PAGE}?order=nonsense")) == ["A33", "T34"]


def test_one_tap_explains_it_and_the_row_is_gone(shop: Shop) -> None:
    stopped(shop)
    lena = at_desk(shop.world.lena)
    (name,) = named(read(lena))
    assert explain(lena, name) == 200
    assert "Every stop has its reason." in read(lena)
    assert Downtime.objects.get().parts.get().classified_by_id == shop.world.lena.pk


def test_the_machines_own_last_reasons_are_one_tap_away(shop: Shop) -> None:
    lena = at_desk(shop.world.lena)
    other = make_station(shop.world.line, code="T34", position=2)
    for unit, reason in ((shop.world.station, reasons()[3]), (other, reasons()[1])):
        stopped(shop, unit)
        explain(lena, *named(read(lena)), reason=reason)
    stopped(shop)
    row = read(lena).split('class="stop-row"')[1].split("</li>")[0]
    assert f'name="reason" value="{reasons()[3].pk}"' in row
    assert f'name="reason" value="{reasons()[1].pk}"' not in row, "that is the other machine's"


def test_several_are_explained_at_once_and_a_second_press_changes_nothing(shop: Shop) -> None:
    for _ in range(3):
        stopped(shop)
    lena, act = at_desk(shop.world.lena), "3f0c8f3e-8f0b-4a44-9d4e-6a54b7f0f001"
    names = named(read(lena))
    assert explain(lena, *names[:2], act=act) == 200
    assert explain(lena, *names[:2], act=act) == 200, "a lost answer, sent again"
    assert named(read(lena)) == names[2:]


def test_both_parts_of_a_stop_are_explained_at_once(shop: Shop) -> None:
    downtime = stopped(shop)
    half = downtime.started_at + timedelta(minutes=5)
    part = downtime.parts.get()
    run(split_stop, shop.world.olga, downtime_id=downtime.pk, version=downtime.version, part_id=part.pk, at=half)
    lena = at_desk(shop.world.lena)
    assert explain(lena, *named(read(lena))) == 200
    assert not downtime.parts.filter(reason=None).exists()


def test_who_comes_second_is_told_what_the_first_has_said_and_the_rest_is_done(shop: Shop) -> None:
    for _ in range(2):
        stopped(shop)
    lena, olga = at_desk(shop.world.lena), at_desk(shop.world.olga)
    names = named(read(lena))
    assert explain(olga, names[0], reason=reasons()[2]) == 200
    sent = {"stop": names, "reason": reasons()[0].pk}
    answer = lena.post(ACT, sent)
    assert answer.status_code == 409
    assert f"already: {reasons()[2]}. Correct that if it is wrong." in answer.content.decode()
    assert [d.parts.get().reason for d in Downtime.objects.order_by("pk")] == [reasons()[2], reasons()[0]]


def test_what_was_tampered_with_is_refused(shop: Shop) -> None:
    stopped(shop)
    lena = at_desk(shop.world.lena)
    (name,) = named(read(lena))
    for wrong in ("", "x", "1.2", f"{name}.1", "9.9.9"):
        assert explain(lena, wrong) == 409
    assert lena.post(ACT, {"stop": name, "reason": "x"}).status_code == 409
    assert named(read(lena)) == [name]


def test_of_the_places_that_somebody_sees_and_no_others(shop: Shop) -> None:
    area = make_area(shop.world.site, "A2")
    elsewhere = make_station(make_line(area, "L5"), code="M51")
    stopped(shop)
    stop = run(stop_machine, shop.world.olga, work_unit_id=elsewhere.pk)
    assert stop.downtime_id
    lena, sven = at_desk(shop.world.lena), make_person("sven", site=shop.world.site)
    give_role(sven, "shift_supervisor", shop.world.site)
    assert units(read(lena)) == ["A33"]
    assert lena.get(f"{PAGE}?at={area.place}").status_code == 404
    assert units(read(at_desk(sven))) == ["A33", "M51"]
    assert units(read(at_desk(sven), f"{PAGE}?at={area.place}")) == ["M51"]
    part = Downtime.objects.get(work_unit=elsewhere).parts.get()
    assert explain(lena, f"{part.pk}.{part.downtime_id}.1") == 409, "it is not hers to explain"


def test_who_only_looks_has_no_buttons(shop: Shop) -> None:
    stopped(shop)
    assert "may-explain" in read(at_desk(shop.world.lena))
    assert "may-explain" not in read(at_desk(shop.world.ivan))


def test_a_lead_finds_it_with_the_count_on_phone_board_and_first_page(shop: Shop) -> None:
    stopped(shop)
    lena = at_desk(shop.world.lena)
    for address in ("/phone/", "/andon/S1/"):
        assert "L3: 1 stop without a reason" in read(lena, address), address
    assert "L3: stops without a reason, 1" in read(lena, "/")
    explain(lena, *named(read(lena)))
    with translation.override("en"):
        assert " hidden" in stops_link.render(shop.world.line.place), "nothing to do, nothing to see"


def test_a_long_list_says_how_many_more_there_are(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stops_look, "SHOWN", 2)
    for _ in range(4):
        stopped(shop)
    page = read(at_desk(shop.world.lena))
    assert len(units(page)) == 2
    assert "4 stops that nobody has explained" in page
    assert "2 more come up as these are explained." in page


def test_the_queries_are_the_same_however_many_stops_and_machines_there_are(shop: Shop) -> None:
    lena = at_desk(shop.world.lena)
    stopped(shop)
    explain(lena, *named(read(lena)))
    key = stops_key(shop.world.line, Order.OLDEST)

    def count() -> list[int]:
        with CaptureQueriesContext(connection) as page:
            read(lena)
        with CaptureQueriesContext(connection) as part:
            stops_fragment.render(key)
        # The clock is read anew every tenth of a second.
        return [sum("core_sharedclock" not in query["sql"] for query in asked) for asked in (page, part)]

    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="start", inputs={})
    stopped(shop)
    few = count()
    for n in range(3):
        unit = make_station(shop.world.line, code=f"T{n}", position=n + 2)
        stopped(shop, unit)
        stopped(shop)
    assert count() == few
    assert few[1] <= 9
