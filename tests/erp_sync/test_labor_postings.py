"""The time of people goes to the ERP as that of its employees, day by day, and a correction replaces it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.erp_sync import payloads
from apps.erp_sync.commands import name_employee, skip_posting
from apps.erp_sync.models import ErpEmployee, Posting
from apps.labor.commands import clock_off, clock_on, correct_time_entry
from apps.labor.models import TimeEntry
from apps.orders.commands import take_edge
from apps.plant.models import Purpose
from tests.erp_sync.outbox_world import SYSTEM, Outbox, deliver_all
from tests.orders.shop import reason
from tests.world import run

pytestmark = pytest.mark.django_db(transaction=True)
EVENING = datetime(2030, 1, 7, 21, 30, tzinfo=UTC)


def at(minutes: float) -> None:
    clock.move_to(EVENING + timedelta(minutes=minutes), rate=0)


def told() -> list[tuple[date, timedelta]]:
    lines = [payloads.load(posting) for posting in Posting.objects.filter(kind="labor").order_by("pk")]
    return [(line.day, line.duration) for line in lines]


@pytest.fixture
def worked(outbox: Outbox) -> Outbox:
    """Olga at work from 22:30 to 00:30 of the site's time, with her break on another operation left out."""
    outbox.world.site.timezone = "Europe/Berlin"
    outbox.world.site.save()
    at(0)
    job = outbox.order(5)
    outbox.start(job)
    at(120)
    run(take_edge, outbox.world.olga, job_order_id=job.pk, edge="pause", inputs={"reason": reason(Purpose.PAUSE)})
    return outbox


class TestATime:
    def test_is_told_by_the_days_of_the_site(self, worked: Outbox) -> None:
        assert told() == [(date(2030, 1, 7), timedelta(minutes=90)), (date(2030, 1, 8), timedelta(minutes=30))]

    def test_goes_to_the_employee_that_the_person_is(self, worked: Outbox) -> None:
        deliver_all()
        for posting in Posting.objects.filter(kind="labor"):
            content: Any = payloads.complete(posting)
            assert (content.person.type, content.person.id) == ("company.employee", "7")
            assert content.operation.id == "11"
            assert posting.state == "posted"

    def test_of_a_person_whom_nobody_has_named_waits_for_that_and_holds_nothing_else_back(self, worked: Outbox) -> None:
        ErpEmployee.objects.all().delete()
        deliver_all(until=lambda: Posting.objects.filter(state="parked").exists())
        assert [p.state for p in Posting.objects.filter(kind="labor").order_by("pk")] == ["parked", "queued"]
        deliver_all(until=lambda: Posting.objects.filter(kind="start", state="posted").exists())
        employee = ErpEmployee.objects.create(link=worked.link, erp_key="company.employee,7", name="O.")
        assert "who of its employees" in Posting.objects.filter(state="parked")[0].parked_reason["sentence"]
        assert run(name_employee, SYSTEM, employee_id=employee.pk, person_id=worked.world.olga.pk) == 1
        deliver_all()
        worked.is_right()

    def test_of_two_people_on_one_operation_is_two_times(self, outbox: Outbox) -> None:
        at(0)
        job = outbox.order(5)
        outbox.start(job)
        run(clock_on, outbox.world.lena, job_order_id=job.pk)
        at(10)
        run(clock_off, outbox.world.lena, job_order_id=job.pk)
        at(20)
        outbox.book(job, 5)
        outbox.complete(job)
        assert [duration for _, duration in told()] == [timedelta(minutes=10), timedelta(minutes=20)]

    def test_of_no_length_is_no_time(self, outbox: Outbox) -> None:
        at(0)
        job = outbox.order(1)
        outbox.start(job)
        outbox.book(job)
        outbox.complete(job)
        assert told() == []


class TestACorrection:
    def test_replaces_the_day_that_it_changes_and_adds_the_one_that_is_new(self, worked: Outbox) -> None:
        deliver_all()
        entry = TimeEntry.objects.get()
        run(
            correct_time_entry,
            worked.world.lena,
            entry_id=entry.pk,
            started_at=entry.started_at,
            ended_at=EVENING + timedelta(minutes=60),
            reason="went home",
        )
        assert told()[2:] == [(date(2030, 1, 7), timedelta(minutes=60)), (date(2030, 1, 8), timedelta(0))]
        deliver_all()
        first, _, again, _ = Posting.objects.filter(kind="labor").order_by("pk")
        content: Any = payloads.complete(again)
        assert content.replaces.id == first.erp_refs[0]["id"]
        worked.is_right()

    def test_of_a_time_that_was_kept_from_the_erp_is_told_in_its_place(self, worked: Outbox) -> None:
        ErpEmployee.objects.all().delete()
        deliver_all(until=lambda: Posting.objects.filter(state="parked").exists())
        for _ in range(2):
            parked = Posting.objects.get(state="parked")
            run(skip_posting, SYSTEM, posting_id=parked.pk, reason="Forgot to clock off.")
            deliver_all(until=lambda: not Posting.objects.filter(state="queued", kind="labor").exists())
        ErpEmployee.objects.create(link=worked.link, erp_key="company.employee,7", name="O.", person=worked.world.olga)
        entry = TimeEntry.objects.get()
        ended_at = EVENING + timedelta(minutes=60)
        given: dict[str, Any] = {"entry_id": entry.pk, "started_at": entry.started_at, "ended_at": ended_at}
        run(correct_time_entry, worked.world.lena, **given, reason="went home")
        deliver_all()
        first = Posting.objects.filter(kind="labor", state="posted").order_by("pk")[0]
        content: Any = payloads.complete(first)
        assert (content.replaces, content.duration) == (None, timedelta(minutes=60))
