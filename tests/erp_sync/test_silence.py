"""An ERP that is not there, or far behind, calls one person once, and lets them go when it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from apps.andon.commands import apply_cure
from apps.andon.models import FloorException
from apps.core.models import CommandReceipt
from apps.erp_sync import delivery
from apps.erp_sync.commands import disconnect_erp, set_policy, skip_posting
from apps.erp_sync.intake.polling import read_erp
from apps.erp_sync.models import Posting, Reading, Silence
from apps.erp_sync.tasks import watch_lateness
from tests.erp_sync.outbox_world import SYSTEM, Outbox, deliver_all
from tests.world import make_holder, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


def open_ones(kind: str) -> list[FloorException]:
    return list(FloorException.objects.open().filter(cause_kind=kind))


def read(outbox: Outbox) -> None:
    read_erp(outbox.link)


def silent_for(minutes: int) -> None:
    Silence.objects.open().update(since=F("since") - timedelta(minutes=minutes))


def waited(minutes: int) -> None:
    Posting.objects.update(recorded_at=F("recorded_at") - timedelta(minutes=minutes))


def fall_silent(outbox: Outbox, minutes: int = 6) -> FloorException:
    outbox.erp.configure(off=True)
    read(outbox)
    silent_for(minutes)
    read(outbox)
    (called,) = open_ones("erp_silent")
    return called


class TestAnErpThatDoesNotAnswer:
    def test_is_one_exception_that_says_what_still_works_since_when_and_what_waits(self, outbox: Outbox) -> None:
        outbox.erp.configure(off=True)
        outbox.work(1)
        called = fall_silent(outbox)
        read(outbox)
        assert open_ones("erp_silent") == [called]
        assert (called.type.code, called.headline) == ("erp_down", "S1: the ERP is silent")
        assert "no route to the ERP" in called.sentence
        assert "Everything on the floor works" in called.sentence
        assert f"{Posting.objects.count()} postings wait" in called.sentence
        assert called.owner_id

    def test_ends_by_itself_when_it_answers(self, outbox: Outbox) -> None:
        called = fall_silent(outbox)
        outbox.erp.configure(off=False)
        read(outbox)
        called.refresh_from_db()
        assert called.status == "closed"
        assert Silence.objects.get().ended_at is not None
        assert fall_silent(outbox).pk != called.pk

    def test_calls_nobody_for_a_moment(self, outbox: Outbox) -> None:
        outbox.erp.configure(off=True)
        read(outbox)
        read(outbox)
        assert Silence.objects.open().count() == 1
        outbox.erp.configure(off=False)
        read(outbox)
        assert not FloorException.objects.exists()
        assert not Silence.objects.exists()

    def test_allows_as_long_as_its_policy_says(self, outbox: Outbox) -> None:
        run(set_policy, SYSTEM, link_id=outbox.link.pk, policy={"silent_minutes": 20})
        outbox.link.refresh_from_db()
        outbox.erp.configure(off=True)
        read(outbox)
        silent_for(19)
        read(outbox)
        assert not open_ones("erp_silent")
        silent_for(2)
        read(outbox)
        assert open_ones("erp_silent")

    def test_that_can_t_be_asked_as_the_worker_is_set_up(self, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("STUB_PASSWORD")
        read(outbox)
        silent_for(6)
        read(outbox)
        (called,) = open_ones("erp_silent")
        assert "STUB_PASSWORD" in called.sentence

    def test_writes_no_receipt_while_nothing_changes(self, outbox: Outbox) -> None:
        read(outbox)
        before = CommandReceipt.objects.count()
        read(outbox)
        watch_lateness.run()
        assert CommandReceipt.objects.count() == before
        fall_silent(outbox)
        during = CommandReceipt.objects.count()
        read(outbox)
        watch_lateness.run()
        assert CommandReceipt.objects.count() == during

    def test_concerns_nobody_once_the_site_has_no_erp(self, outbox: Outbox) -> None:
        called = fall_silent(outbox)
        run(disconnect_erp, SYSTEM, link_id=outbox.link.pk)
        called.refresh_from_db()
        assert called.status == "closed"


class TestPostingsThatAreLate:
    @pytest.fixture
    def late(self, outbox: Outbox) -> FloorException:
        read(outbox)
        outbox.work(1)
        waited(31)
        watch_lateness.run()
        (called,) = open_ones("erp_late")
        return called

    def test_are_one_exception_though_the_erp_answers(self, late: FloorException) -> None:
        watch_lateness.run()
        assert open_ones("erp_late") == [late]
        assert late.headline == "S1: postings are late"
        assert f"{Posting.objects.count()} postings" in late.sentence
        assert "WO-1" in late.sentence
        assert "worker" in late.sentence

    def test_say_what_the_erp_answered_last(self, outbox: Outbox, late: FloorException) -> None:
        outbox.erp.configure(fault="before")
        Posting.objects.update(last_error="no connection.")
        assert late.sentence.endswith(": no connection.")

    def test_are_sent_at_once_by_who_may(
        self, outbox: Outbox, late: FloorException, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivery, "back_off", lambda attempts: timedelta(minutes=15))
        outbox.erp.configure(fault="before")
        while delivery.deliver_next():
            pass
        outbox.erp.configure(fault="")
        assert not delivery.deliver_next(), "the next attempt is far away"
        clerk = make_holder("erp.post", place=outbox.world.site)
        run(apply_cure, clerk, exception_id=late.pk, cure="send_late", inputs={})
        deliver_all()
        watch_lateness.run()
        late.refresh_from_db()
        assert late.status == "closed"

    def test_end_by_themselves(self, late: FloorException) -> None:
        deliver_all()
        watch_lateness.run()
        late.refresh_from_db()
        assert late.status == "closed"

    def test_behind_a_parked_one_are_that_one_s(self, outbox: Outbox) -> None:
        read(outbox)
        outbox.erp.configure(rejects=["1"])
        outbox.work(1)
        deliver_all(until=lambda: Posting.objects.filter(state="parked").exists())
        waited(31)
        watch_lateness.run()
        assert not open_ones("erp_late")
        outbox.erp.configure(rejects=[])
        parked = Posting.objects.get(state="parked")
        clerk = make_holder("erp.post", place=outbox.world.site)
        run(skip_posting, clerk, posting_id=parked.pk, reason="By hand.")
        watch_lateness.run()
        assert open_ones("erp_late")

    def test_while_the_erp_is_silent_are_part_of_that(self, outbox: Outbox, late: FloorException) -> None:
        called = fall_silent(outbox)
        late.refresh_from_db()
        assert late.parent == called
        watch_lateness.run()
        assert open_ones("erp_late") == [late]
        outbox.erp.configure(off=False)
        read(outbox)
        deliver_all()
        watch_lateness.run()
        assert not FloorException.objects.open().exists()

    def test_are_not_called_late_while_the_erp_catches_up(self, outbox: Outbox) -> None:
        outbox.erp.configure(off=True)
        outbox.work(1)
        waited(480)
        fall_silent(outbox, minutes=480)
        watch_lateness.run()
        outbox.erp.configure(off=False)
        read(outbox)
        watch_lateness.run()
        assert not open_ones("erp_late")
        Silence.objects.update(ended_at=F("ended_at") - timedelta(minutes=31))
        watch_lateness.run()
        assert open_ones("erp_late")

    def test_are_not_called_late_after_the_worker_was_off(self, outbox: Outbox) -> None:
        read(outbox)
        outbox.work(1)
        waited(480)
        Reading.objects.update(read_at=F("read_at") - timedelta(minutes=480))
        watch_lateness.run()
        read(outbox)
        watch_lateness.run()
        assert not open_ones("erp_late")
        assert "worker" in Silence.objects.get().problem
        Silence.objects.update(ended_at=F("ended_at") - timedelta(minutes=31))
        watch_lateness.run()
        assert open_ones("erp_late")
