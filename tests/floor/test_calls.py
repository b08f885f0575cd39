"""A call for help from a station: it works for everybody, and the screens of the line tell how it stands."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.test import Client
from django.utils import translation

from apps.andon.commands import acknowledge, on_the_way, resolve
from apps.andon.models import FloorException
from apps.andon.queries import open_for
from apps.floor.fragments import line_alerts, line_board, station_fragment
from tests.andon.floor import MORNING, Floor, later, make_floor, told
from tests.world import ledger, make_terminal, run, terminal_cookie

pytestmark = pytest.mark.django_db
CALL, SAFETY, RING = "/station/S1/A33/call/", "/station/S1/A33/safety/", "/station/S1/A33/ring/"


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
        return line_alerts.render(str(floor.world.line.pk))


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
    assert '<div class="unit grow alert is-stop">' in line_board.render(str(floor.world.line.pk))
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


class TestRingingAgain:
    def refused(self, tablet: Client) -> str:
        answer = tablet.post(RING)
        assert answer.status_code == 409
        return answer.content.decode()

    def test_tells_everybody_on_the_level_reached_at_once(self, floor: Floor, tablet: Client) -> None:
        suse = floor.member("suse", "shift_supervisor")
        floor.roster(suse, "shift_supervisor", MORNING - timedelta(hours=1), MORNING + timedelta(hours=5))
        lou = floor.member("lou", "line_lead")
        floor.roster(lou, "line_lead", MORNING - timedelta(hours=1), MORNING + timedelta(hours=5))
        said(tablet)
        later(minutes=4)
        assert "Lou, Sven, Suse: called again at 10:49." in said(tablet, RING)
        call = FloorException.objects.get()
        assert told(call)[-3:] == [("lou", "ring"), ("sven", "ring"), ("suse", "ring")]
        assert [look.exception for look in open_for(suse.pk).called] == [call], "she is called as well now"
        assert ledger("andon.rung_again")[-1].terminal_id is not None

    def test_is_possible_once_a_minute_and_says_when(self, tablet: Client) -> None:
        said(tablet)
        assert "They were called a moment ago. You can ring again in 60 s." in self.refused(tablet)
        later(seconds=61)
        assert "Sven: called again at 10:46." in said(tablet, RING)
        later(seconds=20)
        assert "You can ring again in 40 s." in self.refused(tablet)
        later(seconds=41)
        assert "called again" in said(tablet, RING)
        assert FloorException.objects.get().notifications.filter(occasion="ring").count() == 2

    def test_without_a_call_says_what_to_press(self, floor: Floor, tablet: Client) -> None:
        floor.stop()
        assert "Nobody has called from here. Press “Call for help”." in self.refused(tablet)

    def test_reaches_who_is_coming_as_well(self, floor: Floor, tablet: Client) -> None:
        said(tablet)
        run(on_the_way, floor.sven, exception_id=FloorException.objects.get().pk, minutes=5)
        later(minutes=6)
        assert "Sven: called again" in said(tablet, RING)

    def test_who_has_called_sees_who_comes_in_how_many_minutes_and_the_button(
        self, floor: Floor, tablet: Client
    ) -> None:
        assert RING not in station(floor)
        said(tablet)
        assert RING in station(floor)
        run(on_the_way, floor.sven, exception_id=FloorException.objects.get().pk, minutes=5)
        shown = station(floor)
        assert "Sven is coming, there at 10:50" in shown
        assert 'there in <b data-countdown="2026-11-24T10:50:00+01:00"' in shown
        assert RING not in board(floor), "the wall is nobody's who could press"

    def test_a_louder_one_does_not_hide_it(self, floor: Floor, tablet: Client) -> None:
        said(tablet)
        run(on_the_way, floor.sven, exception_id=FloorException.objects.get().pk, minutes=5)
        floor.stop()
        assert "Sven is coming, there at 10:50" in station(floor)
