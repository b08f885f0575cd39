"""OEE by hand-worked cases, and the losses that make up the planned time exactly, whatever the machine did.

Cases are written in minutes: "P60 S10 P50" produces for 60, stands for 10, produces for 50.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.equipment.oee import Elements, Explained, Made, Missing, elements, pareto, unclassified_share
from apps.equipment.timeline import MachineState, Span
from tests.equipment.machines import START

LETTERS = {
    "P": "producing", "S": "stopped", "F": "fault", "U": "set_up", "W": "waiting", "I": "idle", "C": "cleaning",
    "M": "maintenance", "N": "no_data",
}  # fmt: skip
MINUTE = timedelta(minutes=1)
MICRO = 2 * MINUTE


def at(minute: float) -> datetime:
    return START + minute * MINUTE


def spans(story: str, *, start: float = 0) -> list[Span]:
    found, reached = [], start
    for word in story.split():
        length = float(word[1:])
        found.append(Span(LETTERS[word[0]], at(reached), at(reached + length), "signal"))
        reached += length
    return found


def minutes(*pairs: tuple[float, float]) -> list[tuple[datetime, datetime]]:
    return [(at(start), at(end)) for start, end in pairs]


def made(good: Any, scrap: Any = 0, rework: Any = 0, cycle: Any = 60) -> Made:
    """`cycle` in seconds."""
    run = None if cycle is None else Fraction(str(cycle))
    return Made(good=Decimal(str(good)), scrap=Decimal(str(scrap)), rework=Decimal(str(rework)), run_seconds=run)


def reckoned(
    story: str, plan: list[tuple[float, float]], *items: Made, start: float = 0, until: float = 10_000, **more: Any
) -> Elements:
    return elements(minutes(*plan), spans(story, start=start), items, micro_stop=MICRO, until=at(until), **more)


HOUR = [(0, 60)]
PLAN, TIME, MADE, STANDARD = (
    Missing.NO_PLAN,
    Missing.NO_PRODUCTION_TIME,
    Missing.NOTHING_MADE,
    Missing.NO_STANDARD_TIME,
)
# what happened, when it was planned, what was made, and what that is: minutes for times, fractions for ratios
GOLDEN: list[tuple[str, str, list[tuple[float, float]], list[Made], dict[str, Any]]] = [
    ("all good", "P60", HOUR, [made(60)], {"production": 60, "availability": 1, "effectiveness": 1, "oee": 1}),
    ("half speed", "P60", HOUR, [made(30)], {"speed_loss": 30, "effectiveness": "1/2", "oee": "1/2"}),
    ("one in four is scrap", "P60", HOUR, [made(45, 15)],
     {"quality_loss": 15, "quality_factor": "3/4", "quality_ratio": "3/4", "oee": "3/4", "speed_loss": 0}),
    ("a stop of ten minutes", "P25 S10 P25", HOUR, [made(50)],
     {"down": 10, "production": 50, "availability": "5/6", "effectiveness": 1, "oee": "5/6", "failures": 1}),
    ("a fault counts as down", "P25 F10 P25", HOUR, [made(50)], {"down": 10, "failures": 1}),
    ("a stop that turns into a fault is one failure", "P20 S5 F15 P20", HOUR, [], {"down": 20, "failures": 1}),
    ("a micro-stop is a loss of speed", "P29 S1.5 P29.5", HOUR, [made(58)],
     {"down": 0, "production": 60, "speed_loss": 2, "availability": 1, "effectiveness": "58/60", "failures": 0}),
    ("just at the threshold it is down", "P28 S2 P30", HOUR, [], {"down": 2, "production": 58, "failures": 1}),
    ("just below it is not", "P28 S1.999 P30.001", HOUR, [], {"down": 0, "production": 60}),
    ("many micro-stops", "P10 S1 P10 S1 P10 S1 P10 S1 P16", HOUR, [made(50)], {"production": 60, "speed_loss": 10}),
    ("set-up is a loss of availability", "U15 P45", HOUR, [made(45)],
     {"set_up": 15, "availability": "3/4", "effectiveness": 1, "oee": "3/4"}),
    ("waiting is delay", "P30 W20 P10", HOUR, [], {"delay": 20, "production": 40, "availability": "2/3"}),
    ("idle has its own line", "P30 I30", HOUR, [], {"idle": 30, "unexplained": 0, "availability": "1/2"}),
    ("no data is not idle", "P30 N30", HOUR, [], {"idle": 0, "unexplained": 30, "coverage": "1/2"}),
    ("never heard of", "", HOUR, [], {"unexplained": 60, "coverage": 0, "availability": 0, "oee": 0}),
    ("heard of late", "P30", [(0, 90)], [], {"unexplained": 60, "coverage": "1/3"}),
    ("a collector silent for an hour", "P60 N60 P60", [(0, 180)], [made(120)],
     {"unexplained": 60, "availability": "2/3", "effectiveness": 1, "coverage": "2/3"}),
    ("silence within a stop is unexplained, the stop is one", "P20 S10 N10 S10 P10", HOUR, [],
     {"down": 20, "unexplained": 10, "failures": 1}),
    ("cleaning nobody planned is down", "P50 C10", HOUR, [], {"down": 10, "planned": 60}),
    ("maintenance nobody planned is down", "P50 M10", HOUR, [], {"down": 10, "failures": 0}),
    ("zero plan", "P60", [], [made(60)],
     {"planned": 0, "outside": 60, "availability": PLAN, "oee": PLAN, "effectiveness": TIME}),
    ("no production", "S60", HOUR, [],
     {"availability": 0, "effectiveness": TIME, "quality_factor": MADE, "oee": 0}),
    ("ran and made nothing", "P60", HOUR, [],
     {"effectiveness": 0, "quality_factor": MADE, "quality_ratio": MADE, "oee": 0, "speed_loss": 60}),
    ("all scrap", "P60", HOUR, [made(0, 60)], {"quality_factor": 0, "oee": 0, "quality_loss": 60}),
    ("no standard time", "P50 S10", HOUR, [made(50, cycle=None)],
     {"availability": "5/6", "effectiveness": STANDARD, "oee": STANDARD, "quality_ratio": 1, "speed_loss": None}),
    ("standard too loose", "P60", HOUR, [made(90)],
     {"effectiveness": "3/2", "speed_loss": -30, "oee": "3/2", "above": True}),
    ("rework is neither good nor lost from what was made", "P60", HOUR, [made(40, 5, 15)],
     {"quality_ratio": "2/3", "quality_loss": 20, "effectiveness": 1}),
    ("a piece reworked twice counts twice", "P60", HOUR, [made(50, 0, 10)], {"quality_ratio": "5/6"}),
    ("a reversal takes back", "P60", HOUR, [made(60), made(-10)], {"effectiveness": "50/60", "oee": "5/6"}),
    ("a reversal of all that was made", "P60", HOUR, [made(10), made(-10)], {"quality_ratio": MADE, "oee": 0}),
    ("mixed items by earned time", "P60", HOUR, [made(20, 0, cycle=60), made(10, 10, cycle=120)],
     {"effectiveness": 1, "quality_factor": "40/60", "quality_ratio": "30/40", "oee": "2/3", "quality_loss": 20}),
    ("several orders in one cell", "P20 U10 P30", HOUR, [made(20), made(15, cycle=120)],
     {"set_up": 10, "effectiveness": 1, "availability": "5/6"}),
    ("downtime overlapping a break", "P20 S30 P10", [(0, 30), (40, 60)], [made(20)],
     {"planned": 50, "down": 20, "production": 30, "outside": 0, "failures": 1}),
    ("a micro-stop over the end of the shift is one stop", "P59 S1.5 P10", HOUR, [],
     {"planned": 60, "production": 60, "outside": Fraction(21, 2), "failures": 0}),
    ("a stop that began in the shift before", "S20 P60", [(10, 70)], [], {"down": 10, "production": 50, "failures": 0}),
    ("a stop that goes on after the shift counts until its end", "P50 S60", HOUR, [], {"down": 10, "production": 50}),
    ("work outside planned time stands beside", "P120", [(30, 90)], [made(60)],
     {"planned": 60, "production": 60, "outside": 60, "availability": 1}),
    ("two shifts and nothing between", "P60 I60 P60", [(0, 60), (120, 180)], [made(120)],
     {"planned": 120, "idle": 0, "oee": 1}),
    ("fractions of a second stay exact", "P20 S20 P20", [(0, 60)], [made(1, cycle="0.000001")],
     {"oee": Fraction(1, 3_600_000_000), "availability": "2/3"}),
    ("a fraction of a kilogram", "P60", HOUR, [made("0.5", "0.25", cycle=3600)],
     {"quality_ratio": "2/3", "effectiveness": "3/4", "oee": "1/2"}),
    ("everything at once", "U10 P20 S10 P5 W5 I5 N5", HOUR, [made(20, 5)],
     {"set_up": 10, "production": 25, "down": 10, "delay": 5, "idle": 5, "unexplained": 5, "oee": "1/3",
      "quality_loss": 5}),
    ("only set-up", "U60", HOUR, [], {"set_up": 60, "availability": 0, "failures": 0}),
    ("the first second of a shift belongs to it, its end does not", "S30 P30", [(30, 60)], [],
     {"down": 0, "production": 30}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "story", "plan", "items", "expected"), GOLDEN, ids=[case[0] for case in GOLDEN])
def test_golden(name: str, story: str, plan: list[tuple[float, float]], items: list[Made], expected: Any) -> None:
    found = reckoned(story, plan, *items)
    for key, wanted in expected.items():
        if key == "above":
            assert found.effectiveness.is_above_one
        elif key == "failures":
            assert found.failures == wanted
        elif wanted is None:
            assert getattr(found, key) is None
        elif isinstance(wanted, Missing):
            assert (getattr(found, key).value, getattr(found, key).missing) == (None, wanted), key
        elif hasattr(getattr(found, key), "value"):
            assert getattr(found, key).value == Fraction(str(wanted)), key
        else:
            assert getattr(found, key) == Fraction(str(wanted)) * 60, key
    assert sum(found.losses.values()) == found.planned


def test_there_are_forty_cases_at_least() -> None:
    assert len(GOLDEN) >= 40


def test_a_night_when_the_clocks_change_has_the_seconds_it_has() -> None:
    """Planned time comes as instants: seven hours in spring, nine in autumn."""
    for hours in (7, 9):
        found = reckoned(f"P{hours * 60}", [(0, hours * 60)], made(hours * 60))
        assert found.planned == hours * 3600
        assert found.oee.value == 1


def test_planned_cleaning_is_no_planned_time() -> None:
    found = reckoned("P30 C20 P10", HOUR, made(40), not_planned=minutes((30, 45)))
    assert (found.planned, found.down, found.oee.value) == (45 * 60, 5 * 60, Fraction(40, 45))
    assert sum(found.losses.values()) == found.planned


def test_reasons_add_up_to_the_time_down_the_longest_first() -> None:
    story = spans("P20 S10 P5 S1 P4 F15 C5 N10 P20")
    parts = [Explained(at(20), at(24), 7), Explained(at(24), at(30), None), Explained(at(40), at(55), 7)]
    found = pareto(minutes((0, 50), (52, 90)), story, parts, micro_stop=MICRO, until=at(90))
    assert [(loss.reason_id, loss.state, loss.seconds / 60, loss.count) for loss in found] == [
        (7, "", 17, 2), (None, "", 6, 1), (None, "cleaning", 5, 1),
    ]  # fmt: skip
    whole = elements(minutes((0, 50), (52, 90)), story, [], micro_stop=MICRO, until=at(90))
    assert sum(loss.seconds for loss in found) == whole.down
    assert unclassified_share(found).value == Fraction(6, 23)
    assert unclassified_share([]).missing == Missing.NO_STOP


STORY = st.lists(
    st.tuples(st.sampled_from([*"PSFUWICMN", "S", "P"]), st.integers(1, 3_000_000_000)), min_size=0, max_size=14
)
CUTS = st.lists(st.integers(0, 600 * 60), min_size=0, max_size=6, unique=True).map(sorted)
ITEMS = st.lists(
    st.builds(
        made, st.integers(-5, 200), st.integers(0, 20), st.integers(0, 20),
        st.fractions(min_value=0, max_value=500, max_denominator=1000),
    ),
    max_size=4,
)  # fmt: skip


def told(story: list[tuple[str, int]]) -> list[Span]:
    found, reached = [], START
    for letter, microseconds in story:
        end = reached + timedelta(microseconds=microseconds)
        found.append(Span(LETTERS[letter], reached, end, "signal"))
        reached = end
    return found


@settings(max_examples=300, deadline=None)
@given(STORY, CUTS, ITEMS, st.integers(0, 600 * 60))
def test_losses_make_up_the_planned_time_exactly_and_parts_make_up_the_whole(
    story: list[tuple[str, int]], cuts: list[int], items: list[Made], split: int
) -> None:
    edges = [START + timedelta(seconds=cut) for cut in cuts]
    plan = list(zip(edges[::2], edges[1::2], strict=False))
    until = START + timedelta(hours=12)
    did = told(story)
    whole = elements(plan, did, items, micro_stop=MICRO, until=until)
    assert sum(whole.losses.values()) == whole.planned
    assert sum(whole.losses.values()) == sum(Fraction((e - s) // timedelta(microseconds=1), 10**6) for s, e in plan)
    factors = (whole.availability.value, whole.effectiveness.value, whole.quality_factor.value)
    if all(factor is not None for factor in factors):
        assert factors[0] * factors[1] * factors[2] == whole.oee.value
    at_split = START + timedelta(seconds=split)
    before = [(s, min(e, at_split)) for s, e in plan if s < at_split]
    after = [(max(s, at_split), e) for s, e in plan if e > at_split]
    halves = [elements(part, did, [], micro_stop=MICRO, until=until) for part in (before, after)]
    added = halves[0] + halves[1]
    for name in ("planned", "production", "set_up", "delay", "down", "idle", "unexplained", "failures"):
        assert getattr(added, name) == getattr(whole, name), name
    reasons = pareto(plan, did, [], micro_stop=MICRO, until=until)
    assert sum(loss.seconds for loss in reasons) == whole.down
    assert MachineState.NO_DATA not in {loss.state for loss in reasons}


def test_an_average_of_ratios_is_not_what_is_added_up() -> None:
    """A planted case: one unit of an hour at 100 %, one of nine hours at 0 %."""
    good, bad = reckoned("P60", HOUR, made(60)), reckoned("S540", [(0, 540)])
    assert (good + bad).oee.value == Fraction(1, 10)
