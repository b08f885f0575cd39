"""Standard work from draft to the operation that runs by it, and that none of it changes afterwards."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.core.errors import CommandRefused
from apps.orders.commands import (
    StepSpec,
    copy_master,
    publish_master,
    retire_master,
)
from apps.orders.models import (
    DirectiveStep,
    MasterStep,
    WorkDirective,
    WorkMaster,
)
from apps.orders.queries import work_now
from tests.orders.shop import SYSTEM, make_job, make_shop
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
)
from tests.world import ledger, run

pytestmark = pytest.mark.django_db


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
