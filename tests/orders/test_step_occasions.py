"""Steps between pieces, scans, and what the screen shows of the steps."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.core.errors import CommandRefused
from apps.orders.models import (
    JobOrder,
    StepRecord,
)
from apps.orders.queries import StepState, work_now
from apps.plant.models import Purpose
from tests.materials.stock_world import make_item, make_lot, queries_of
from tests.orders.shop import Shop, reason
from tests.orders.steps_shop import (
    BOLT,
    LOOK,
    READ,
    book,
    do,
    gap,
    made,
    make_steps_shop,
    spec,
    take,
)
from tests.world import ledger

pytestmark = pytest.mark.django_db


class TestStepsBetweenPieces:
    def test_every_five_pieces_of_steps(self) -> None:
        shop = make_steps_shop(BOLT, LOOK)
        with pytest.raises(CommandRefused, match="due after 5 pieces"):
            do(shop, 2)
        for _ in range(4):
            do(shop, 1)
        book(shop, scrap=1)
        with pytest.raises(CommandRefused, match="Do step 2"):
            do(shop, 1)
        with pytest.raises(CommandRefused, match="Do step 2"):
            book(shop, scrap=1)
        do(shop, 2)
        assert do(shop, 1).piece == 6
        with pytest.raises(CommandRefused, match="due after 10 pieces"):
            do(shop, 2)

    def test_every_five_pieces_of_batch_work(self) -> None:
        shop = make_steps_shop(LOOK)
        with pytest.raises(CommandRefused, match="Book at most 5 until then"):
            book(shop, 6)
        book(shop, 3)
        with pytest.raises(CommandRefused, match="Book at most 2 until then"):
            book(shop, 2, 1)
        book(shop, 1, 1)
        with pytest.raises(CommandRefused, match="Do step 1"):
            book(shop, 1)
        do(shop, 1)
        book(shop, 5)
        assert made(shop) == (9, 1)

    def test_a_container_is_due_when_full_and_the_last_one_when_the_order_is_made(self) -> None:
        shop = make_steps_shop(spec("confirm", "Label it", "per_container", container_size=10))
        for good in (10, 10, 4):
            book(shop, good)
            with pytest.raises(CommandRefused, match="Label it"):
                book(shop, 1) if shop.reload().to_do else take(shop, "complete")
            do(shop, 1)
        assert take(shop, "complete").status == "completed"

    def test_a_set_up_is_each_start_from_the_queue_and_no_pause(self) -> None:
        shop = make_steps_shop(spec("confirm", "Set torque", "per_set_up"), BOLT)
        do(shop, 1)
        do(shop, 2)
        take(shop, "pause", reason=reason(Purpose.PAUSE))
        take(shop, "resume")
        assert do(shop, 2).piece == 2


class TestAScan:
    @pytest.fixture
    def shop(self) -> Shop:
        seal = make_item("SEAL-07", lot_tracked=True)
        make_item("SCREW")
        for number in ("ABC-1", "ABC-10"):
            make_lot(seal, number)
        make_lot(make_item("SEAL-08", lot_tracked=True), "XYZ-1")
        return make_steps_shop(
            spec("scan", "Scan seal", "once", scan_item="SEAL-07"),
            spec("scan", "Scan screw", "once", scan_item="SCREW"),
        )

    def test_of_the_lot_is_on_record_with_the_lot(self, shop: Shop) -> None:
        do(shop, 1, lot_number=" ABC-10\n")
        assert StepRecord.objects.get().lot.number == "ABC-10"
        do(shop, 2, lot_number="SCREW")

    @pytest.mark.parametrize(
        ("code", "sentence"),
        [
            ("ABC-", "not known"),
            ("abc-1", "not known"),
            ("ABC-100", "not known"),
            ("ABC-1%", "not known"),
            ("XYZ-1", "XYZ-1 is SEAL-08. Here SEAL-07 is needed"),
            ("SEAL-08", "Here SEAL-07 is needed"),
            ("SEAL-07", "Scan the label of the lot"),
            ("", "Scan SEAL-07"),
            ("A" * 81, "Scan SEAL-07"),
        ],
    )
    def test_of_anything_else_is_refused_and_in_the_ledger(self, shop: Shop, code: str, sentence: str) -> None:
        with pytest.raises(CommandRefused, match=sentence):
            do(shop, 1, lot_number=code)
        (attempt,) = ledger("core.attempt_refused")
        assert attempt.data["inputs"]["lot_number"] == code
        assert not StepRecord.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("status", "held"),
            ("status", "closed"),
            ("status", "expired"),
            ("blocked_in_erp", True),
            ("expires_on", "2001-01-01"),
        ],
    )
    def test_of_a_lot_that_may_not_be_used_is_refused(self, shop: Shop, field: str, value: object) -> None:
        lot = make_lot(make_item("OTHER", lot_tracked=True), "L-1").__class__.objects.get(number="ABC-1")
        setattr(lot, field, value)
        lot.save()
        with pytest.raises(CommandRefused, match="Lot ABC-1 is"):
            do(shop, 1, lot_number="ABC-1")
        do(shop, 1, lot_number="ABC-10")


class TestWorkNow:
    def test_says_what_is_done_now_and_to_come(self) -> None:
        shop = make_steps_shop(READ, gap(), BOLT, LOOK)
        do(shop, 1)
        for value in ("0.41", "0.40", "0.39", "0.38", "0.37"):
            do(shop, 2, value)
            do(shop, 3)
        assert [step.state for step in work_now(shop.reload()).steps] == ["done", "to_come", "to_come", "now"]
        do(shop, 4)
        do(shop, 2, "0.61")
        now = work_now(shop.reload())
        assert [step.state for step in now.steps] == ["done", "now", "to_come", "to_come"]
        assert (now.piece, now.current.step.position, now.following.position) == (6, 2, 3)
        assert now.current.failed.value == Decimal("0.61")
        assert now.recent == [Decimal(v) for v in ("0.40", "0.39", "0.38", "0.37", "0.61")]
        assert now.steps[3].due_after == 10
        do(shop, 2, "0.42")
        now = work_now(shop.reload())
        assert (now.makes_good, now.following) == (True, None)
        assert now.steps[1].at is not None

    def test_shows_nothing_to_do_while_it_does_not_run(self) -> None:
        shop = make_steps_shop(BOLT, start=False)
        now = work_now(shop.job)
        assert (now.current, [step.state for step in now.steps]) == (None, [StepState.TO_COME])

    def test_takes_few_queries(self) -> None:
        shop = make_steps_shop(READ, gap(), BOLT, LOOK)
        do(shop, 1)
        for _ in range(3):
            do(shop, 2, "0.4")
            do(shop, 3)
        job = JobOrder.objects.select_related("work_order").get(pk=shop.job.pk)
        assert queries_of(lambda: work_now(job)) == 4
        batch = JobOrder.objects.select_related("work_order").get(work_order__number="WO-1")
        assert queries_of(lambda: work_now(batch)) == 1
