"""The phone page: what is mine, and the answers at the thumb."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.andon.commands import acknowledge, remark
from apps.andon.models import FloorException, Remark
from apps.andon.queries import open_for
from apps.core import clock
from apps.core.actors import Actor
from apps.floor.fragments import exception_fragment, mine_fragment
from apps.plant.commands import go_on_duty
from apps.plant.duty import is_on_duty
from apps.plant.models import Person
from apps.plant.models.duty import Absence, DutyRosterEntry
from tests.andon.floor import MORNING, SYSTEM, Floor, fresh, later, make_floor, raise_it
from tests.orders.shop import make_job
from tests.world import PASSWORD, PIN, give_role, make_person, make_terminal, run, terminal_cookie

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def phone(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def send(who: Person, exception: FloorException, act: str, **fields: str) -> str:
    answer = phone(who).post(f"/phone/{exception.pk}/{act}/", {"command_id": str(uuid4()), **fields})
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def test_what_is_mine_stands_there_with_the_most_urgent_first(floor: Floor) -> None:
    hold, stop = floor.stop("lot", type_code="quality_hold"), floor.stop()
    later(minutes=16)
    shown = phone(floor.sven).get("/phone/").content.decode()
    assert "You are called" in shown
    assert shown.index(f"/phone/{stop.pk}/") < shown.index(f"/phone/{hold.pk}/")
    assert "Shift supervisor, S1: until" in shown


def test_with_nothing_open_it_says_so(floor: Floor) -> None:
    assert "Nothing waits for you." in phone(floor.sven).get("/phone/").content.decode()


def test_going_with_minutes_stops_the_ladder(floor: Floor) -> None:
    stop = floor.stop()
    assert "I am at it" in send(floor.mia, stop, "going", minutes="10")
    assert fresh(stop).arrives_at == clock.now() + timedelta(minutes=10)
    assert fresh(stop).status == "acknowledged"


def test_the_same_press_sent_twice_is_one_answer(floor: Floor) -> None:
    stop, sent = floor.stop(), {"command_id": str(uuid4()), "text": "Drops after 20 s."}
    for _ in range(2):
        assert phone(floor.mia).post(f"/phone/{stop.pk}/say/", sent).status_code == 200
    assert Remark.objects.count() == 1


def test_from_the_call_to_the_resolution(floor: Floor) -> None:
    stop = floor.stop()
    send(floor.mia, stop, "going", minutes="0")
    assert "Resolved…" in send(floor.mia, stop, "at-it")
    send(floor.mia, stop, "resolve", resolution="repaired", cause="wear", note="New seal")
    assert (fresh(stop).status, Remark.objects.get().text) == ("resolved", "New seal")
    assert "I am going" in send(floor.mia, stop, "reopen") or fresh(stop).status == "open"


def test_a_resolution_without_its_cause_is_refused_in_a_sentence(floor: Floor) -> None:
    stop = floor.stop()
    answer = phone(floor.mia).post(f"/phone/{stop.pk}/resolve/", {"resolution": "repaired"})
    assert answer.status_code == 409
    assert 'id="notice" class="note is-warn grow"' in answer.content.decode()
    assert fresh(stop).status == "open"


def test_i_can_not_come_calls_the_next_at_once(floor: Floor) -> None:
    stop = floor.stop()
    send(floor.mia, stop, "cannot", reason="busy_elsewhere")
    assert open_for(floor.marta.pk).called


def test_it_is_offered_only_to_who_may_answer_and_is_on_duty(floor: Floor) -> None:
    stop = floor.stop()
    shown = phone(floor.mia).get(f"/phone/{stop.pk}/people/").content.decode()
    assert "Marta" in shown
    assert "Sven" in shown
    for name in ("Paul", "Olga", "Mia"):
        assert name not in shown
    send(floor.mia, stop, "give", person=str(floor.marta.pk))
    assert fresh(stop).owner == floor.marta


def test_put_off_paused_merged_and_split(floor: Floor) -> None:
    hold, stop = floor.stop("lot", type_code="quality_hold"), floor.stop()
    send(floor.sven, hold, "take")
    send(floor.sven, hold, "pause", reason="waits_for_supplier", minutes="30")
    send(floor.sven, hold, "resume")
    send(floor.sven, hold, "merge", into=str(stop.pk))
    assert fresh(hold).parent == stop
    send(floor.sven, hold, "split")
    assert fresh(hold).parent is None
    send(floor.mia, stop, "put-off", minutes="30", reason="waits_for_part")
    assert fresh(stop).status == "snoozed"


def test_who_only_has_to_know_may_say_something_and_nothing_else(floor: Floor) -> None:
    floor.roster(floor.paul, "plant_manager", MORNING, MORNING + timedelta(hours=5))
    planner = floor.member("petra", "planner")
    floor.roster(planner, "planner", MORNING - timedelta(hours=1), MORNING + timedelta(hours=5))
    stop = floor.stop()
    assert "You should know" in phone(planner).get("/phone/").content.decode()
    send(planner, stop, "say", text="WO-1 can wait until noon.")
    buyer = make_person("berta", site=floor.world.site)
    give_role(buyer, "purchasing", floor.world.site)
    shown = phone(buyer).get(f"/phone/{stop.pk}/").content.decode()
    assert "Mia answers. You may say something above." in shown
    assert phone(buyer).post(f"/phone/{stop.pk}/going/", {"minutes": "5"}).status_code == 409


def test_who_must_know_reads_what_it_means_to_them_on_the_list_and_on_the_page(floor: Floor) -> None:
    make_job(floor.world.line, floor.world.station, due_at=MORNING + timedelta(hours=3))
    petra = floor.member("petra", "planner")
    floor.roster(petra, "planner", MORNING - timedelta(hours=1), MORNING + timedelta(hours=5))
    stop = FloorException.objects.get(
        pk=run(
            raise_it,
            SYSTEM,
            type_code="downtime",
            key="A33",
            site_id=floor.world.site.pk,
            line_id=floor.world.line.pk,
            unit_id=floor.world.station.pk,
        )
    )
    hit = "WO-1, due 13:45: Step 1 is planned there, 24 pcs to do."
    for path in ("", f"{stop.pk}/", f"{stop.pk}/panel/"):
        assert hit in phone(petra).get(f"/phone/{path}").content.decode()
        assert hit not in phone(floor.mia).get(f"/phone/{path}").content.decode(), "the owner reads the owner's page"
    assert hit in phone(petra).get(f"/andon/S1/{stop.pk}/").content.decode()
    assert "What it means to you" not in exception_fragment.render(str(stop.pk)), "that is everybody's"


def test_another_site_sees_nothing_of_it(floor: Floor) -> None:
    stop = floor.stop()
    otto = phone(floor.world.otto)
    for path in ("", "panel/", "people/"):
        assert otto.get(f"/phone/{stop.pk}/{path}").status_code == 404
    assert otto.post(f"/phone/{stop.pk}/going/", {"minutes": "5"}).status_code == 404
    assert otto.post(f"/phone/{stop.pk}/say/", {"text": "hello"}).status_code == 404
    assert otto.get("/phone/999999999/").status_code == 404


def test_nobody_signed_in_is_asked_who_it_is(floor: Floor) -> None:
    stop = floor.stop()
    terminal = Client()
    terminal.cookies.load(terminal_cookie(make_terminal(floor.world.site, station=floor.world.station)))
    for client in (Client(), terminal):
        for path in ("/phone/", f"/phone/{stop.pk}/", "/phone/duty/"):
            assert client.get(path).headers["Location"] == f"/phone/sign-in/?next={path.replace('/', '%2F')}"
        assert client.post(f"/phone/{stop.pk}/going/", headers={"HX-Request": "true"}).status_code == 401


def test_at_a_station_badge_and_pin_open_the_list_as_well(floor: Floor) -> None:
    floor.mia.set_pin(PIN)
    floor.mia.save()
    stop, client = floor.stop(), Client()
    client.cookies.load(terminal_cookie(make_terminal(floor.world.site, station=floor.world.station)))
    assert client.post("/station/S1/A33/sign-in/", {"badge": "badge-mia", "pin": PIN}).status_code == 302
    assert stop.headline in client.get("/phone/").content.decode()
    assert client.post(f"/phone/{stop.pk}/take/").status_code == 200


def test_a_technician_signs_in_with_a_password_and_needs_no_admin(floor: Floor) -> None:
    floor.mia.set_password(PASSWORD)
    floor.mia.save()
    client = Client()
    wrong = client.post("/phone/sign-in/", {"username": "mia", "password": "wrong"})
    assert "do not fit" in wrong.content.decode()
    answer = client.post("/phone/sign-in/", {"username": "mia", "password": PASSWORD, "next": "/phone/duty/"})
    assert answer.headers["Location"] == "/phone/duty/"
    assert client.get("/phone/").status_code == 200
    assert client.get("/admin/").status_code == 302
    assert client.post("/phone/sign-out/").status_code == 302
    assert client.get("/phone/").status_code == 302


def test_an_own_list_is_nobody_elses(floor: Floor) -> None:
    assert mine_fragment.may_view(Actor(person_id=floor.mia.pk), str(floor.mia.pk))
    assert not mine_fragment.may_view(Actor(person_id=floor.sven.pk), str(floor.mia.pk))
    assert not mine_fragment.may_view(Actor(terminal_id=1), str(floor.mia.pk))


class TestMyDuty:
    def act(self, who: Person, act: str, **fields: str) -> Any:
        return phone(who).post(f"/phone/duty/{act}/", {"command_id": str(uuid4()), **fields})

    def test_off_with_a_note_hands_over_and_the_next_one_accepts(self, floor: Floor) -> None:
        DutyRosterEntry.objects.filter(person=floor.mia).update(ends_at=clock.now())
        run(go_on_duty, floor.mia)
        stop = floor.stop()
        run(acknowledge, floor.mia, exception_id=stop.pk)
        shown = phone(floor.mia).get("/phone/duty/").content.decode()
        assert stop.headline in shown
        assert (
            self.act(floor.mia, "off", **{f"note.{stop.pk}": "Seal is in the drawer"}).headers["HX-Refresh"] == "true"
        )
        assert not is_on_duty(floor.mia.pk, clock.now())
        assert fresh(stop).owner == floor.sven
        shown = phone(floor.sven).get("/phone/").content.decode()
        assert "Handed over to you" in shown
        assert "Mia: “Seal is in the drawer”" in shown
        assert "Seal is in the drawer" in exception_fragment.render(str(stop.pk))
        assert phone(floor.sven).post("/phone/accept-all/").status_code == 200
        assert fresh(stop).accept_by is None

    def test_away_with_a_deputy_in_one_tap_and_back(self, floor: Floor) -> None:
        maja = floor.member("maja", "maintenance_technician")
        assert "Maja" in phone(floor.mia).get("/phone/duty/").content.decode()
        self.act(floor.mia, "away", hours="8", deputy=str(maja.pk))
        absence = Absence.objects.get()
        assert (absence.deputy, absence.ends_at) == (maja, clock.now() + timedelta(hours=8))
        assert "Maja stands in." in phone(floor.mia).get("/phone/duty/").content.decode()
        self.act(floor.mia, "back", absence=str(absence.pk))
        assert is_on_duty(floor.mia.pk, clock.now())

    def test_a_duty_is_swapped_in_two_taps(self, floor: Floor) -> None:
        maja = floor.member("maja", "maintenance_technician")
        entry = DutyRosterEntry.objects.get(person=floor.mia)
        self.act(floor.mia, "swap", entry=str(entry.pk), person=str(maja.pk))
        assert is_on_duty(maja.pk, clock.now())
        assert not is_on_duty(floor.mia.pk, clock.now())

    def test_off_without_being_on_is_refused_in_a_sentence(self, floor: Floor) -> None:
        answer = self.act(floor.paul, "off")
        assert answer.status_code == 409
        assert "You are not on duty." in answer.content.decode()
        assert phone(floor.paul).post("/phone/duty/nonsense/").status_code == 404


def test_many_cost_as_many_queries_as_one(floor: Floor) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            mine_fragment.render(str(floor.sven.pk))
        return sum("core_sharedclock" not in query["sql"] for query in captured)

    floor.stop("H0", type_code="quality_hold")
    few = queries()
    for n in range(1, 12):
        floor.stop(f"H{n}", type_code="quality_hold")
    assert queries() == few


def test_a_long_thread_costs_no_more_queries(floor: Floor) -> None:
    stop = floor.stop()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            exception_fragment.render(str(stop.pk))
        return sum("core_sharedclock" not in query["sql"] for query in captured)

    few = queries()
    for n in range(6):
        run(remark, floor.sven, exception_id=stop.pk, text=f"{n}")
    assert queries() <= few
