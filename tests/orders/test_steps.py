"""Standard work: when a piece is good, and that no surface gets past a required step."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import CommandRefused
from apps.orders.commands import (
    record_step,
    reverse_confirmation,
)
from apps.orders.models import (
    Confirmation,
    DirectiveStep,
    StepRecord,
    StepRemark,
)
from apps.orders.queries import work_now
from apps.plant.models import Purpose, ReasonCode
from tests.orders.shop import Shop, make_job, reason
from tests.orders.steps_shop import (
    BOLT,
    LOOK,
    READ,
    book,
    complete_short,
    do,
    gap,
    made,
    make_steps_shop,
    spec,
    step_of,
    take,
)
from tests.world import actor_of, ledger, run

pytestmark = pytest.mark.django_db


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
        why = ReasonCode.objects.choosable(Purpose.REVERSAL)[0]
        run(reverse_confirmation, shop.world.lena, confirmation_id=done.pk, reason_id=why.pk)
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
