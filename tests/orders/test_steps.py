"""Standard work: which step when, when a piece is good, and that no surface gets past a required step."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import CommandRefused
from apps.orders.commands import (
    StepSpec,
    confirm_quantity,
    copy_master,
    publish_master,
    record_step,
    retire_master,
    take_edge,
)
from apps.orders.models import (
    Confirmation,
    DirectiveStep,
    JobOrder,
    MasterStep,
    StepRecord,
    StepRemark,
    WorkDirective,
    WorkMaster,
)
from apps.orders.queries import StepState, work_now
from apps.plant.models import Purpose
from tests.materials.stock_world import make_item, make_lot, queries_of
from tests.orders.shop import SYSTEM, Shop, make_job, make_shop, reason, scrap_reason
from tests.orders.steps_shop import (
    BOLT,
    LOOK,
    READ,
    do,
    draft,
    gap,
    make_steps_shop,
    publish,
    spec,
    step_of,
)
from tests.world import actor_of, ledger, run

pytestmark = pytest.mark.django_db


def book(shop: Shop, good: int = 0, scrap: int = 0) -> object:
    given_ = {"scrap_reason_id": scrap_reason().pk} if scrap else {}
    return run(
        confirm_quantity,
        shop.world.olga,
        job_order_id=shop.job.pk,
        good=Decimal(good),
        scrap=Decimal(scrap),
        **given_,
    )


def take(shop: Shop, edge: str, **inputs: str) -> object:
    return run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge=edge, inputs=inputs)


def complete_short(shop: Shop) -> object:
    return take(shop, "complete_short", reason=reason(Purpose.SHORT_COMPLETION))


def made(shop: Shop) -> tuple[int, int]:
    job = shop.reload()
    return int(job.good_quantity), int(job.scrap_quantity)


class TestAtRelease:
    def test_the_published_steps_are_frozen_into_the_operation(self) -> None:
        shop = make_steps_shop(READ, gap(), BOLT, LOOK)
        steps = DirectiveStep.objects.filter(directive__job_order=shop.job).order_by("position")
        assert [(s.position, s.kind, s.frequency) for s in steps] == [
            (1, "read", "once"),
            (2, "measure", "per_piece"),
            (3, "confirm", "per_piece"),
            (4, "confirm", "every_n"),
        ]
        assert (steps[1].low, steps[1].high, steps[1].aim, steps[1].unit) == (
            Decimal("0.3"),
            Decimal("0.5"),
            Decimal("0.4"),
            "mm",
        )

    def test_a_later_version_changes_no_operation_that_is_released(self) -> None:
        shop = make_steps_shop(gap())
        publish(gap(high=Decimal("0.45")), BOLT)
        assert shop.job.directive.steps.count() == 1
        later = make_job(shop.world.line, shop.world.station, number="WO-L")
        assert later.directive.steps.count() == 2

    def test_without_a_master_of_that_item_and_operation_there_are_no_steps(self) -> None:
        shop = make_shop()
        publish(BOLT, operation_name="Step 10")
        draft(BOLT)
        job = make_job(shop.world.line, shop.world.station, number="WO-L")
        assert not WorkDirective.objects.exists()
        assert work_now(job).steps == []

    def test_the_sites_own_comes_before_the_one_for_every_site(self) -> None:
        shop = make_shop()
        publish(BOLT)
        own = publish(BOLT, BOLT, site_id=shop.world.site.pk)
        publish(BOLT, BOLT, BOLT, site_id=shop.world.other_site.pk)
        job = make_job(shop.world.line, shop.world.station, number="WO-L")
        assert job.directive.master_id == own


class TestAMaster:
    def test_is_replaced_by_the_next_one_that_is_published(self) -> None:
        first = publish(BOLT)
        second = run(copy_master, SYSTEM, master_id=first)
        assert MasterStep.objects.get(master=second).title == "Bolt up"
        run(publish_master, SYSTEM, master_id=second)
        assert list(WorkMaster.objects.order_by("number").values_list("number", "status")) == [
            (1, "retired"),
            (2, "published"),
        ]
        assert ledger("orders.work_master_published")[-1].data["replaced_id"] == first
        run(retire_master, SYSTEM, master_id=second)
        with pytest.raises(CommandRefused, match="It is retired"):
            run(publish_master, SYSTEM, master_id=second)

    @pytest.mark.parametrize(
        ("steps", "sentence"),
        [
            ([], "no step"),
            ([BOLT, READ], "First stand the steps once"),
            ([LOOK, BOLT], "First stand the steps once"),
            ([BOLT, spec("read", "Maybe", required=False)], "has to be required"),
        ],
    )
    def test_that_can_not_be_worked_is_not_published(self, steps: list[StepSpec], sentence: str) -> None:
        master_id = draft(*steps)
        with pytest.raises(CommandRefused, match=sentence):
            run(publish_master, SYSTEM, master_id=master_id)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"low": Decimal(1), "high": Decimal(1), "aim": None},
            {"aim": Decimal("0.6")},
            {"aim": Decimal("0.1"), "high": None},
            {"kind": "confirm"},
            {"frequency": "every_n", "every_n": 0},
            {"frequency": "every_n"},
            {"frequency": "per_container"},
            {"every_n": 5},
            {"kind": "scan", "low": None, "high": None, "aim": None},
            {"frequency": "daily"},
        ],
    )
    def test_takes_no_step_that_makes_no_sense(self, wrong: dict) -> None:
        given_ = {**vars(gap()), **wrong}
        with pytest.raises(CommandRefused):
            draft(StepSpec(**given_))
        master_id = draft(BOLT)
        given_.pop("scan_item")
        with pytest.raises(IntegrityError), transaction.atomic():
            MasterStep.objects.create(master_id=master_id, position=2, **given_)

    def test_is_written_by_engineers_only(self) -> None:
        shop = make_shop()
        master_id = draft(BOLT)
        with pytest.raises(CommandRefused, match="may not write and publish"):
            run(publish_master, shop.world.lena, master_id=master_id)

    @pytest.mark.parametrize(
        "attack",
        [
            "UPDATE orders_workmaster SET operation_name = 'x'",
            "UPDATE orders_workmaster SET status = 'draft'",
            "DELETE FROM orders_workmaster",
            "UPDATE orders_masterstep SET high = 9",
            "DELETE FROM orders_masterstep",
            (
                "INSERT INTO orders_masterstep (master_id, position, kind, titles, texts, frequency, required, unit) "
                "SELECT id, 9, 'read', '{}', '{}', 'once', true, '' FROM orders_workmaster"
            ),
            "UPDATE orders_directivestep SET required = false",
            "DELETE FROM orders_directivestep",
            "UPDATE orders_workdirective SET job_order_id = 1",
            "UPDATE orders_steprecord SET is_within = true",
            "DELETE FROM orders_steprecord",
            "TRUNCATE orders_steprecord CASCADE",
            "TRUNCATE orders_masterstep CASCADE",
        ],
    )
    def test_and_all_that_came_of_it_never_changes(self, attack: str) -> None:
        shop = make_steps_shop(gap())
        do(shop, 1, "0.60")
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(attack)

    def test_has_a_history(self) -> None:
        master_id = publish(BOLT)
        statuses = WorkMaster.history.filter(id=master_id).order_by("history_id").values_list("status", flat=True)
        assert list(statuses) == ["draft", "published"]


class TestAPiece:
    def test_is_good_when_its_last_required_step_is_done(self) -> None:
        shop = make_steps_shop(READ, gap(), BOLT)
        do(shop, 1)
        first = do(shop, 2, "0.38", piece=1)
        assert (first.is_within, first.piece_is_good, made(shop)) == (True, False, (0, 0))
        second = do(shop, 3, piece=1)
        assert (second.piece_is_good, second.good, made(shop)) == (True, 1, (1, 0))
        assert Confirmation.objects.get().person_id == shop.world.olga.pk
        kinds = [event.kind for event in ledger("orders.step_recorded") + ledger("orders.quantity_confirmed")]
        assert kinds == ["orders.step_recorded"] * 3 + ["orders.quantity_confirmed"]
        event = ledger("orders.step_recorded")[1]
        assert event.data["value"] == "0.38"
        assert (event.data["piece"], event.data["is_within"], event.erp_reference) == (1, True, "WO-S")
        assert do(shop, 2, "0.39").piece == 2

    def test_outside_its_limits_is_on_record_and_not_good_until_measured_inside(self) -> None:
        shop = make_steps_shop(gap(), BOLT)
        answer = do(shop, 1, "0.51")
        assert (answer.is_within, answer.piece_is_good) == (False, False)
        with pytest.raises(CommandRefused, match="outside its limits"):
            do(shop, 2)
        with pytest.raises(CommandRefused, match="becomes good by its steps"):
            book(shop, good=1)
        assert do(shop, 1, "0.50").is_within
        assert do(shop, 2).piece_is_good
        assert list(StepRecord.objects.values_list("value", "is_within")) == [
            (Decimal("0.51"), False),
            (Decimal("0.5"), True),
            (None, None),
        ]

    def test_outside_its_limits_can_be_scrapped_and_the_next_one_begins(self) -> None:
        shop = make_steps_shop(gap())
        do(shop, 1, "0.7")
        book(shop, scrap=1)
        assert made(shop) == (0, 1)
        assert do(shop, 1, "0.4", piece=2).piece_is_good
        assert made(shop) == (1, 1)

    def test_of_a_measurement_without_limits_is_inside(self) -> None:
        shop = make_steps_shop(gap(low=None, high=None, aim=None))
        assert do(shop, 1, "-7").piece_is_good

    @pytest.mark.parametrize("value", [None, "NaN", "Infinity", "0.2999999", "1e12"])
    def test_is_not_measured_by_what_is_no_value(self, value: str | None) -> None:
        shop = make_steps_shop(gap())
        with pytest.raises(CommandRefused, match="Type what you measured"):
            do(shop, 1, value)

    def test_that_is_not_in_hand_is_refused(self) -> None:
        shop = make_steps_shop(BOLT)
        do(shop, 1, piece=1)
        for piece in (1, 3):
            with pytest.raises(CommandRefused, match="Piece 2 is in hand"):
                do(shop, 1, piece=piece)
        assert made(shop) == (1, 0)

    def test_is_booked_once_by_one_command_id(self) -> None:
        shop = make_steps_shop(BOLT)
        command_id = uuid4()
        answers = {
            record_step(
                actor_of(shop.world.olga), command_id, job_order_id=shop.job.pk, step_id=step_of(shop, 1).pk
            ).record_id
            for _ in range(3)
        }
        assert len(answers) == 1
        assert made(shop) == (1, 0)

    def test_that_was_booked_and_undone_does_not_lend_its_steps_to_the_next(self) -> None:
        shop = make_steps_shop(BOLT)
        do(shop, 1)
        done = Confirmation.objects.get()
        Confirmation.objects.create(
            site_id=done.site_id, job_order=shop.job, good=-1, scrap=0, reverses=done, command_id=uuid4(),
            occurred_at=done.occurred_at,
        )  # fmt: skip
        JobOrder.objects.filter(pk=shop.job.pk).update(good_quantity=0)
        with pytest.raises(CommandRefused, match="by its steps"):
            book(shop, good=1)
        assert do(shop, 1).piece == 2
        assert made(shop) == (1, 0)

    def test_beyond_the_order_is_not_begun(self) -> None:
        shop = make_steps_shop(BOLT, quantity=2)
        do(shop, 1)
        do(shop, 1)
        with pytest.raises(CommandRefused, match="no more piece is needed"):
            do(shop, 1)
        assert work_now(shop.reload()).current is None
        assert take(shop, "complete").status == "completed"

    def test_may_leave_out_a_step_that_is_not_required_and_no_other(self) -> None:
        shop = make_steps_shop(spec("read", "Nice to know", required=False), BOLT)
        assert work_now(shop.reload()).current.step.position == 1
        do(shop, 1, left_out=True)
        with pytest.raises(CommandRefused, match="can't be left out"):
            do(shop, 2, left_out=True)
        assert do(shop, 2).piece_is_good

    def test_keeps_a_remark_out_of_the_ledger_and_erasable(self) -> None:
        shop = make_steps_shop(BOLT, quantity=1)
        do(shop, 1, text=" Olga's remark ")
        assert StepRemark.objects.get().text == "Olga's remark"
        with pytest.raises(CommandRefused):
            do(shop, 1, text="Olga again")
        assert "Olga" not in str(
            [event.data for event in ledger("orders.step_recorded") + ledger("core.attempt_refused")]
        )
        StepRemark.objects.all().delete()


class TestNoSurfaceGetsPastARequiredStep:
    def test_good_by_hand(self) -> None:
        shop = make_steps_shop(gap(), BOLT)
        for good in (1, 2, 24):
            with pytest.raises(CommandRefused, match="Piece 1 becomes good by its steps"):
                book(shop, good=good)
        do(shop, 1, "0.4")
        with pytest.raises(CommandRefused, match="by its steps"):
            book(shop, good=1)
        assert made(shop) == (0, 0)
        assert len(ledger("core.attempt_refused")) == 4

    def test_more_scrap_than_the_piece_in_hand(self) -> None:
        shop = make_steps_shop(BOLT)
        with pytest.raises(CommandRefused, match="Only the piece in hand"):
            book(shop, scrap=2)
        book(shop, scrap=1)
        assert made(shop) == (0, 1)

    def test_a_later_step_first(self) -> None:
        shop = make_steps_shop(READ, gap(), BOLT)
        for position in (2, 3):
            with pytest.raises(CommandRefused, match="Do step 1 “Read what changed” first"):
                do(shop, position, "0.4")
        do(shop, 1)
        with pytest.raises(CommandRefused, match="Do step 2"):
            do(shop, 3)
        with pytest.raises(CommandRefused, match="done already"):
            do(shop, 1)

    def test_a_booking_before_the_steps_of_the_start(self) -> None:
        shop = make_steps_shop(READ, spec("confirm", "Set torque", "per_set_up"))
        for good, scrap in [(1, 0), (0, 1)]:
            with pytest.raises(CommandRefused, match="Do step 1"):
                book(shop, good, scrap)
        do(shop, 1)
        with pytest.raises(CommandRefused, match="Do step 2"):
            book(shop, 1)
        do(shop, 2)
        book(shop, 10)
        assert made(shop) == (10, 0)

    def test_completion_with_a_step_open(self) -> None:
        shop = make_steps_shop(READ, gap(), BOLT, quantity=2)
        with pytest.raises(CommandRefused, match="Do step 1"):
            complete_short(shop)
        do(shop, 1)
        do(shop, 2, "0.4")
        with pytest.raises(CommandRefused, match="Piece 1 is begun"):
            complete_short(shop)
        take(shop, "pause", reason=reason(Purpose.PAUSE))
        with pytest.raises(CommandRefused):
            complete_short(shop)
        take(shop, "resume")
        do(shop, 3)
        assert complete_short(shop).status == "completed"

    def test_completion_with_a_check_due(self) -> None:
        shop = make_steps_shop(BOLT, LOOK, quantity=5)
        for _ in range(5):
            do(shop, 1)
        with pytest.raises(CommandRefused, match="Do step 2 “Look at it” first"):
            take(shop, "complete")
        do(shop, 2)
        assert take(shop, "complete").status == "completed"

    def test_what_does_not_run(self) -> None:
        shop = make_steps_shop(BOLT, start=False)
        with pytest.raises(CommandRefused, match="Start it, then do its steps"):
            do(shop, 1)

    def test_a_step_of_another_operation(self) -> None:
        shop = make_steps_shop(BOLT)
        other = make_job(shop.world.line, shop.world.station, number="WO-O")
        with pytest.raises(CommandRefused, match="no step of this operation"):
            run(record_step, shop.world.olga, job_order_id=shop.job.pk, step_id=other.directive.steps.get().pk)

    def test_somebody_without_the_right_here(self) -> None:
        shop = make_steps_shop(BOLT)
        for who in (shop.world.otto, shop.world.ivan):
            with pytest.raises(CommandRefused, match="You may not"):
                do(shop, 1, who=who)
        assert not StepRecord.objects.exists()

    def test_the_station_screen(self) -> None:
        shop = make_steps_shop(gap(), BOLT)
        client = Client()
        client.force_login(shop.world.olga)
        job = {"job": shop.job.pk}
        answer = client.post("/station/S1/A33/confirm/", {**job, "good": "1"})
        assert answer.status_code == 409
        assert "by its steps" in answer.content.decode()
        answer = client.post("/station/S1/A33/record-step/", {**job, "step": step_of(shop, 2).pk, "piece": 1})
        assert (answer.status_code, StepRecord.objects.count()) == (409, 0)
        answer = client.post(
            "/station/S1/A33/record-step/", {**job, "step": step_of(shop, 1).pk, "piece": 1, "value": "0,38"}
        )
        assert answer.status_code == 200
        assert StepRecord.objects.get().value == Decimal("0.38")
        answer = client.post("/station/S1/A33/take-edge/", {**job, "edge": "complete"})
        assert answer.status_code == 409
        assert made(shop) == (0, 0)

    def test_a_second_record_of_the_same_step_by_sql(self) -> None:
        shop = make_steps_shop(BOLT)
        do(shop, 1)
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO orders_steprecord (site_id, job_order_id, step_id, occasion, piece, left_out, command_id,"
                " occurred_at) SELECT site_id, job_order_id, step_id, occasion, piece, left_out, command_id,"
                " occurred_at FROM orders_steprecord"
            )


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


ACTS = ["read", "inside", "inside", "outside", "bolt", "bolt", "look", "scrap", "good", "complete", "pause", "resume"]


@pytest.fixture
def worked() -> Shop:
    return make_steps_shop(READ, gap(), BOLT, spec("confirm", "Look at it", "every_n", every_n=2), quantity=4)


@given(acts=st.lists(st.sampled_from(ACTS), max_size=40))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_good_pieces_are_those_whose_required_steps_are_all_done_within_limits(worked: Shop, acts: list[str]) -> None:
    """Whatever is tried, in whatever order."""
    sid = transaction.savepoint()
    do(worked, 1)
    do(worked, 2, "0.4")
    do(worked, 3)
    for act in acts:
        try:
            _attempt(worked, act)
        except CommandRefused:
            continue
    steps = DirectiveStep.objects.filter(directive__job_order=worked.job, frequency="per_piece", required=True)
    rows = list(StepRecord.objects.filter(job_order=worked.job))
    done = {(row.piece, row.step_id) for row in rows if row.is_within is not False}
    whole = {row.piece for row in rows if row.piece and all((row.piece, step.pk) in done for step in steps)}
    looks = sum(row.step_id == step_of(worked, 4).pk for row in rows)
    good, scrap = made(worked)
    assert good == len(whole) <= 4
    assert (good + scrap - 1) // 2 <= looks <= (good + scrap) // 2
    if worked.reload().status == "completed":
        assert {row.piece for row in rows if row.piece and row.piece > good + scrap} == set()
        assert looks == (good + scrap) // 2
    transaction.savepoint_rollback(sid)


def _attempt(shop: Shop, act: str) -> None:
    acts = {
        "read": lambda: do(shop, 1),
        "inside": lambda: do(shop, 2, "0.4"),
        "outside": lambda: do(shop, 2, "0.6"),
        "bolt": lambda: do(shop, 3),
        "look": lambda: do(shop, 4),
        "scrap": lambda: book(shop, scrap=1),
        "good": lambda: book(shop, good=1),
        "complete": lambda: complete_short(shop),
        "pause": lambda: take(shop, "pause", reason=reason(Purpose.PAUSE)),
        "resume": lambda: take(shop, "resume"),
    }
    acts[act]()
