"""The andon board: who must act next; and one exception at a desk, with all that has happened to it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.andon.commands import acknowledge, cannot, on_the_way, pause_clock, remark, resolve
from apps.andon.models import NoticeState, Notification
from apps.floor.fragments import andon_fragment, story_fragment
from apps.floor.story import story
from apps.plant.commands import report_absent
from apps.plant.models import Person
from apps.plant.models.duty import DutyRosterEntry
from tests.andon.floor import Floor, fresh, later, make_floor
from tests.world import actor_of, give_role, make_line, make_person, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def desk(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_it_lists_what_is_open_by_owner_the_most_urgent_first(floor: Floor) -> None:
    floor.stop("lot", type_code="quality_hold")
    stop = floor.stop()
    shown = desk(floor.sven).get("/andon/S1/").content.decode()
    assert shown.index("Mia</bdi>, Maintenance technician") < shown.index("Sven</bdi>, Shift supervisor")
    assert f"/phone/{stop.pk}/take/" in shown
    assert "2 open, 0 over" in shown


def test_a_quiet_plant_says_that_nobody_has_to_act(floor: Floor) -> None:
    assert "Nobody has to act." in desk(floor.sven).get("/andon/S1/").content.decode()


def test_what_is_answered_is_not_offered_to_be_taken(floor: Floor) -> None:
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    shown = andon_fragment.render(floor.world.site.place)
    assert "/take/" not in shown
    assert "Mia answered" in shown


def test_it_is_filtered_by_area_and_line(floor: Floor) -> None:
    floor.stop()
    other = make_line(floor.world.area, "L4")
    assert "L3: Machine stands" in andon_fragment.render(floor.world.line.place)
    assert "L3: Machine stands" in andon_fragment.render(floor.world.area.place)
    assert "L3: Machine stands" not in andon_fragment.render(other.place)
    assert "Nobody has to act" in desk(floor.sven).get(f"/andon/S1/?at={other.place}").content.decode()


def test_who_may_see_one_line_sees_that_line_and_no_other(floor: Floor) -> None:
    other = make_line(floor.world.area, "L4")
    lead = make_person("lina", site=floor.world.site)
    give_role(lead, "line_lead", other)
    floor.stop()
    shown = desk(lead).get("/andon/S1/").content.decode()
    assert "L4" in shown
    assert "L3: Machine stands" not in shown
    for place in (floor.world.site, floor.world.area, floor.world.line):
        assert desk(lead).get(f"/andon/S1/?at={place.place}").status_code == 404
        assert not andon_fragment.may_view(actor_of(lead), place.place)
    assert not andon_fragment.may_view(actor_of(lead), "line:x")


def test_red_flags_stand_out(floor: Floor) -> None:
    stop = floor.stop()
    later(minutes=7)
    Notification.objects.filter(exception=stop).update(state=NoticeState.FAILED)
    shown = andon_fragment.render(floor.world.site.place)
    assert "1 open, 1 over" in shown
    assert "Somebody could not be reached" in shown
    assert "sla is-wait over" in shown


def test_an_owner_with_a_telephone_is_called_in_one_tap(floor: Floor) -> None:
    DutyRosterEntry.objects.filter(person=floor.mia).update(phone="4711")
    floor.stop()
    assert 'href="tel:4711"' in andon_fragment.render(floor.world.site.place)


def test_what_is_resolved_stays_in_sight_until_its_cause_is_gone(floor: Floor) -> None:
    stop = floor.stop()
    run(resolve, floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
    assert "Resolved, until the cause is gone" in andon_fragment.render(floor.world.site.place)
    floor.end()
    assert "L3: Machine stands" not in andon_fragment.render(floor.world.site.place)


def test_the_whole_history_with_who_and_whose_it_was(floor: Floor) -> None:
    hold = floor.stop("lot", type_code="quality_hold")
    run(cannot, floor.sven, exception_id=hold.pk, reason="busy_elsewhere")
    run(acknowledge, floor.marta, exception_id=hold.pk)
    run(on_the_way, floor.marta, exception_id=hold.pk, minutes=5)
    run(remark, floor.marta, exception_id=hold.pk, text="Looks porous.")
    run(pause_clock, floor.marta, exception_id=hold.pk, reason="waits_for_supplier", minutes=30)
    run(report_absent, floor.marta, person_id=floor.marta.pk)
    with timezone.override(floor.world.site.zone):
        told = list(reversed(story(fresh(hold))))
    assert (told[0].what, told[0].owner) == ("raised", "Sven")
    whats = [one.what for one in told]
    for what in (
        "can't come: Busy elsewhere",
        "acknowledged",
        "took it",
        "is coming, there at 10:50",
        "said something",
    ):
        assert what in whats, (what, whats)
    assert "clock stopped until 11:15: Waits for the supplier" in whats
    changed = [(one.who, one.old_owner, one.owner, one.what) for one in told if one.old_owner]
    assert changed == [("Marta", "Sven", "Marta", "took it"), ("Marta", "Marta", "Sven", "is away")]
    shown = desk(floor.sven).get(f"/andon/S1/{hold.pk}/").content.decode()
    assert "Marta → <b>Sven</b>" in shown
    assert "Looks porous." in shown
    assert desk(floor.sven).get(f"/andon/S2/{hold.pk}/").status_code == 404


def test_many_cost_as_many_queries_as_one(floor: Floor) -> None:
    stop = floor.stop()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            andon_fragment.render(floor.world.site.place)
            story_fragment.render(str(stop.pk))
        return sum("core_sharedclock" not in query["sql"] for query in captured)

    floor.stop("H0", type_code="quality_hold")
    few = queries()
    for n in range(1, 15):
        floor.stop(f"H{n}", type_code="quality_hold")
        run(remark, floor.sven, exception_id=stop.pk, text="still")
    assert queries() == few
