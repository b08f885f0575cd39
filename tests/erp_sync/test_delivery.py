"""Promise 4: every posting has one effect, in order per order, or stands parked; whatever fails on the way."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.core.errors import CommandRefused
from apps.erp_sync import delivery, registry
from apps.erp_sync.commands import retry_posting, skip_posting
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import Posting, PostingState
from apps.erp_sync.queries import lag
from tests.erp_sync.outbox_world import SYSTEM, Outbox, deliver_all, lanes, make_outbox
from tests.erp_sync.stub import StubErp
from tests.world import ledger, make_holder, run

pytestmark = pytest.mark.django_db(transaction=True)


def states() -> list[str]:
    return list(Posting.objects.order_by("pk").values_list("state", flat=True))


class TestWithoutFaults:
    def test_everything_arrives_in_order_and_is_confirmed(self, outbox: Outbox) -> None:
        job = outbox.work(2)
        deliver_all()
        kinds = list(Posting.objects.order_by("sequence").values_list("kind", "sequence"))
        assert kinds == [
            (k, n) for n, k in enumerate(["start", "cycle", "move", "cycle", "move", "cycle", "finish"], 1)
        ]
        deliver_all()
        outbox.is_right()
        assert set(states()) == {"posted"}
        posting = Posting.objects.get(kind="finish")
        assert posting.document == "document 7"
        assert posting.attempts == 1
        assert ledger("erp_sync.posting_confirmed")[-1].thread == job.work_order.thread

    def test_the_lag_is_measured(self, outbox: Outbox) -> None:
        outbox.start(outbox.order())
        assert lag().waiting == 1
        assert lag().oldest is not None
        deliver_all()
        now = lag()
        assert (now.waiting, now.parked, now.oldest) == (0, 0, None)
        assert now.p50 is not None
        assert 0 < now.p50 <= (now.p95 or 0) < 30
        assert lag(outbox.world.other_site.pk).p50 is None


@pytest.mark.usefixtures("quick")
class TestUnderFaults:
    @pytest.mark.parametrize("seed", range(6))
    def test_exactly_once_in_order_by_several_lanes(self, outbox: Outbox, seed: int) -> None:
        outbox.erp.configure(chaos=seed)
        for _ in range(3):
            outbox.work(2)
        lanes(3)
        outbox.is_right()
        assert set(states()) == {"posted"}
        assert len({fault for _, fault in outbox.erp.arrivals()} - {""}) > 1, "no fault bit"

    @pytest.mark.parametrize("fault", ["lost", "pending"])
    def test_what_may_have_been_sent_is_looked_up_before_it_is_sent_again(self, tmp_path: Path, fault: str) -> None:
        """An ERP that would do it twice is asked first, so it never hears it twice."""
        outbox = make_outbox(tmp_path / "naive.sqlite", deduping=False)
        outbox.erp.configure(fault=fault)
        outbox.work(2)
        deliver_all()
        outbox.is_right()
        assert len(outbox.erp.arrivals()) == Posting.objects.count()
        assert set(Posting.objects.values_list("attempts", flat=True)) == {2}

    def test_an_erp_that_is_off_for_a_while(self, outbox: Outbox) -> None:
        outbox.erp.configure(off=True)
        outbox.work(1)
        outbox.work(1)
        for _ in range(5):
            delivery.deliver_next()
        assert outbox.erp.effects() == []
        assert lag().waiting == Posting.objects.count()
        outbox.erp.configure(off=False)
        deliver_all()
        outbox.is_right()

    def test_when_it_answers_again_nobody_sits_out_a_long_wait(
        self, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivery, "back_off", lambda attempts: timedelta(minutes=10))
        outbox.erp.configure(off=True)
        for _ in range(3):
            outbox.start(outbox.order())
        while delivery.deliver_next():
            pass
        outbox.erp.configure(off=False)
        first = Posting.objects.order_by("pk").first()
        assert first is not None
        run(retry_posting, SYSTEM, posting_id=first.pk)
        deliver_all(5)
        outbox.is_right()

    def test_a_fault_in_the_connector_stops_nobody(self, outbox: Outbox) -> None:
        outbox.erp.configure(fault="busy")
        outbox.start(outbox.order())
        assert delivery.deliver_next()
        assert "ConnectionResetError" in Posting.objects.get().last_error
        outbox.erp.configure(fault="")
        deliver_all()
        outbox.is_right()


class TestWaiting:
    def test_doubles_from_a_second_to_a_quarter_of_an_hour(self) -> None:
        for attempts, whole in ((1, 1), (2, 2), (5, 16), (11, 900), (400, 900)):
            for _ in range(20):
                assert 0.75 * whole <= delivery.back_off(attempts).total_seconds() <= whole

    def test_is_not_for_what_was_never_sent(self, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("STUB_PASSWORD")
        outbox.start(outbox.order())
        delivery.deliver_next()
        posting = Posting.objects.get()
        assert posting.state == PostingState.QUEUED
        assert "STUB_PASSWORD" in posting.last_error


class TestALease:
    def test_is_held_by_one(self, outbox: Outbox) -> None:
        outbox.start(outbox.order())
        assert delivery.claim() is not None
        assert delivery.claim() is None

    def test_keeps_the_rest_of_its_order_back_and_no_other(self, outbox: Outbox) -> None:
        outbox.work(1)
        other = outbox.work(1)
        first, second = delivery.claim(), delivery.claim()
        assert first is not None
        assert second is not None
        assert (first.posting.sequence, second.posting.sequence) == (1, 1)
        assert second.posting.thread == other.work_order.thread
        assert delivery.claim() is None

    def test_that_ran_out_is_given_to_another_and_the_first_changes_nothing_any_more(
        self, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outbox.start(outbox.order())
        monkeypatch.setattr(delivery, "LEASE", timedelta(0))
        paused = delivery.claim()
        assert paused is not None
        answer = delivery.ask(paused)
        monkeypatch.setattr(delivery, "LEASE", timedelta(seconds=30))
        second = delivery.claim()
        assert second is not None
        assert second.token != paused.token
        delivery.keep(paused, answer)
        held = Posting.objects.get()
        assert (held.state, held.lease_token, held.erp_refs) == ("leased", second.token, [])
        delivery._put_back(paused, "late", timedelta(0))
        assert Posting.objects.get().lease_token == second.token
        delivery.keep(second, delivery.ask(second))
        assert Posting.objects.get().attempts == 2
        outbox.is_right()

    def test_lasts_as_long_as_the_posting_gets_on_call_by_call(
        self, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivery, "LEASE", timedelta(seconds=0.4))
        held: list[bool] = []

        def slow(connector: StubErp, posting: erp.OrderStatePosting) -> erp.PostingResult:
            for _ in range(4):
                registry.before_a_call()
                time.sleep(0.2)
                held.append(delivery.claim() is None)
            return connector._post(posting, posting.order.id)

        monkeypatch.setattr(StubErp, "set_order_state", slow)
        outbox.start(outbox.order())
        assert delivery.deliver_next()
        assert held == [True] * 4
        assert states() == ["posted"]

    def test_that_was_lost_ends_the_posting_before_the_next_call(
        self, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivery, "LEASE", timedelta(0))
        outbox.start(outbox.order())
        paused = delivery.claim()
        assert paused is not None
        assert delivery.claim() is not None

        def speaks(connector: StubErp, posting: erp.OrderStatePosting) -> erp.PostingResult:
            registry.before_a_call()
            return connector._post(posting, posting.order.id)

        monkeypatch.setattr(StubErp, "set_order_state", speaks)
        assert isinstance(delivery.ask(paused), erp.Unknown)
        assert outbox.erp.effects() == []

    def test_two_claimers_never_have_the_same(self, outbox: Outbox) -> None:
        for _ in range(12):
            outbox.start(outbox.order())
        taken: list[Any] = []
        together = threading.Barrier(4)

        def claimer() -> None:
            together.wait()
            while lease := delivery.claim():
                taken.append(lease.posting.pk)
            connection.close()

        threads = [threading.Thread(target=claimer) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while lease := delivery.claim():  # whoever met a locked row went home early
            taken.append(lease.posting.pk)
        assert len(taken) == len(set(taken)) == 12


@pytest.mark.usefixtures("quick")
class TestParked:
    @pytest.fixture
    def parked(self, outbox: Outbox) -> Posting:
        """The order that the ERP refuses; a second one is all right."""
        outbox.erp.configure(rejects=["1"])
        outbox.work(1)
        outbox.work(1)
        deliver_all(until=lambda: Posting.objects.filter(state="posted").count() == 5)
        return Posting.objects.get(state="parked")

    def test_blocks_its_own_order_and_no_other(self, outbox: Outbox, parked: Posting) -> None:
        assert delivery.claim() is None
        assert states().count("queued") == 3  # its finish is told when it is known what its start has consumed
        assert parked.parked_reason == {
            "code": "order state",
            "sentence": "The order is closed.",
            "fixable_by": "planner",
        }
        assert lag().parked == 1
        assert ledger("erp_sync.posting_parked")[0].data["fixable_by"] == "planner"

    def test_goes_again_after_it_was_mended(self, outbox: Outbox, parked: Posting) -> None:
        outbox.erp.configure(rejects=[])
        run(retry_posting, make_holder("erp.post", place=outbox.world.site), posting_id=parked.pk)
        deliver_all()
        outbox.is_right()
        assert set(states()) == {"posted"}

    def test_is_skipped_with_a_reason_and_the_rest_goes_on(self, outbox: Outbox, parked: Posting) -> None:
        clerk = make_holder("erp.post", place=outbox.world.site)
        with pytest.raises(CommandRefused, match="Say why"):
            run(skip_posting, clerk, posting_id=parked.pk, reason=" ")
        outbox.erp.configure(rejects=[])
        run(skip_posting, clerk, posting_id=parked.pk, reason="Booked by hand, says Petra")
        deliver_all()
        outbox.is_right()
        assert Posting.objects.get(pk=parked.pk).skipped_reason == "Booked by hand, says Petra"
        assert "Petra" not in str(ledger("erp_sync.posting_skipped")[0].data)

    def test_is_decided_by_nobody_without_the_right(self, outbox: Outbox, parked: Posting) -> None:
        for who in (outbox.world.olga, make_holder("erp.post", place=outbox.world.other_site)):
            with pytest.raises(CommandRefused, match="You may not"):
                run(retry_posting, who, posting_id=parked.pk)
            with pytest.raises(CommandRefused, match="You may not"):
                run(skip_posting, who, posting_id=parked.pk, reason="x")

    def test_only_what_is_parked_is_skipped_and_what_is_settled_stays(self, outbox: Outbox, parked: Posting) -> None:
        posted = Posting.objects.filter(state="posted")[0]
        with pytest.raises(CommandRefused, match="settled"):
            run(retry_posting, SYSTEM, posting_id=posted.pk)
        with pytest.raises(CommandRefused, match="refused"):
            run(skip_posting, SYSTEM, posting_id=posted.pk, reason="x")
