"""At work by working on something: begins with the first, ends with the last; an operation sends nobody home."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.labor.commands import change_to, clock_off, clock_on
from apps.labor.models import TimeEntry
from apps.labor.tasks import end_silent_entries
from apps.orders.commands import confirm_quantity, take_edge
from apps.plant.commands import deactivate_person, go_off_duty, go_on_duty, report_absent
from apps.plant.duty import is_on_duty
from apps.plant.models import Absence, Person, Presence, Purpose
from apps.plant.tasks import end_silent_presences
from tests.concurrency import at_once
from tests.orders.shop import Shop, make_job, make_shop, reason
from tests.world import actor_of, ledger, make_calendar, make_holder, make_role, run

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def local(clock_time: str) -> datetime:
    return datetime.combine(date(2026, 6, 1), time.fromisoformat(clock_time), BERLIN).astimezone(UTC)


def at(clock_time: str) -> None:
    clock.move_to(local(clock_time), rate=0)


@pytest.fixture
def shop() -> Shop:
    at("06:00")
    shop = make_shop()
    make_calendar(shop.world.site)
    for role in ("operator", "line_lead"):
        make_role(role, "plant.own_duty")
    return shop


def step(shop: Shop, who: Person, edge: str) -> None:
    inputs = {"reason": reason(Purpose.PAUSE)} if edge == "pause" else {}
    run(take_edge, who, job_order_id=shop.job.pk, edge=edge, inputs=inputs)


def presences(person: Person) -> list[tuple[str, str, str]]:
    """(from, until, ended by), local times."""

    def told(instant: datetime | None) -> str:
        return instant.astimezone(BERLIN).strftime("%H:%M") if instant else ""

    rows = Presence.objects.filter(person=person).order_by("started_at")
    return [(told(row.started_at), told(row.ended_at), row.ended_by) for row in rows]


class TestPresence:
    def test_begins_with_the_first_work_and_ends_with_the_last_clock_off(self, shop: Shop) -> None:
        olga = shop.world.olga
        other = make_job(shop.world.line, shop.world.station, number="WO-2")
        step(shop, olga, "start")
        at("06:10")
        run(take_edge, olga, job_order_id=other.pk, edge="start", inputs={})
        assert presences(olga) == [("06:00", "", "")]
        assert Presence.objects.get().work_center == shop.world.line
        at("07:00")
        run(clock_off, olga, job_order_id=shop.job.pk)
        assert is_on_duty(olga.pk, clock.now())
        at("08:00")
        run(clock_off, olga, job_order_id=other.pk)
        assert presences(olga) == [("06:00", "08:00", "person")]
        assert not is_on_duty(olga.pk, clock.now())
        (began,), (ended,) = ledger("plant.presence_began"), ledger("plant.presence_ended")
        assert (began.data["person_id"], ended.data["person_id"]) == (olga.pk, olga.pk)
        assert ended.cause_id == ledger("labor.clocked_off")[-1].pk, "in the same transaction, as its consequence"
        run(clock_on, olga, job_order_id=other.pk)
        assert presences(olga) == [("06:00", "08:00", "person"), ("08:00", "", "")]

    def test_goes_on_when_somebody_changes_from_one_operation_to_another(self, shop: Shop) -> None:
        olga = shop.world.olga
        others = [make_job(shop.world.line, shop.world.station, number=f"WO-{n}") for n in (2, 3)]
        for other in others:
            run(take_edge, shop.world.lena, job_order_id=other.pk, edge="start", inputs={})
        step(shop, olga, "start")
        at("07:00")
        run(clock_on, olga, job_order_id=others[0].pk)
        at("07:30")
        run(change_to, olga, job_order_id=others[1].pk)
        assert TimeEntry.objects.open().get(person=olga).job_order == others[1]
        assert presences(olga) == [("06:00", "", "")], "at work all the while"
        assert not [event for event in ledger("plant.presence_ended") if event.data["person_id"] == olga.pk]
        with pytest.raises(CommandRefused) as refused:
            run(change_to, olga, job_order_id=others[1].pk)
        assert refused.value.code == "on_already"

    def test_stays_when_the_operation_stops(self, shop: Shop) -> None:
        olga = shop.world.olga
        step(shop, olga, "start")
        at("07:00")
        step(shop, shop.world.lena, "pause")
        assert not TimeEntry.objects.open().exists()
        assert presences(olga) == [("06:00", "", "")]
        at("07:30")
        run(go_off_duty, olga)
        assert presences(olga) == [("06:00", "07:30", "person")]

    def test_that_one_ends_clocks_off_all_work(self, shop: Shop) -> None:
        olga = shop.world.olga
        step(shop, olga, "start")
        at("09:00")
        run(go_off_duty, olga)
        entry = TimeEntry.objects.get()
        assert (entry.ended_at, entry.closed_by) == (local("09:00"), "person")
        assert presences(olga) == [("06:00", "09:00", "person")]
        assert shop.reload().is_running

    def test_said_by_hand_outlasts_the_work(self, shop: Shop) -> None:
        lena = shop.world.lena
        run(go_on_duty, lena)
        step(shop, lena, "start")
        at("07:00")
        run(clock_off, lena, job_order_id=shop.job.pk)
        assert presences(lena) == [("06:00", "", "")]

    def test_said_by_hand_meanwhile_outlasts_it_too(self, shop: Shop) -> None:
        lena = shop.world.lena
        step(shop, lena, "start")
        run(go_on_duty, lena)
        run(clock_off, lena, job_order_id=shop.job.pk)
        assert presences(lena) == [("06:00", "", "")]

    def test_ends_when_the_person_goes_home_sick_or_is_deactivated(self, shop: Shop) -> None:
        olga, lena = shop.world.olga, shop.world.lena
        step(shop, olga, "start")
        run(clock_on, lena, job_order_id=shop.job.pk)
        at("10:00")
        run(report_absent, olga)
        run(deactivate_person, make_holder("plant.manage_people"), person_id=lena.pk)
        assert presences(olga) == presences(lena) == [("06:00", "10:00", "person")]
        assert not TimeEntry.objects.open().exists()

    def test_is_not_put_off_by_a_terminal_whose_clock_is_ahead(self, shop: Shop) -> None:
        olga, ahead = shop.world.olga, timedelta(seconds=40)
        start = take_edge.at(clock.now() + ahead)
        start(actor_of(olga), uuid4(), job_order_id=shop.job.pk, edge="start", inputs={})
        assert is_on_duty(olga.pk, clock.now())
        at("07:00")
        clock_off.at(clock.now() + ahead)(actor_of(olga), uuid4(), job_order_id=shop.job.pk)
        assert not is_on_duty(olga.pk, clock.now())
        assert presences(olga) == [("06:00", "07:00", "person")]

    def test_of_who_was_away_says_that_they_are_back(self, shop: Shop) -> None:
        run(report_absent, shop.world.olga)
        at("06:30")
        step(shop, shop.world.olga, "start")
        assert Absence.objects.get().ends_at == local("06:30")
        assert len(ledger("plant.absence_ended")) == 1
        assert is_on_duty(shop.world.olga.pk, clock.now())


class TestTheEndRule:
    pytestmark = pytest.mark.django_db(transaction=True)

    def test_ends_it_with_the_time_of_who_went_without_a_word(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start")
        at("13:40")
        run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(1))
        at("14:30")
        assert end_silent_entries.run() == 1
        assert presences(shop.world.olga) == [("06:00", "13:40", "rule")]

    def test_ends_it_where_no_work_was_left(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start")
        step(shop, shop.world.lena, "pause")
        at("14:29")
        assert end_silent_presences.run() == 0
        at("14:30")
        assert end_silent_presences.run() == 1
        assert presences(shop.world.olga) == [("06:00", "06:00", "rule")]
        assert end_silent_presences.run() == 0

    def test_ends_that_of_a_supervisor_by_the_calendar_of_the_site(self, shop: Shop) -> None:
        run(go_on_duty, shop.world.lena)
        at("14:30")
        assert end_silent_presences.run() == 1

    def test_leaves_who_is_seen_at_anything(self, shop: Shop) -> None:
        run(go_on_duty, shop.world.lena)
        step(shop, shop.world.olga, "start")
        at("14:10")
        run(confirm_quantity, shop.world.lena, job_order_id=shop.job.pk, good=Decimal(1))
        at("14:30")
        assert end_silent_presences.run() == 1
        assert presences(shop.world.lena) == [("06:00", "", "")], "overtime"


@pytest.mark.django_db(transaction=True)
def test_what_is_seen_of_a_person_is_one_statement_after_the_act(shop: Shop) -> None:
    step(shop, shop.world.olga, "start")
    at("06:50")
    with CaptureQueriesContext(connection) as seen:
        run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(1))
    statements = [query["sql"] for query in seen if "last_evidence_at" in query["sql"]]
    assert len(statements) == 1
    assert "plant_presence" in statements[0]
    assert "labor_timeentry" in statements[0]
    assert Presence.objects.get().last_evidence_at == TimeEntry.objects.get().last_evidence_at == local("06:50")


@pytest.mark.django_db(transaction=True)
def test_two_starts_at_once_are_one_presence_and_a_clock_off_beside_a_clock_on_ends_none(shop: Shop) -> None:
    olga = shop.world.olga
    jobs = [make_job(shop.world.line, None, number=f"WO-2{n}") for n in range(4)]

    def start(job: Any) -> None:
        take_edge(actor_of(olga), uuid4(), job_order_id=job.pk, edge="start", inputs={})

    assert not any(at_once(*[lambda job=job: start(job) for job in jobs]))
    assert TimeEntry.objects.open().count() == 4
    assert Presence.objects.open().count() == 1
    for job in jobs[1:]:
        run(clock_off, olga, job_order_id=job.pk)
    for on, off in [(1, 0), (0, 1)] * 5:
        raised = at_once(
            lambda on=on: run(clock_on, olga, job_order_id=jobs[on].pk),
            lambda off=off: run(clock_off, olga, job_order_id=jobs[off].pk),
        )
        assert not any(raised)
        assert TimeEntry.objects.open().count() == 1
        assert Presence.objects.open().count() == 1
