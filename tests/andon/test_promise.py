"""Whatever people do in whatever order: no open exception without an active owner, a clock and a next timer."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from apps.andon.commands import (
    accept,
    acknowledge,
    cannot,
    give,
    merge,
    on_the_way,
    pause_clock,
    progress,
    reopen,
    resolve,
    resume_clock,
    snooze,
    split,
)
from apps.andon.models import ClockInterval, ExceptionStatus, FloorException
from apps.andon.tasks import follow_duty
from apps.andon.watchdog import look
from apps.core import clock
from apps.core.errors import CommandRefused
from apps.plant.commands import end_absence, go_off_duty, go_on_duty, report_absent
from apps.plant.models import Absence, Person
from tests.andon.floor import MORNING, Floor, fire_all, make_floor
from tests.world import run

RUNS = 1_000 if os.environ.get("LONG") else 100
TYPES = ["downtime", "quality_hold", "shortage", "help", "late_approval"]


class Promise(RuleBasedStateMachine):
    """One floor for all runs; each run is rolled back."""

    floor: Floor

    exceptions = Bundle("exceptions")

    def __init__(self) -> None:
        super().__init__()
        self.run = transaction.atomic()
        # What Django's own test cases say of their transaction, so that commands may begin theirs within it.
        self.run._from_testcase = True  # type: ignore[attr-defined]
        self.run.__enter__()
        clock.move_to(MORNING, rate=0)
        self.people: list[Person] = [
            self.floor.mia,
            self.floor.marta,
            self.floor.sven,
            self.floor.paul,
            self.floor.world.lena,
        ]
        self.keys = 0
        # A refusal changes nothing, so there is nothing to look at after it.
        self.changed = True

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.run.__exit__(None, None, None)

    def do(self, command: Any, who: int, **inputs: Any) -> None:
        """As somebody of the five; a refusal is an answer."""
        try:
            run(command, self.people[who % 5], **inputs)
        except CommandRefused:
            return
        self.changed = True

    @rule(target=exceptions, kind=st.sampled_from(TYPES))
    def raise_one(self, kind: str) -> int:
        self.keys += 1
        self.changed = True
        return self.floor.stop(f"k{self.keys}", type_code=kind).pk

    @rule(exception=exceptions, who=st.integers(0, 4))
    def acknowledge(self, exception: int, who: int) -> None:
        self.do(acknowledge, who, exception_id=exception)

    @rule(exception=exceptions, who=st.integers(0, 4), minutes=st.integers(0, 20))
    def going(self, exception: int, who: int, minutes: int) -> None:
        self.do(on_the_way, who, exception_id=exception, minutes=minutes)

    @rule(exception=exceptions, who=st.integers(0, 4))
    def at_it(self, exception: int, who: int) -> None:
        self.do(progress, who, exception_id=exception)

    @rule(exception=exceptions, who=st.integers(0, 4), to=st.integers(0, 4))
    def give(self, exception: int, who: int, to: int) -> None:
        self.do(give, who, exception_id=exception, person_id=self.people[to].pk)

    @rule(exception=exceptions, who=st.integers(0, 4))
    def cannot(self, exception: int, who: int) -> None:
        self.do(cannot, who, exception_id=exception, reason="busy_elsewhere")

    @rule(exception=exceptions, who=st.integers(0, 4), minutes=st.integers(1, 130))
    def snooze(self, exception: int, who: int, minutes: int) -> None:
        self.do(snooze, who, exception_id=exception, minutes=minutes, reason="waits_for_part")

    @rule(exception=exceptions, who=st.integers(0, 4))
    def resolve(self, exception: int, who: int) -> None:
        self.do(resolve, who, exception_id=exception, resolution="repaired", cause="wear")

    @rule(exception=exceptions, who=st.integers(0, 4))
    def reopen(self, exception: int, who: int) -> None:
        self.do(reopen, who, exception_id=exception)

    @rule(exception=exceptions, who=st.integers(0, 4))
    def accept(self, exception: int, who: int) -> None:
        self.do(accept, who, exception_id=exception)

    @rule(exception=exceptions, who=st.integers(0, 4), minutes=st.integers(1, 90))
    def pause(self, exception: int, who: int, minutes: int) -> None:
        self.do(pause_clock, who, exception_id=exception, reason="waits_for_supplier", minutes=minutes)

    @rule(exception=exceptions, who=st.integers(0, 4))
    def resume(self, exception: int, who: int) -> None:
        self.do(resume_clock, who, exception_id=exception)

    @rule(exception=exceptions, into=exceptions, who=st.integers(0, 4))
    def merge(self, exception: int, into: int, who: int) -> None:
        self.do(merge, who, exception_id=exception, into_id=into)

    @rule(exception=exceptions, who=st.integers(0, 4))
    def split(self, exception: int, who: int) -> None:
        self.do(split, who, exception_id=exception)

    @rule(exception=consumes(exceptions))
    def cause_goes(self, exception: int) -> None:
        self.floor.end(FloorException.objects.get(pk=exception).cause_key)
        self.changed = True

    @rule(who=st.integers(0, 4))
    def clock_off(self, who: int) -> None:
        self.do(go_off_duty, who)

    @rule(who=st.integers(0, 4))
    def clock_on(self, who: int) -> None:
        self.do(go_on_duty, who)

    @rule(who=st.integers(0, 4), deputy=st.integers(0, 4) | st.none())
    def away(self, who: int, deputy: int | None) -> None:
        stand_in = self.people[deputy].pk if deputy is not None else None
        self.do(report_absent, who, person_id=self.people[who].pk, deputy_id=stand_in)

    @rule(who=st.integers(0, 4))
    def back(self, who: int) -> None:
        absence = Absence.objects.filter(person=self.people[who], ends_at=None).first()
        if absence:
            self.do(end_absence, who, absence_id=absence.pk)

    @rule(minutes=st.sampled_from([0, 1, 3, 10, 16, 45]))
    def tick(self, minutes: int) -> None:
        self.pass_by(timedelta(minutes=minutes))

    @rule()
    def shift_changes(self) -> None:
        self.pass_by(timedelta(hours=5))

    def pass_by(self, time: timedelta) -> None:
        clock.move_to(clock.now() + time, rate=0)
        follow_duty.run()
        fire_all()
        self.changed = True

    @invariant()
    def the_promise_holds(self) -> None:
        if not self.changed:
            return
        self.changed = False
        assert look(clock.now()) == []
        closed = FloorException.objects.filter(status=ExceptionStatus.CLOSED)
        assert not ClockInterval.objects.running().filter(exception__in=closed).exists()


@pytest.mark.django_db
def test_the_promise_holds_whatever_happens() -> None:
    Promise.floor = make_floor()
    run_state_machine_as_test(
        Promise,
        settings=settings(
            phases=[Phase.generate],
            max_examples=RUNS,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
