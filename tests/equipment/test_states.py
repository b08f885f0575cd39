"""The intervals of a machine: the same whatever order its signals came in, and never two at once."""

from __future__ import annotations

import os
import random

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.equipment.models import Downtime, HeardMinute, MachineNow, StateInterval, StateWord
from apps.equipment.queries import states_of
from apps.equipment.timeline import SAYABLE
from apps.plant.models import WorkCenter
from tests.equipment.machines import at, intervals, later, make_machine, seconds, tell
from tests.world import ledger, make_station

pytestmark = pytest.mark.django_db

STATES = [*SAYABLE, "", "", "producing", "stopped"]
SAID = st.lists(st.tuples(st.integers(0, 1200), st.sampled_from(STATES)), min_size=1, max_size=20)
END = 1500
EXAMPLES = 1000 if os.environ.get("LONG") else 20


class TestAnyOrder(TestCase):
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(SAID, st.randoms(use_true_random=False))
    def test_signals_in_any_order_twice_and_late_give_the_same_intervals_and_downtimes(
        self, said: list[tuple[int, str]], chance: random.Random
    ) -> None:
        orderly, wild = make_station(code="A1"), make_station(orderly_line(), code="A2")
        for unit in (orderly, wild):
            make_machine(unit, silence_seconds=60, micro_stop_seconds=120)
        tell(orderly, *said, now=END)
        later(END)
        rest = [*said, *chance.sample(said, k=len(said) // 2)]
        chance.shuffle(rest)
        while rest:
            size = chance.randint(1, 4)
            batch, rest = rest[:size], rest[size:]
            tell(wild, *batch, now=END)
            if chance.random() < 0.4:
                later(END)
        later(END)
        assert intervals(wild) == intervals(orderly)
        assert downtimes(wild) == downtimes(orderly)
        for unit in (wild, orderly):
            row = MachineNow.objects.filter(pk=unit.pk).first()
            last = StateInterval.objects.filter(work_unit=unit, ended_at=None).first()
            assert row is not None
            assert row.state == (last.state if last else "no_data")
            assert row.look_from is None

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(SAID)
    def test_live_second_by_second_gives_what_all_at_once_gives(self, said: list[tuple[int, str]]) -> None:
        live, whole = make_station(code="A1"), make_station(orderly_line(), code="A2")
        for unit in (live, whole):
            make_machine(unit, silence_seconds=60, micro_stop_seconds=120)
        for second, state in sorted(said):
            later(second)
            tell(live, (second, state), now=second)
            later(second)
        tell(whole, *said, now=END)
        later(END)
        assert intervals(live) == intervals(whole)
        assert downtimes(live) == downtimes(whole)


def orderly_line() -> WorkCenter:
    return WorkCenter.objects.get()


def downtimes(unit: object) -> list[tuple[float, float | None, int]]:
    rows = Downtime.objects.standing().filter(work_unit=unit).order_by("started_at")
    return [
        (seconds(row.started_at), seconds(row.ended_at) if row.ended_at else None, row.parts.count()) for row in rows
    ]


def test_a_machine_that_falls_silent_shows_no_data_and_no_idle_time() -> None:
    unit = make_station()
    make_machine(unit, silence_seconds=60)
    tell(unit, (0, "producing"), (30, ""))
    assert later(30) == 1  # the very first word is looked at
    assert later(89) == 0
    assert later(90) == 1
    assert intervals(unit) == [("producing", 0, 90), ("no_data", 90, None)]
    tell(unit, (300, ""))
    assert intervals(unit)[1:] == [("no_data", 90, 300), ("producing", 300, None)]
    assert [event.data["to_state"] for event in ledger("equipment.machine_state_changed")] == [
        "producing", "no_data", "producing",
    ]  # fmt: skip


def test_what_a_machine_did_has_no_gap_where_nothing_was_ever_heard() -> None:
    unit = make_station()
    make_machine(unit, silence_seconds=60)
    tell(unit, (100, "producing"), (120, "idle"), now=130)
    found = states_of([unit.pk], at(0), at(125))[unit.pk]
    assert [(s.state, seconds(s.start), seconds(s.end)) for s in found if s.end] == [
        ("no_data", 0, 100), ("producing", 100, 120), ("idle", 120, 125),
    ]  # fmt: skip


def test_a_live_signal_that_repeats_the_state_reads_no_past(django_assert_num_queries: object) -> None:
    unit = make_station()
    make_machine(unit)
    tell(unit, (0, "producing"))
    # the transaction, the lock, the settings, word, minute, the row: none of them grows with the past
    with django_assert_num_queries(9):  # type: ignore[operator]
        tell(unit, (1, "producing"), now=1)


def test_the_database_refuses_two_states_at_once() -> None:
    unit = make_station()
    tell(unit, (0, "producing"), (60, "idle"))
    with pytest.raises(IntegrityError), transaction.atomic():
        StateInterval.objects.create(
            site_id=unit.site_id, work_unit=unit, state="idle", word_of="rule", started_at=at(10), ended_at=at(20)
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        StateWord.objects.create(site_id=unit.site_id, work_unit=unit, at=at(1), state="no_data", word_of="signal")
    assert HeardMinute.objects.count() == 2
