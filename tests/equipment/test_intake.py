"""Signals of any kind and in any order: each counts once, garbage is kept out and shown, nothing is lost silently."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core import clock
from apps.equipment.intake.meaning import Doubtful, Meant, Raw, Rule, Rules, decoded, fits, meanings, path_of, time_of
from apps.equipment.intake.quarantine import MOST_ROWS
from apps.equipment.intake.taking import read_rules, take_signals
from apps.equipment.models import CountedMinute, Downtime, QuarantinedSignal, SeenSignal, SignalSource, StateWord
from apps.equipment.tasks import prune_repeats, prune_seen
from tests.equipment.machines import at, intervals, later, make_machine
from tests.equipment.sources import counted, kept_out, make_source, make_usual_mappings
from tests.seeded import seed_plant
from tests.world import World, ledger, make_world

pytestmark = pytest.mark.django_db
NOW = 10_000


@pytest.fixture
def world() -> World:
    clock.move_to(at(NOW), rate=0)
    seed_plant()
    made = make_world()
    make_machine(made.station, silence_seconds=None)
    return made


@pytest.fixture
def source(world: World) -> SignalSource:
    made = make_source(world.site)
    make_usual_mappings(made, world.station)
    return made


def signal(tag: str, value: Any, second: float, number: str = "") -> Raw:
    payload = {"v": value, "t": at(second).isoformat()}
    return Raw(f"A33/{tag}", payload, clock.now(), number=number)


def take(source: SignalSource, *raws: Raw) -> Any:
    return take_signals(source, raws, read_rules(source))


class TestWhatASignalMeans:
    @pytest.mark.parametrize(
        ("pattern", "topic", "expected"),
        [
            ("a/+/c", "a/b/c", True), ("a/+/c", "a/b/d", False), ("a/#", "a", True), ("a/#", "a/b/c", True),
            ("#", "x/y", True), ("+", "x/y", False), ("a/+", "a", False),
        ],
    )  # fmt: skip
    def test_its_topic_is_matched_as_brokers_do(self, pattern: str, topic: str, expected: bool) -> None:
        assert fits(pattern.split("/"), topic.split("/")) is expected

    def test_its_value_is_found_by_its_path(self) -> None:
        assert path_of("data.items[0].v") == ("data", "items", 0, "v")

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (at(5).isoformat(), 5), (at(5).isoformat().replace("+00:00", "Z"), 5), (at(5).timestamp(), 5),
            (int(at(5).timestamp() * 1000), 5), (Decimal(str(at(5.25).timestamp())), 5.25),
            ("2026-06-01T06:00:05", None), ("soon", None), (True, None), (None, None), (1e300, None), ([], None),
            (-1e300, None), (Decimal("NaN"), None),
        ],
    )  # fmt: skip
    def test_its_time_has_an_offset_or_is_a_number_since_1970(self, value: Any, expected: float | None) -> None:
        assert time_of(value) == (None if expected is None else at(expected))

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=200) | st.text(max_size=60).map(str.encode))
    def test_whatever_bytes_come_they_mean_something_or_are_a_doubt(self, content: bytes) -> None:
        found = decoded("A33/x", content, at(0))
        assert found.doubt is not None or json.dumps(found.payload, default=str)

    def test_too_long_is_too_big(self) -> None:
        assert decoded("a", b'"' + b"x" * 10_000 + b'"', at(0)).doubt == "too_big"

    def test_nothing_that_is_no_number_counts(self, source: SignalSource) -> None:
        rules = read_rules(source)
        for value in (True, "5", None, -1, 10**10, [], {}, float("inf"), Decimal("NaN")):
            (found,) = meanings(rules, signal("good", value, 1))
            assert isinstance(found, Doubtful), value
        (found,) = meanings(rules, signal("good", Decimal("1.5"), 1))
        assert isinstance(found, Meant)
        assert found.quantity == Decimal("1.5")


class TestTaking:
    def test_states_counts_and_reasons_become_what_they_mean(self, source: SignalSource, world: World) -> None:
        take(source, signal("state", 1, 0), signal("good", 3, 30), signal("good", 2, 61), signal("state", 3, 200))
        take(source, signal("error", "E7", 201))
        later(NOW)
        assert intervals(world.station) == [("producing", 0, 200), ("fault", 200, None)]
        assert [(row.minute, row.quantity) for row in CountedMinute.objects.order_by("minute")] == [
            (at(0), 3), (at(60), 2),
        ]  # fmt: skip
        (part,) = Downtime.objects.get().parts.all()
        assert part.reason is not None
        assert (part.reason.code, part.classified_by_id) == ("mechanical", None)
        assert ledger("equipment.stop_classified")[0].agent == "equipment"

    def test_a_count_says_that_the_machine_runs(self, source: SignalSource, world: World) -> None:
        take(source, signal("state", 2, 0))
        take(source, signal("good", 1, 60))
        assert intervals(world.station) == [("stopped", 0, 60), ("producing", 60, None)]

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 3)), min_size=1, max_size=15), st.randoms())
    def test_counts_are_the_same_in_any_order_and_however_often(
        self, counts: list[tuple[int, int]], chance: random.Random
    ) -> None:
        """Checked on what is counted, without the database, for each split into batches."""
        single = {(second, value) for second, value in counts}
        seen: dict[object, Decimal] = {}
        again = [*counts, *counts]
        chance.shuffle(again)
        for meant in self.meant(again):
            seen[meant.digest] = meant.quantity
        assert sum(seen.values()) == sum(value for _second, value in single)

    @staticmethod
    def meant(counts: Iterable[tuple[int, int]]) -> Iterable[Meant]:
        rules = Rules(1)
        rule = Rule(1, 1, "count", ("v",), ("t",), (), {}, "good", False, timedelta(seconds=5), timedelta(hours=72))
        rules.add("A33/good", rule)
        for second, value in counts:
            raw = Raw("A33/good", {"v": value, "t": at(second).isoformat()}, at(NOW))
            for each in meanings(rules, raw):
                assert isinstance(each, Meant)
                yield each

    def test_sent_again_counts_once_in_a_batch_and_across(self, source: SignalSource, world: World) -> None:
        first = take(source, signal("good", 1, 5), signal("good", 1, 5), signal("good", 1, 6))
        assert (first.counts, first.known) == (2, 1)
        again = take(source, signal("good", 1, 6), signal("good", 1, 7))
        assert (again.counts, again.known) == (1, 1)
        assert counted(world.station) == 3

    def test_a_number_says_which_it_is_whatever_else_it_says(self, source: SignalSource, world: World) -> None:
        take(source, signal("good", 1, 5, "n1"), signal("good", 1, 5, "n2"), signal("good", 1, 9, "n1"))
        assert counted(world.station) == 2

    def test_a_clock_a_little_ahead_counts_as_of_now(self, source: SignalSource, world: World) -> None:
        take(source, signal("state", 1, NOW + 4))
        assert intervals(world.station) == [("producing", NOW, None)]


class TestKeptOut:
    @pytest.mark.parametrize(
        ("raw", "doubt"),
        [
            (("state", 99, 0), "bad_value"), (("state", 1, NOW + 6), "in_the_future"),
            (("good", "x", 0), "bad_value"), (("state", 1, NOW - 72 * 3600 - 1), "too_old"),
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_shown_with_the_reason(
        self, raw: tuple[str, Any, float], doubt: str, source: SignalSource
    ) -> None:
        assert take(source, signal(*raw), signal("state", 1, 5)).kept_out == 1
        assert kept_out() == [(f"A33/{raw[0]}", doubt)]
        assert StateWord.objects.count() == 1, "and the rest is taken"

    def test_a_tag_without_mapping_and_a_bad_time(self, source: SignalSource) -> None:
        take(source, Raw("B1/state", 1, clock.now()), Raw("A33/state", {"v": 1, "t": "soon"}, clock.now()))
        assert kept_out() == [("B1/state", "no_mapping"), ("A33/state", "bad_time")]

    def test_text_that_no_database_takes(self, source: SignalSource) -> None:
        take(source, Raw("A33/\0state", "\ud800\0", clock.now()), decoded("A33/state", b"\xff\0{", clock.now()))
        assert [doubt for _tag, doubt in kept_out()] == ["no_mapping", "not_readable"]

    def test_a_flood_is_counted_beyond_what_a_person_can_look_at(self, source: SignalSource) -> None:
        flood = [Raw("B1/state", n, clock.now()) for n in range(700)]
        for _ in range(3):
            take(source, *flood)
        take(source, signal("state", 99, 0))
        assert QuarantinedSignal.objects.filter(is_rest=False).count() == MOST_ROWS
        rest = {row.doubt: row.count for row in QuarantinedSignal.objects.filter(is_rest=True)}
        assert rest == {"no_mapping": 2100 - MOST_ROWS, "bad_value": 1}


class TestKeptForAWhile:
    def test_repeated_words_go_and_change_no_interval(self, source: SignalSource, world: World) -> None:
        take(source, *[signal("state", 1, second) for second in range(0, 50, 5)], signal("state", 2, 50))
        clock.move_to(at(NOW + 7200), rate=0)
        assert prune_repeats.run() == 9
        assert [word.at for word in StateWord.objects.order_by("at")] == [at(0), at(50)]
        take(source, signal("state", 0, 20))
        assert intervals(world.station) == [("producing", 0, 20), ("idle", 20, 50), ("stopped", 50, None)]

    def test_what_can_not_come_again_is_forgotten(self, source: SignalSource) -> None:
        take(source, signal("good", 1, 0))
        clock.move_to(at(72 * 3600), rate=0)
        assert prune_seen.run() == 0
        clock.move_to(at(73 * 3600 + 1), rate=0)
        assert prune_seen.run() == 1
        assert take(source, signal("good", 1, 0)).kept_out == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_batch_twice_at_once_counts_once() -> None:
    clock.move_to(at(NOW), rate=0)
    world = make_world()
    make_machine(world.station, silence_seconds=None)
    source = make_source(world.site)
    make_usual_mappings(source, world.station)
    batch = [signal("good", 1, second) for second in range(200)] + [signal("state", 1, 0), signal("state", 2, 150)]
    ready, errors = threading.Barrier(4), []

    def send() -> None:
        clock.now()
        ready.wait(10)
        try:
            take(source, *random.sample(batch, k=len(batch)))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(30)
    assert errors == []
    assert counted(world.station) == 200
    assert SeenSignal.objects.count() == 200
    assert intervals(world.station) == [("producing", 0, 150), ("stopped", 150, 151), ("producing", 151, None)]
