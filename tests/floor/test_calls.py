"""A call for help from a station: it works for everybody, and the screens of the line tell how it stands."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.test import Client
from django.utils import translation

from apps.andon.commands import acknowledge, on_the_way, resolve
from apps.andon.models import FloorException
from apps.floor.fragments import line_board, station_fragment
from tests.andon.floor import MORNING, Floor, later, make_floor
from tests.world import make_terminal, run, terminal_cookie

pytestmark = pytest.mark.django_db
CALL, SAFETY = "/station/S1/A33/call/", "/station/S1/A33/safety/"


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


def said(client: Client, path: str = CALL) -> str:
    answer = client.post(path)
    assert answer.status_code == 200
    return answer.content.decode()


def board(floor: Floor) -> str:
    with translation.override("en"):
        return line_board.render(str(floor.world.line.pk))


def station(floor: Floor) -> str:
    with translation.override("en"):
        return station_fragment.render(str(floor.world.station.pk))


def test_a_locked_station_hears_who_was_called_and_by_when(floor: Floor, tablet: Client) -> None:
    assert "Sven was called at 10:45, and answers within 3 min." in said(tablet)
    call = FloorException.objects.get()
    assert call.raised_by is None
    assert call.terminal_id is not None


def test_a_second_press_is_the_same_call_and_says_how_it_stands(floor: Floor, tablet: Client) -> None:
    said(tablet)
    later(minutes=4)
    floor.roster(floor.paul, "plant_manager", MORNING - timedelta(hours=1), MORNING + timedelta(hours=5))
    assert "Sven was called at 10:49, and has not answered yet. Paul is called at 10:55." in said(tablet)
    call = FloorException.objects.get()
    run(on_the_way, floor.sven, exception_id=call.pk, minutes=5)
    assert "Sven is coming, and is there at 10:54." in said(tablet)
    later(minutes=6)
    assert "Sven has answered." in said(tablet)


def test_a_call_that_was_resolved_opens_again(floor: Floor, tablet: Client) -> None:
    said(tablet)
    call = FloorException.objects.get()
    run(resolve, floor.sven, exception_id=call.pk, resolution="helped", cause="operation")
    assert "Sven was called at" in said(tablet)
    assert FloorException.objects.get().status == "open"


def test_safety_is_a_call_of_its_own(floor: Floor, tablet: Client) -> None:
    said(tablet)
    said(tablet, SAFETY)
    assert set(FloorException.objects.values_list("type__code", flat=True)) == {"help", "safety"}


def test_a_normal_shift_is_quiet(floor: Floor) -> None:
    for shown in (board(floor), station(floor)):
        assert "data-ring" not in shown
        assert "loud" not in shown


def test_the_screens_are_loud_until_somebody_answers_and_quiet_after(floor: Floor, tablet: Client) -> None:
    said(tablet)
    call = FloorException.objects.get()
    for shown in (board(floor), station(floor)):
        assert f'data-ring="{call.pk}:0"' in shown
        assert "A33 calls for help" in shown
    assert '<div class="unit grow alert is-stop">' in board(floor)
    run(acknowledge, floor.sven, exception_id=call.pk)
    for shown in (board(floor), station(floor)):
        assert "data-ring" not in shown
        assert "answered 10:45" in shown
    assert "alert is-stop" not in board(floor)


def test_the_ladder_on_the_board_counts_down_to_the_next(floor: Floor) -> None:
    floor.stop()
    later(minutes=6)
    shown = board(floor)
    assert "level 3 of 5" in shown
    assert "called 10:51" in shown
    assert 'data-countdown="2026-11-24T11:00:00+01:00"' in shown


def test_an_unchanged_board_is_the_same_text_a_second_later(floor: Floor) -> None:
    """Countdowns run in the browser: nothing is sent for a second that has passed."""
    floor.help()
    before = board(floor), station(floor)
    later(seconds=1)
    assert (board(floor), station(floor)) == before


def test_the_more_urgent_one_is_big_and_the_others_are_named(floor: Floor, tablet: Client) -> None:
    floor.stop("lot", type_code="quality_hold")
    said(tablet)
    shown = board(floor)
    assert "A33 calls for help</span>" in shown
    assert "Also open:" in shown
