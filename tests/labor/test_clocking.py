"""Who works on what: on with the start, off with the stop, seen by every act; corrected with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pydantic import SecretStr

from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.labor.commands import clock_off, clock_on, correct_time_entry
from apps.labor.models import TimeEntry
from apps.materials.commands import issue
from apps.orders.commands import confirm_quantity, take_edge
from apps.orders.models import JobOrder
from apps.plant.commands import sign_in_with_badge
from apps.plant.models import Person, Purpose
from tests.materials.stock_world import make_item, make_location, put_stock
from tests.orders.shop import Shop, make_job, make_shop, reason
from tests.world import PIN, ledger, make_terminal, run

pytestmark = pytest.mark.django_db
SIX = datetime(2026, 6, 1, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop() -> Shop:
    clock.move_to(SIX, rate=0)
    return make_shop()


def at(minutes: int) -> datetime:
    clock.move_to(SIX + minutes * MINUTE, rate=0)
    return SIX + minutes * MINUTE


def step(shop: Shop, who: Person, edge: str, minutes: int, *, job: JobOrder | None = None) -> None:
    at(minutes)
    inputs = {"reason": reason(Purpose.PAUSE)} if edge == "pause" else {}
    run(take_edge, who, job_order_id=(job or shop.job).pk, edge=edge, inputs=inputs)


def times(person: Person) -> list[tuple[str, int, int | None, str]]:
    """(phase, from minute, to minute, closed by)"""
    entries = TimeEntry.objects.filter(person=person).order_by("started_at", "pk")
    return [
        (e.phase, (e.started_at - SIX) // MINUTE, e.ended_at and (e.ended_at - SIX) // MINUTE, e.closed_by)
        for e in entries
    ]


class TestWhoStarts:
    def test_is_on_and_off_again_with_the_pause(self, shop: Shop) -> None:
        olga = shop.world.olga
        step(shop, olga, "start", 0)
        step(shop, shop.world.lena, "pause", 30)
        step(shop, olga, "resume", 40)
        assert times(olga) == [("run", 0, 30, "job"), ("run", 40, None, "")]
        assert times(shop.world.lena) == []

    def test_has_set_up_and_run_apart(self, shop: Shop) -> None:
        olga, lena = shop.world.olga, shop.world.lena
        step(shop, olga, "set_up", 0)
        at(5)
        run(clock_on, lena, job_order_id=shop.job.pk)
        step(shop, olga, "start", 20)
        assert times(olga) == [("set_up", 0, 20, "job"), ("run", 20, None, "")]
        assert times(lena) == [("set_up", 5, 20, "job"), ("run", 20, None, "")]
        assert TimeEntry.objects.open().get(person=lena).last_evidence_at == SIX + 5 * MINUTE

    def test_is_told_to_the_ledger_by_id(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start", 0)
        (event,) = ledger("labor.clocked_on")
        assert event.data["person_id"] == shop.world.olga.pk
        assert "olga" not in str(event.data).lower()
        assert event.thread == f"work_order:{shop.job.work_order_id}"


class TestClockingOn:
    def test_several_on_one_operation_and_one_on_several(self, shop: Shop) -> None:
        olga, lena = shop.world.olga, shop.world.lena
        other = make_job(shop.world.line, shop.world.station, number="WO-2")
        step(shop, olga, "start", 0)
        step(shop, olga, "start", 0, job=other)
        run(clock_on, lena, job_order_id=shop.job.pk)
        assert TimeEntry.objects.open().filter(job_order=shop.job).count() == 2
        assert TimeEntry.objects.open().filter(person=olga).count() == 2
        step(shop, olga, "pause", 10)
        assert TimeEntry.objects.open().get().job_order == other

    def test_needs_a_running_operation(self, shop: Shop) -> None:
        with pytest.raises(CommandRefused, match="Start it, then clock on"):
            run(clock_on, shop.world.olga, job_order_id=shop.job.pk)

    def test_is_refused_twice_and_to_who_may_not(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start", 0)
        with pytest.raises(CommandRefused, match="already"):
            run(clock_on, shop.world.olga, job_order_id=shop.job.pk)
        for stranger in (shop.world.ivan, shop.world.otto):
            with pytest.raises(CommandRefused, match="You may not"):
                run(clock_on, stranger, job_order_id=shop.job.pk)


class TestClockingOff:
    def test_leaves_the_operation_running(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start", 0)
        at(15)
        assert run(clock_off, shop.world.olga, job_order_id=shop.job.pk).ended_at == SIX + 15 * MINUTE
        assert times(shop.world.olga) == [("run", 0, 15, "person")]
        assert shop.reload().is_running
        with pytest.raises(CommandRefused, match="not clocked on"):
            run(clock_off, shop.world.olga, job_order_id=shop.job.pk)

    def test_of_another_is_the_leads(self, shop: Shop) -> None:
        olga, lena = shop.world.olga, shop.world.lena
        step(shop, lena, "start", 0)
        with pytest.raises(CommandRefused, match="You may not clock others off"):
            run(clock_off, olga, job_order_id=shop.job.pk, person_id=lena.pk)
        at(3)
        run(clock_on, olga, job_order_id=shop.job.pk)
        at(9)
        run(clock_off, lena, job_order_id=shop.job.pk, person_id=olga.pk)
        assert times(olga) == [("run", 3, 9, "person")]
        (event,) = ledger("labor.clocked_off")
        assert (event.actor_id, event.data["person_id"], event.data["closed_by"]) == (lena.pk, olga.pk, "person")

    def test_and_on_again_at_once_overlaps_nothing(self, shop: Shop) -> None:
        step(shop, shop.world.olga, "start", 0)
        run(clock_off, shop.world.olga, job_order_id=shop.job.pk)
        run(clock_on, shop.world.olga, job_order_id=shop.job.pk)
        assert times(shop.world.olga) == [("run", 0, 0, "person"), ("run", 0, None, "")]


def test_an_act_is_evidence_on_all_that_the_person_is_on(shop: Shop, django_capture_on_commit_callbacks: Any) -> None:
    olga, lena = shop.world.olga, shop.world.lena
    other = make_job(shop.world.line, shop.world.station, number="WO-2")
    step(shop, olga, "start", 0)
    step(shop, olga, "start", 0, job=other)
    run(clock_on, lena, job_order_id=shop.job.pk)
    at(50)
    with django_capture_on_commit_callbacks(execute=True):
        run(confirm_quantity, olga, job_order_id=shop.job.pk, good=Decimal(1))
    seen = TimeEntry.objects.open()
    assert {entry.last_evidence_at for entry in seen.filter(person=olga)} == {SIX + 50 * MINUTE}
    assert seen.get(person=lena).last_evidence_at == SIX


def test_a_badge_and_a_movement_of_material_are_evidence_too(
    shop: Shop, django_capture_on_commit_callbacks: Any
) -> None:
    olga = shop.world.olga
    olga.set_pin(PIN)
    olga.save()
    step(shop, olga, "start", 0)
    terminal = make_terminal(shop.world.site, station=shop.world.station)
    at(10)
    with django_capture_on_commit_callbacks(execute=True):
        answer = run(
            sign_in_with_badge,
            Actor(terminal_id=terminal.pk),
            terminal_id=terminal.pk,
            badge=SecretStr("badge-olga"),
            pin=SecretStr(PIN),
        )
    assert answer.person_id == olga.pk
    assert TimeEntry.objects.get().last_evidence_at == SIX + 10 * MINUTE
    rack, item = make_location(shop.world.site), make_item()
    put_stock(item, rack, 5)
    at(20)
    with django_capture_on_commit_callbacks(execute=True):
        line_id = shop.world.line.pk
        run(issue, olga, item_id=item.pk, quantity=Decimal(1), from_location_id=rack.pk, work_center_id=line_id)
    assert TimeEntry.objects.get().last_evidence_at == SIX + 20 * MINUTE


class TestACorrection:
    @pytest.fixture
    def entry(self, shop: Shop) -> TimeEntry:
        step(shop, shop.world.olga, "start", 0)
        step(shop, shop.world.olga, "pause", 60)
        TimeEntry.objects.update(flagged=True)
        return TimeEntry.objects.get()

    def correct(self, who: Person, entry: TimeEntry, start: int, end: int, why: str = "left at ten to") -> Any:
        return run(
            correct_time_entry,
            who,
            entry_id=entry.pk,
            started_at=SIX + start * MINUTE,
            ended_at=SIX + end * MINUTE,
            reason=why,
        )

    def test_takes_the_flag_and_keeps_what_was_said_before(self, shop: Shop, entry: TimeEntry) -> None:
        told = self.correct(shop.world.lena, entry, 5, 50)
        assert (told.flagged, told.ended_at) == (False, SIX + 50 * MINUTE)
        (event,) = ledger("labor.time_entry_corrected")
        assert event.data["old_ended_at"].startswith("2026-06-01T07:00")
        assert event.data["new_ended_at"].startswith("2026-06-01T06:50")
        assert "ten to" not in str(event.data)
        assert entry.history.count() == 3
        assert entry.history.first().history_user_id == shop.world.lena.pk

    @pytest.mark.parametrize(
        ("start", "end", "why", "said"),
        [
            (0, 50, " ", "Say why"),
            (50, 50, "x", "after the start"),
            (0, 90, "x", "future"),
        ],
    )
    def test_that_makes_no_sense_is_refused(
        self, shop: Shop, entry: TimeEntry, start: int, end: int, why: str, said: str
    ) -> None:
        with pytest.raises(CommandRefused, match=said):
            self.correct(shop.world.lena, entry, start, end, why)

    def test_into_other_time_on_the_operation_is_refused(self, shop: Shop, entry: TimeEntry) -> None:
        step(shop, shop.world.olga, "resume", 70)
        at(90)
        with pytest.raises(CommandRefused, match="other time"):
            self.correct(shop.world.lena, entry, 0, 75)
        with pytest.raises(CommandRefused, match="goes on"):
            self.correct(shop.world.lena, TimeEntry.objects.open().get(), 70, 80)

    def test_is_not_the_operators(self, shop: Shop, entry: TimeEntry) -> None:
        with pytest.raises(CommandRefused, match="You may not"):
            self.correct(shop.world.olga, entry, 0, 50)

    def test_is_made_on_its_page(self, shop: Shop, entry: TimeEntry) -> None:
        lena = shop.world.lena
        Person.objects.filter(pk=lena.pk).update(is_staff=True)
        client = Client()
        client.force_login(Person.objects.get(pk=lena.pk))
        page = f"/admin/labor/timeentry/{entry.pk}/change/"
        assert client.get(page).status_code == 200
        sent = {"started_at_0": "2026-06-01", "started_at_1": "06:00:00", "correction_reason": "as said"}
        assert client.post(page, {**sent, "ended_at_0": "2026-06-01", "ended_at_1": "06:45:00"}).status_code == 302
        entry.refresh_from_db()
        assert (entry.ended_at, entry.flagged, entry.correction_reason) == (SIX + 45 * MINUTE, False, "as said")
