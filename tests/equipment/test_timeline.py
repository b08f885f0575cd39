"""What a machine did follows from what was said, against a second-by-second count."""

from __future__ import annotations

import itertools
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.equipment.timeline import SAYABLE, Heard, Word, clipped, spans, stops
from tests.equipment.machines import at, seconds, told

SILENCE = timedelta(seconds=60)
END = 900
SAID = st.lists(st.tuples(st.integers(0, END - 1), st.sampled_from([*SAYABLE, ""])), max_size=25)
BY_HAND = st.lists(st.tuples(st.integers(0, END - 1), st.sampled_from(SAYABLE)), max_size=3)


def state_at(second: int, said: list[tuple[int, str]], by_hand: list[tuple[int, str]]) -> str:
    """By its definition: the last word, as long as something was heard within the silence before."""
    ranked = [(when, 1, SAYABLE_RANK.index(state), state) for when, state in said if state]
    ranked += [(when, 2, SAYABLE_RANK.index(state), state) for when, state in by_hand]
    before = [word for word in ranked if word[0] <= second]
    if not before:
        return ""
    _when, weight, _rank, state = max(before)
    heard = any(second - 60 < when <= second for when, _ in said)
    return state if weight == 2 or heard else "no_data"


SAYABLE_RANK = ["idle", "waiting", "producing", "set_up", "cleaning", "maintenance", "stopped", "fault"]


@settings(max_examples=300, deadline=None)
@given(SAID, BY_HAND, st.randoms())
def test_every_second_is_in_exactly_one_state_whatever_the_order(
    said: list[tuple[int, str]], by_hand: list[tuple[int, str]], random: object
) -> None:
    news = told(said)
    words = [*news.words, *(Word(at(second), state, "person") for second, state in by_hand)]
    random.shuffle(words)  # type: ignore[attr-defined]
    found = spans([*words, *words[:3]], news.heard.values(), silence=SILENCE, now=at(END))
    for one, next_one in itertools.pairwise(found):
        assert one.end == next_one.start
        assert one.kind != next_one.kind
    assert all(span.end is not None for span in found[:-1])
    for second in range(END):
        there = [s.state for s in found if seconds(s.start) <= second and (s.end is None or second < seconds(s.end))]
        assert there == [state for state in [state_at(second, said, by_hand)] if state], second


def test_a_machine_that_reports_changes_only_is_never_silent() -> None:
    found = spans([Word(at(0), "producing", "signal")], [Heard(at(0), at(0))], silence=None, now=at(99999))
    assert [(span.state, span.end) for span in found] == [("producing", None)]


def test_silence_ends_no_stop_and_a_fault_in_a_stop_is_one_stop() -> None:
    news = told([(0, "producing"), (30, "stopped"), (50, "fault"), (200, "producing"), (230, "stopped"), (235, "idle")])
    found = spans(news.words, news.heard.values(), silence=SILENCE, now=at(240))
    assert [(s.state, seconds(s.start)) for s in found] == [
        ("producing", 0), ("stopped", 30), ("fault", 50), ("no_data", 110), ("producing", 200), ("stopped", 230),
        ("idle", 235),
    ]  # fmt: skip
    assert [(seconds(stop.start), seconds(stop.end)) for stop in stops(found) if stop.end] == [(30, 200), (230, 235)]
    assert [seconds(span.start) for span in clipped(found, at(100))] == [100, 110, 200, 230, 235]
