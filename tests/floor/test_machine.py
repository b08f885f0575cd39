"""The machine at a station: stopped by one press, explained in one tap, running again."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.test import Client
from django.utils import translation

from apps.equipment.models import Downtime
from apps.floor.fragments import line_alerts, station_fragment
from apps.plant.models import Purpose, ReasonCode, Terminal
from tests.andon.floor import MORNING, Floor, later, make_floor
from tests.world import ledger, make_terminal, terminal_cookie

pytestmark = pytest.mark.django_db
STATION = "/station/S1/A33"


@pytest.fixture
def floor() -> Floor:
    return make_floor()


@pytest.fixture
def tablet(floor: Floor) -> Client:
    """The locked terminal of A33."""
    client = Client()
    terminal = make_terminal(floor.world.site, station=floor.world.station)
    client.cookies.update(SimpleCookie(terminal_cookie(terminal)))
    return client


@pytest.fixture
def olga(floor: Floor) -> Client:
    client = Client()
    client.force_login(floor.world.olga)
    return client


def shown(floor: Floor) -> str:
    with translation.override("en"):
        return station_fragment.render(str(floor.world.station.pk))


def reason() -> ReasonCode:
    return ReasonCode.objects.choosable(Purpose.DOWNTIME)[0]


def why(client: Client, downtime: Downtime) -> int:
    sent = {"downtime": downtime.pk, "version": downtime.version, "reason": reason().pk}
    return client.post(f"{STATION}/machine-why/", sent).status_code


def test_a_machine_that_runs_asks_nothing(floor: Floor) -> None:
    assert '<section id="machine" class="alert none"' in shown(floor)


def test_a_locked_station_says_that_the_machine_stands_and_twice_is_one_stop(floor: Floor, tablet: Client) -> None:
    for _ in range(2):
        assert tablet.post(f"{STATION}/machine-stopped/").status_code == 200
    assert Downtime.objects.count() == 1
    assert "Stands since 10:45" in shown(floor)
    assert "Why?" in shown(floor)


def test_the_reason_needs_somebody_who_is_signed_in(floor: Floor, tablet: Client, olga: Client) -> None:
    tablet.post(f"{STATION}/machine-stopped/")
    stop = Downtime.objects.get()
    assert why(tablet, stop) == 409
    assert why(olga, stop) == 200
    assert f"<b>{reason()}</b>" in shown(floor)
    assert "Why?" not in shown(floor)


def test_who_may_not_report_and_who_is_elsewhere_explains_nothing(floor: Floor, tablet: Client) -> None:
    tablet.post(f"{STATION}/machine-stopped/")
    stop, others = Downtime.objects.get(), {floor.world.ivan: 409, floor.world.otto: 404}
    for person, status in others.items():
        client = Client()
        client.force_login(person)
        assert why(client, stop) == status


def test_it_runs_again_and_is_asked_about_until_somebody_says_why(floor: Floor, tablet: Client, olga: Client) -> None:
    tablet.post(f"{STATION}/machine-stopped/")
    later(minutes=10)
    assert olga.post(f"{STATION}/machine-runs/").status_code == 200
    assert "Stood 10:45 to 10:55" in shown(floor)
    assert why(olga, Downtime.objects.get()) == 200
    assert '<section id="machine" class="alert none"' in shown(floor)


def test_the_last_reasons_are_one_tap(floor: Floor, tablet: Client, olga: Client) -> None:
    tablet.post(f"{STATION}/machine-stopped/")
    why(olga, Downtime.objects.get())
    later(minutes=10)
    olga.post(f"{STATION}/machine-runs/")
    later(minutes=30)
    tablet.post(f"{STATION}/machine-stopped/")
    assert f'name="reason" value="{reason().pk}"' in shown(floor)


def test_the_board_says_when_a_stop_is_likely_to_be_over(floor: Floor, tablet: Client, olga: Client) -> None:
    tablet.post(f"{STATION}/machine-stopped/")
    stop = Downtime.objects.get()
    assert why(olga, stop) == 200
    assert "data-likely" not in board(floor), "nothing to go by"
    stood_before(floor, 20, 25, 30)
    assert "likely over by 11:10 (usually 25 min)" in board(floor)
    later(minutes=40)
    assert "lasts longer than usual (25 min)" in board(floor)


def board(floor: Floor) -> str:
    with translation.override("en"):
        return line_alerts.render(str(floor.world.line.pk))


def stood_before(floor: Floor, *lengths: int) -> None:
    """So many minutes each, for the same reason, on the days before."""
    unit = floor.world.station
    for days, minutes in enumerate(lengths, start=1):
        start = MORNING - timedelta(days=days)
        end = start + timedelta(minutes=minutes)
        stop = Downtime.objects.create(site_id=unit.site_id, work_unit=unit, started_at=start, ended_at=end)
        stop.parts.create(site_id=unit.site_id, started_at=start, ended_at=end, reason=reason(), classified_at=end)


def test_a_locked_station_says_that_the_machine_runs_again_and_the_ledger_knows_the_terminal(
    floor: Floor, tablet: Client
) -> None:
    tablet.post(f"{STATION}/machine-stopped/")
    later(minutes=10)
    assert tablet.post(f"{STATION}/machine-runs/").status_code == 200
    assert Downtime.objects.get().ended_at is not None
    assert "Stood 10:45 to 10:55" in shown(floor)
    ended = ledger("equipment.stop_closed")[-1]
    assert ended.actor_id is None
    assert ended.terminal_id == Terminal.objects.get().pk
    assert tablet.post(f"{STATION}/machine-runs/").status_code == 409, "it runs already"


def test_who_is_signed_in_and_may_not_report_does_not_say_that_it_runs(floor: Floor, tablet: Client) -> None:
    tablet.post(f"{STATION}/machine-stopped/")
    client = Client()
    client.force_login(floor.world.ivan)
    assert client.post(f"{STATION}/machine-runs/").status_code == 409
    assert Downtime.objects.get().ended_at is None
