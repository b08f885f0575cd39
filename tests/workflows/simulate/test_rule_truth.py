"""Laid over what happened since it was published, a rule acts on exactly the events on which it did act."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from apps.core import clock
from apps.plant.models import Site
from apps.workflows.models import RuleFailure, RuleFiring, RuleTimer, RuleVersion
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.failing import FAILURES
from apps.workflows.rules.publishing import retire_rule
from apps.workflows.simulate.past import Span
from apps.workflows.simulate.rules.judging import Outcome
from apps.workflows.simulate.rules.replay import replay_rule
from apps.workflows.simulate.rules.result import RuleResult
from apps.workflows.tasks import look_again_where_due
from tests.workflows.rules.bells import SYSTEM, publish, spec
from tests.workflows.testapp.commands import ring_bell
from tests.world import make_calendar, make_line, run

MONDAY = datetime(2030, 1, 7, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONGEST_WAIT = 4

WINDOWS: list[dict[str, Any] | None] = [
    None,
    {"count": 2, "minutes": 30},
    {"count": 3, "minutes": 30},
    {"count": 2, "days": 1},
    {"count": 2},
    {"count": 2, "minutes": 60, "of": "things"},
    {"count": 3, "minutes": 45, "of": "things"},
]
SOFT = {"field": "event.loudness", "operator": "<", "value": 5}
# Each example has two weeks of its own.
numbers = itertools.count(1)
SAME = [[], ["line"], ["event.loudness"]]
RULES = st.fixed_dictionaries(
    {
        "window": st.sampled_from(WINDOWS),
        "same": st.sampled_from(SAME),
        "cool_down_minutes": st.sampled_from([0, 0, 7, 40]),
        "after_seconds": st.sampled_from([0, 0, 0, 60, 240]),
        "per_minute": st.sampled_from([1, 2, 20]),
        "scope": st.sampled_from([[], [], [{"line": "L3"}]]),
        "conditions": st.sampled_from([[SOFT], []]),
    }
)
# What rings, how loud, minutes until then, and how many minutes earlier it was, where it is told late.
BELLS = st.tuples(
    st.sampled_from(["L3", "L4", "bell"]), st.integers(1, 6), st.sampled_from([0, 1, 5, 13, 31, 90, 700]),
    st.sampled_from([0, 0, 0, 3, 20]),
)  # fmt: skip


Bell = tuple[str, int, int, int]


def replayed(version: RuleVersion, span: Span) -> RuleResult:
    return replay_rule(version, RuleSpec.model_validate(version.content), None, span)


def rang(bells: list[Bell], at: datetime, site: Site, *, waits: bool) -> None:
    """From the instant on; the worker looks each minute, as long as something may be due, and before each ring."""
    for text, loudness, minutes, late in bells:
        for minute in range(minutes if waits else 0):
            if not RuleTimer.objects.exists():  # what a rule has done may wait as well
                break
            clock.move_to(at + (minute + 1) * MINUTE, rate=0)
            look_again_where_due.run()
        at += minutes * MINUTE + timedelta(seconds=1)
        clock.move_to(at, rate=0)
        if waits:
            look_again_where_due.run()
        ring_bell.at(at - late * MINUTE)(SYSTEM, uuid4(), text=text, loudness=loudness, site_id=site.pk)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(otherwise=RULES, bells=st.lists(BELLS, min_size=3, max_size=10))
@example(
    otherwise={
        "window": None,
        "same": [],
        "cool_down_minutes": 7,
        "after_seconds": 240,
        "per_minute": 1,
        "scope": [],
        "conditions": [],
    },
    bells=[("L3", 1, 0, 0), ("L3", 1, 0, 0), ("L3", 1, 13, 0)],
)
def test_what_it_would_have_done_is_what_it_did(site: Site, otherwise: dict[str, Any], bells: list[Bell]) -> None:
    """Whoever is told late is counted where it was; but rests and waits go by when the rule has heard of it."""
    if otherwise["cool_down_minutes"] or otherwise["after_seconds"] or otherwise["per_minute"] < 20:
        bells = [(text, loudness, minutes, 0) for text, loudness, minutes, _late in bells]
    begun = MONDAY + timedelta(weeks=2 * next(numbers))
    clock.move_to(begun, rate=0)
    alarm = [{"code": "ring", "parameters": {"text": "alarm", "loudness": 9}}]
    version = publish(spec(f"rule_{begun:%Y_%m_%d}", **otherwise, actions=alarm))
    rang([*bells, ("end", 9, LONGEST_WAIT + 1, 0)], begun, site, waits=bool(version.content.get("after_seconds")))
    run(retire_rule, SYSTEM, version_id=version.pk)
    failures = RuleFailure.objects.filter(version=version).count()
    assume(failures < FAILURES)
    did = sorted(RuleFiring.objects.filter(version=version).values_list("event_id", flat=True))
    result = replayed(version, Span(days=6))
    assert [one.event_id for one in result.differences] == did
    assert (result.draft.acts, result.really) == (len(did), len(did))
    assert all(one.really for one in result.differences)
    outcomes = result.draft.outcomes
    assert outcomes.get(Outcome.RATE, 0) + outcomes.get(Outcome.DEPTH, 0) == failures
    if not otherwise["scope"] and "line" not in otherwise["same"] and otherwise["conditions"]:
        by_the_shift = otherwise["window"] == {"count": 2}
        assert result.draft.exact == result.draft.events or by_the_shift
        assert result.draft.impossible == 0


@pytest.fixture
def site() -> Site:
    site: Site = make_line(code="L3").site
    make_calendar(site)
    return site
