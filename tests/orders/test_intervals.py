"""When an operation ran follows from its moves: one open interval at most, closed when running ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.orders.commands import confirm_quantity, take_edge
from apps.orders.models import JobInterval, JobOrder
from apps.plant.models import Purpose
from apps.workflows.models import Phases
from tests.orders.shop import Shop, make_job, make_shop, reason
from tests.world import actor_of, give_role, run

pytestmark = pytest.mark.django_db
SIX = datetime(2026, 6, 1, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop() -> Shop:
    clock.move_to(SIX, rate=0)
    return make_shop()


def step(shop: Shop, edge: str, minutes: int, *, job: JobOrder | None = None) -> None:
    """The edge, so many minutes after six."""
    reasons = {"pause": Purpose.PAUSE, "complete_short": Purpose.SHORT_COMPLETION}
    inputs = {"reason": reason(reasons[edge])} if edge in reasons else {}
    inputs |= {"reason": "hold_quality"} if edge == "hold" else {}
    inputs |= {"reason": "release_checked"} if edge in {"release", "release_paused"} else {}
    clock.move_to(SIX + minutes * MINUTE, rate=0)
    run(take_edge, shop.world.lena, job_order_id=(job or shop.job).pk, edge=edge, inputs=inputs)


def intervals(job: JobOrder) -> list[tuple[str, int, int | None, str]]:
    """(phase, from minute, to minute, why it ended)"""
    return [
        (i.phase, (i.started_at - SIX) // MINUTE, i.ended_at and (i.ended_at - SIX) // MINUTE, i.end_reason)
        for i in job.intervals.all()
    ]


def test_set_up_and_run_are_apart_and_a_pause_belongs_to_neither(shop: Shop) -> None:
    step(shop, "set_up", 0)
    step(shop, "start", 20)
    step(shop, "pause", 50)
    step(shop, "resume", 65)
    assert intervals(shop.job) == [
        ("set_up", 0, 20, "phase"),
        ("run", 20, 50, "suspended"),
        ("run", 65, None, ""),
    ]
    step(shop, "complete_short", 90)
    assert intervals(shop.job)[-1] == ("run", 65, 90, "completed")


def test_a_hold_ends_it_too(shop: Shop) -> None:
    step(shop, "set_up", 0)
    step(shop, "hold", 5)
    assert intervals(shop.job) == [("set_up", 0, 5, "held")]


def test_the_first_piece_is_booked_while_setting_up(shop: Shop) -> None:
    step(shop, "set_up", 0)
    assert shop.reload().is_setting_up
    assert run(confirm_quantity, shop.world.olga, job_order_id=shop.job.pk, good=Decimal(1)).good == 1
    step(shop, "start", 20)
    assert not shop.reload().is_setting_up


def test_a_start_typed_in_later_does_not_count_time_twice(shop: Shop) -> None:
    step(shop, "start", 0)
    step(shop, "pause", 30)
    clock.move_to(SIX + 40 * MINUTE, rate=0)
    late = take_edge.at(SIX + 20 * MINUTE)
    late(actor_of(shop.world.olga), uuid4(), job_order_id=shop.job.pk, edge="resume", inputs={})
    assert intervals(shop.job)[-1] == ("run", 30, None, "")


class TestTheDatabaseRefuses:
    def add(self, shop: Shop, start: int, end: int | None) -> None:
        with transaction.atomic():
            JobInterval.objects.create(
                site=shop.world.site,
                job_order=shop.job,
                phase=Phases.RUN,
                started_at=SIX + start * MINUTE,
                ended_at=SIX + end * MINUTE if end is not None else None,
                end_reason="held" if end is not None else "",
            )

    def test_an_overlap(self, shop: Shop) -> None:
        self.add(shop, 0, 30)
        self.add(shop, 30, 40)
        with pytest.raises(IntegrityError, match="job_interval_no_overlap"):
            self.add(shop, 39, 45)

    def test_a_second_open_one(self, shop: Shop) -> None:
        self.add(shop, 0, None)
        with pytest.raises(IntegrityError, match="job_interval_"):
            self.add(shop, 10, None)

    def test_an_end_before_the_start(self, shop: Shop) -> None:
        with pytest.raises(IntegrityError, match="ends_after_start"):
            self.add(shop, 10, 5)


EDGES = ["set_up", "start", "pause", "resume", "hold", "release", "release_paused", "complete_short"]


def test_an_interval_is_closed_when_running_ends_whatever_way_is_taken(shop: Shop) -> None:
    """Compared with the time that the states themselves add up to, step by step."""
    give_role(shop.world.lena, "quality_engineer", shop.world.line)
    numbers = iter(range(2, 1000))

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.sampled_from(EDGES), st.integers(0, 90)), max_size=12))
    def holds(steps: list[tuple[str, int]]) -> None:
        job = make_job(shop.world.line, shop.world.station, number=f"WO-{next(numbers)}")
        minute, expected = 0, {"set_up": 0, "run": 0}
        for edge, pause in steps:
            before = JobOrder.objects.get(pk=job.pk)
            minute += pause
            if before.is_running:
                expected["set_up" if before.is_setting_up else "run"] += pause
            try:
                step(shop, edge, minute, job=job)
            except CommandRefused:
                clock.move_to(SIX + minute * MINUTE, rate=0)
            now = JobOrder.objects.get(pk=job.pk)
            rows = intervals(job)
            assert [row[0] for row in rows if row[2] is None] == (
                [] if not now.is_running else ["set_up" if now.is_setting_up else "run"]
            )
            assert all(one[2] <= two[1] for one, two in pairwise(rows))
            spent = {p: sum((minute if e is None else e) - s for q, s, e, _ in rows if p == q) for p in expected}
            assert spent == expected

    holds()
