"""What happened on the floor is told to the ERP: each fact once, in the transaction of the fact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.erp_sync import payloads
from apps.erp_sync.commands import connect_erp, disconnect_erp
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import ErpLink, Posting
from apps.erp_sync.tasks import finish_overlooked_orders
from apps.materials.models import Movement, MovementPosting
from apps.orders.commands import reverse_confirmation, take_edge
from apps.orders.models import Confirmation, JobOrder, WorkOrder
from apps.plant.models import Purpose, ReasonCode
from tests.erp_sync.outbox_world import SYSTEM, Outbox, deliver_all, erp_item, erp_location, make_outbox
from tests.orders.shop import reason, scrap_reason
from tests.world import run

pytestmark = pytest.mark.django_db(transaction=True)
MORNING = datetime(2030, 1, 7, 6, tzinfo=UTC)


def told(*kinds: str) -> list[Any]:
    return [payloads.load(posting) for posting in Posting.objects.filter(kind__in=kinds).order_by("sequence")]


def moves() -> list[tuple[str, Decimal]]:
    return [(move.kind.value, move.quantity.value) for move in told("move")]


class TestAnOrder:
    def test_of_the_erp_is_started_and_finished_once(self, outbox: Outbox) -> None:
        job = outbox.order(2, operations=2)
        first, last = outbox.jobs
        outbox.start(job)
        run(take_edge, outbox.world.olga, job_order_id=job.pk, edge="pause", inputs=pause())
        run(take_edge, outbox.world.olga, job_order_id=job.pk, edge="resume", inputs={})
        outbox.book(first, 2)
        outbox.complete(first)
        assert len(told("start")) == 1
        assert told("finish") == []
        outbox.start(last)
        outbox.book(last, 2)
        outbox.complete(last)
        assert told("finish") == []  # how much its start has consumed is not known yet
        deliver_all()
        assert len(told("start")) == 1
        (finish,) = told("finish")
        assert finish.order == erp.ErpRef("stub", "production", "1")
        assert Posting.objects.order_by("-sequence")[0].kind == "finish"

    def test_whose_last_operations_end_at_the_same_moment_is_finished_by_the_worker(self, outbox: Outbox) -> None:
        outbox.work(1)
        deliver_all()
        with connection.cursor() as cursor:  # as if neither had seen the other
            cursor.execute("DELETE FROM erp_sync_posting WHERE kind = 'finish'")
        outbox.start(outbox.order())
        for _ in range(2):
            finish_overlooked_orders.run()
            assert [finish.order.id for finish in told("finish")] == ["1"]

    def test_of_ours_is_told_to_nobody(self, outbox: Outbox) -> None:
        job = outbox.order(1, who=SYSTEM, erp_key="")
        outbox.start(job)
        outbox.book(job)
        outbox.complete(job)
        assert not Posting.objects.exists()

    def test_at_a_site_without_an_erp_is_told_to_nobody(self, outbox: Outbox) -> None:
        run(disconnect_erp, SYSTEM, link_id=outbox.link.pk)
        outbox.work(1)
        assert not Posting.objects.exists()

    def test_with_a_key_is_released_by_the_erp_only_and_its_fields_are_the_erp_s(self, outbox: Outbox) -> None:
        with pytest.raises(CommandRefused, match="Only the ERP"):
            outbox.order(who=SYSTEM)
        order = outbox.order().work_order
        for values in ({"quantity": 9}, {"customer": "x"}, {"due_at": MORNING}, {"priority": 1}, {"erp_key": "a,1"}):
            with pytest.raises(DatabaseError, match="only under ERP authority"), transaction.atomic():
                WorkOrder.objects.filter(pk=order.pk).update(**values)
        with pytest.raises(DatabaseError, match="only under ERP authority"), transaction.atomic():
            JobOrder.objects.filter(work_order=order).update(erp_key="b,1")
        WorkOrder.objects.filter(pk=order.pk).update(over_delivery_percent=5)

    def test_that_is_undone_leaves_no_posting(self, outbox: Outbox) -> None:
        job = outbox.order(1)
        with pytest.raises(CommandRefused):
            outbox.book(job)
        assert not Posting.objects.exists()


class TestTime:
    @pytest.mark.parametrize(
        ("policy", "cycles"),
        [
            ({"confirm": "confirmation"}, [10, 5, 0]),
            ({"confirm": "operation"}, [15]),
            ({"confirm": "operation", "every_minutes": 20}, [15, 0]),
        ],
    )
    def test_is_what_it_ran_and_gathered_by_policy(
        self, tmp_path: Path, policy: dict[str, Any], cycles: list[int]
    ) -> None:
        outbox = make_outbox(tmp_path / "stub", policy=policy)
        at = lambda minutes: clock.move_to(MORNING + timedelta(minutes=minutes), rate=0)  # noqa: E731
        at(0)
        job = outbox.order(2)
        outbox.start(job)
        at(10)
        outbox.book(job)
        run(take_edge, outbox.world.olga, job_order_id=job.pk, edge="pause", inputs=pause())
        at(40)
        run(take_edge, outbox.world.olga, job_order_id=job.pk, edge="resume", inputs={})
        at(45)
        outbox.book(job)
        outbox.complete(job)
        assert [cycle.duration for cycle in told("cycle")] == [timedelta(minutes=minutes) for minutes in cycles]
        assert [cycle.final for cycle in told("cycle")] == [False] * (len(cycles) - 1) + [True]
        assert told("cycle")[-1].operation == erp.ErpRef("stub", "production.work", "11")


class TestPieces:
    def test_are_never_gathered(self, outbox: Outbox) -> None:
        job = outbox.order(5)
        outbox.start(job)
        for good in (1, 2, 2):
            outbox.book(job, good)
        assert moves() == [("receipt", 1), ("receipt", 2), ("receipt", 2)]

    def test_of_scrap_go_where_their_reason_says(self, tmp_path: Path) -> None:
        outbox = make_outbox(tmp_path / "stub")
        why = scrap_reason()
        ErpLink.objects.update(policy={"scrap_locations": {why.code: "stock.location,99", "": "stock.location,1"}})
        job = outbox.order(5)
        outbox.start(job)
        outbox.book(job, 0, 1, scrap_reason_id=why.pk)
        (move,) = told("move")
        assert (move.kind, move.reason) == (erp.MoveKind.SCRAP, why.code)
        assert move.to_location == erp.ErpRef("stub", "stock.location", "99")

    def test_of_scrap_without_a_place_find_it_once_the_policy_names_one(self, outbox: Outbox) -> None:
        job = outbox.order(5)
        outbox.start(job)
        outbox.book(job, 0, 1, scrap_reason_id=scrap_reason().pk)
        posting = Posting.objects.get(kind="move")
        assert payloads.complete(posting).to_location is None
        ErpLink.objects.update(policy={"scrap_locations": {"": "stock.location,1"}})
        posting = Posting.objects.get(kind="move")
        assert payloads.complete(posting).to_location == erp.ErpRef("stub", "stock.location", "1")

    def test_undone_are_undone_in_the_erp_by_its_own_reference(self, outbox: Outbox) -> None:
        job = outbox.order(2)
        outbox.start(job)
        outbox.book(job, 2)
        undo = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
        run(reverse_confirmation, SYSTEM, confirmation_id=Confirmation.objects.get().pk, reason_id=undo.pk)
        assert moves() == [("receipt", 2), ("reversal", 2)]
        deliver_all()
        outbox.is_right()
        receipt, reversal = Posting.objects.filter(kind="move").order_by("sequence")
        assert payloads.complete(reversal).reverses == erp.ErpRef(**receipt.erp_refs[0])

    def test_that_a_movement_puts_on_stock_are_told_by_the_movement_which_is_marked(self, outbox: Outbox) -> None:
        place = erp_location(outbox.world.site)
        job = outbox.order(2, receipt_location_id=place.pk)
        outbox.start(job)
        outbox.book(job, 2)
        (move,) = told("move")
        assert move.to_location == payloads.ref("stub", place.erp_key)
        deliver_all()
        marked = MovementPosting.objects.get()
        assert marked.movement == Movement.objects.get()
        assert marked.erp_reference == Posting.objects.get(kind="move").document

    def test_of_an_item_that_the_erp_does_not_know_are_parked(self, outbox: Outbox) -> None:
        job = outbox.order(2, item_id=None)
        outbox.start(job)
        outbox.book(job)
        deliver_all()
        posting = Posting.objects.get(state="parked")
        assert posting.parked_reason["code"] == "unmapped"
        assert len(outbox.erp.effects()) == 2

    def test_in_a_lot_of_ours_wait_for_the_lot(self, outbox: Outbox) -> None:
        place = erp_location(outbox.world.site)
        tracked = erp_item("SHAFT", outbox.item.unit, lot_tracked=True)
        job = outbox.order(3, item_id=tracked.pk, receipt_location_id=place.pk)
        outbox.start(job)
        outbox.book(job, 1)
        outbox.book(job, 2)
        assert [lot.number for lot in told("lot")] == ["WO-1"]
        deliver_all()
        outbox_lot = Posting.objects.get(kind="lot")
        for posting in Posting.objects.filter(kind="move"):
            assert payloads.complete(posting).lot == erp.ErpRef(**outbox_lot.erp_refs[0])


class TestConnecting:
    def test_one_erp_per_site_and_no_secret_in_the_database(self, outbox: Outbox) -> None:
        given = {"system": "stub", "host": "h", "port": 1, "database": "d", "user": "u", "policy": {}}
        with pytest.raises(CommandRefused, match="has an ERP"):
            run(connect_erp, SYSTEM, site_id=outbox.world.site.pk, password_env="PW", **given)
        there = outbox.world.other_site.pk
        with pytest.raises(CommandRefused, match="not the password"):
            run(connect_erp, SYSTEM, site_id=there, password_env="my secret", **given)
        with pytest.raises(CommandRefused, match="policy"):
            run(connect_erp, SYSTEM, site_id=there, password_env="PW", **{**given, "policy": {"confrim": "x"}})
        with pytest.raises(CommandRefused, match="You may not"):
            run(connect_erp, outbox.world.olga, site_id=there, password_env="PW", **given)

    def test_is_not_ended_while_something_waits(self, outbox: Outbox) -> None:
        outbox.start(outbox.order())
        with pytest.raises(CommandRefused, match="waiting"):
            run(disconnect_erp, SYSTEM, link_id=outbox.link.pk)


def pause() -> dict[str, Any]:
    return {"reason": reason(Purpose.PAUSE)}
