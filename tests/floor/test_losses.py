"""The page that says where the time of a line went."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from apps.core import clock
from apps.equipment.commands import classify_stop
from apps.equipment.models import Downtime, Machine, StateInterval
from apps.floor.fragments import line_lost
from apps.floor.losses_look import Losses, Period, losses_of, lost_at
from apps.orders.commands import confirm_quantity, take_edge
from apps.plant.models import Purpose, ReasonCode, ShiftPattern, WorkCenter
from tests.equipment.machines import at, later, make_machine, tell
from tests.orders.shop import Shop, make_shop, scrap_reason
from tests.world import make_calendar, make_station, run

pytestmark = pytest.mark.django_db
# 06:00 to 14:00 UTC with a break of half an hour, and the one after it.
SHIFTS = [("E", time(6), time(14), [["09:00", "09:30"]]), ("L", time(14), time(22), [])]
HOUR = 3600


@pytest.fixture
def shop() -> Shop:
    """In the fifth hour: stood for 5:00.4 of a reason, 2:10.3 of none, and made 200 in cycles of a minute."""
    clock.move_to(at(0), rate=0)
    made = make_shop(quantity=1000)
    made.world.site.timezone = "UTC"
    made.world.site.save()
    make_calendar(made.world.site, SHIFTS)
    unit = made.world.station
    make_machine(unit, silence_seconds=None, expected_cycle_seconds=Decimal(60))
    run(take_edge, made.world.olga, job_order_id=made.job.pk, edge="start", inputs={})
    tell(unit, (0, "producing"), (600, "stopped"), (900.4, "producing"), (2000, "stopped"), (2130.3, "producing"))
    later(4 * HOUR)
    first = Downtime.objects.order_by("started_at")[0]
    run(classify_stop, made.world.olga, downtime_id=first.pk, version=1, reason_id=reason().pk)
    run(confirm_quantity, made.world.olga, job_order_id=made.job.pk, good=Decimal(190), scrap=Decimal(10),
        scrap_reason_id=scrap_reason().pk)  # fmt: skip
    clock.move_to(at(4 * HOUR + 1), rate=0)
    return made


def reason() -> ReasonCode:
    return ReasonCode.objects.choosable(Purpose.DOWNTIME)[0]


def line_of(shop: Shop) -> WorkCenter:
    return WorkCenter.objects.select_related("site", "area").get(pk=shop.world.line.pk)


def look(shop: Shop, period: Period = Period.SHIFT) -> Losses:
    return losses_of(line_of(shop), period)


def page(shop: Shop, query: str = "") -> str:
    client = Client()
    client.force_login(shop.world.lena)
    answer = client.get(f"/line/S1/L3/losses/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_is_shown_adds_up_to_the_planned_time_in_whole_seconds(shop: Shop) -> None:
    total = look(shop).total
    planned = 4 * HOUR + 1 - 1800
    assert (total.planned, sum(part.seconds for part in total.parts)) == (planned, planned)
    shown = {part.label: part.seconds for part in total.parts}
    assert shown["Down"] in (430, 431)
    assert (shown["Good pieces"], shown["Scrap, rework"]) == (190 * 60, 10 * 60)


def test_reasons_stand_in_order_and_what_nobody_explained_is_marked(shop: Shop) -> None:
    first, second = look(shop).why
    assert (first.label, first.seconds, first.share, first.units) == (reason().label(), 300, 100, ["A33"])
    assert (second.is_known, second.seconds, second.share) == (False, 131, 43)
    assert first.seconds + second.seconds == round(look(shop).total.elements.down)
    assert "Nobody has said why" in page(shop)


def test_more_than_the_standard_allows_is_shown_and_flagged(shop: Shop) -> None:
    Machine.objects.update(expected_cycle_seconds=Decimal(90))
    effectiveness = look(shop).rows[0].figures[2]
    assert (effectiveness.text, effectiveness.is_doubtful) == ("148 %", True)
    shown = page(shop)
    assert "the standard time is wrong" in shown
    assert re.search(r"Speed, micro-stops</dt><dd>\N{MINUS SIGN}\d:\d\d:\d\d", shown)


def test_what_can_not_be_said_is_not_available_with_its_reason(shop: Shop) -> None:
    Machine.objects.update(expected_cycle_seconds=None)
    oee, availability, *_rest = look(shop).rows[0].figures
    assert (oee.text, oee.why_not) == ("n/a", "No standard time: name an expected cycle or a routing.")
    assert availability.text == "97 %"


def test_this_shift_and_the_one_before_are_each_their_own(shop: Shop) -> None:
    clock.move_to(at(9 * HOUR), rate=0)
    assert (look(shop).start, look(shop).total.planned) == (at(8 * HOUR), HOUR)
    assert look(shop, Period.BEFORE).end == at(8 * HOUR)
    clock.move_to(at(17 * HOUR), rate=0)
    assert look(shop).end == at(16 * HOUR), "between shifts it is the one that ended last"
    assert look(shop, Period.WEEK).total.planned == 7.5 * HOUR + 8 * HOUR + 6 * (15.5 * HOUR)


def test_a_line_without_a_calendar_says_what_is_not_planned(shop: Shop) -> None:
    ShiftPattern.objects.all().delete()
    assert "No time is planned." in page(shop, "?of=nonsense")


def test_the_wall_shows_what_the_counting_station_has_lost_the_most_first(shop: Shop) -> None:
    lost = lost_at(line_of(shop))
    assert lost is not None
    shown = [(why.label, why.seconds) for why in lost.why]
    assert shown[:2] == [("Scrap, rework", 600), (reason().label(), 300)]
    assert lost.seconds == look(shop).total.planned - 190 * 60
    assert "No data" not in [why.label for why in lost.why]
    idle = make_station(line_of(shop), "B1", position=9)
    WorkCenter.objects.filter(pk=shop.world.line.pk).update(counting_unit=idle)
    still = lost_at(line_of(shop))
    assert still is not None
    assert still.unit == shop.world.station, "nothing is known of the one that counts"


def test_the_wall_shows_no_losses_between_shifts_or_where_no_machine_reports(shop: Shop) -> None:
    clock.move_to(at(17 * HOUR), rate=0)
    assert lost_at(line_of(shop)) is None
    assert "hidden" in line_lost.render(str(shop.world.line.pk))
    clock.move_to(at(24 * HOUR + HOUR), rate=0)
    StateInterval.objects.all().delete()
    assert lost_at(line_of(shop)) is None


def test_more_stations_cost_no_more_queries(shop: Shop, django_assert_num_queries: Callable[..., Any]) -> None:
    line = line_of(shop)
    for each in range(6):
        make_machine(make_station(line, f"B{each}", position=each + 10))
    with django_assert_num_queries(9):
        assert len(losses_of(line, Period.SHIFT).rows) == 7
