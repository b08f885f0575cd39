"""What a draft of a rule would have done about last week's events, beside the version in force; how sure that is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.workflows.models import RuleVersion
from apps.workflows.rules.commands import draft_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.switching import resume_rule, stop_rule
from apps.workflows.simulate.past import Span
from apps.workflows.simulate.rules.replay import replay_rule
from apps.workflows.simulate.rules.result import RuleResult
from apps.workflows.tasks import look_again_where_due
from tests.workflows.rules.bells import SYSTEM, publish, ring, spec
from tests.workflows.simulate.past import WEEK
from tests.workflows.simulate.test_replay import rows_of_all_tables
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import make_shop, move
from tests.world import make_calendar, make_line, run

pytestmark = pytest.mark.django_db

MONDAY = datetime(2030, 1, 7, 8, 0, tzinfo=UTC)
ANY: list[dict[str, Any]] = []
HELD = [{"field": "event.to_state", "operator": "=", "value": "held"}]
STILL_HELD = [*HELD, {"field": "subject.state", "operator": "=", "value": "held"}]
MOVED = "workflows.state_changed"


@pytest.fixture(autouse=True)
def monday() -> None:
    clock.move_to(MONDAY, rate=0)


def after(minutes: float) -> None:
    clock.move_to(MONDAY + timedelta(minutes=minutes), rate=0)


def tried(content: RuleSpec, in_force: RuleVersion | None = None, span: Span = WEEK) -> RuleResult:
    """A draft of it, laid over what happened."""
    version = RuleVersion.objects.select_related("rule").get(pk=run(draft_rule, SYSTEM, spec=content))
    clock.move_to(clock.now() + timedelta(seconds=1), rate=0)
    return replay_rule(version, content, in_force, span)


def whys(result: RuleResult) -> list[tuple[str, str | None]]:
    return [(one.differs.value, one.why.value if one.why else None) for one in result.differences]


def test_what_it_would_do_more_and_what_no_more() -> None:
    in_force = publish(spec())
    rung = []
    for minute, loudness in enumerate([1, 4, 6, 8]):
        after(minute)
        rung.append(ring(loudness=loudness))
    louder = [{"field": "event.loudness", "operator": "in", "value": [4, 6]}]
    result = tried(spec(conditions=louder), in_force)
    assert (result.draft.acts, result.before.acts, result.really) == (2, 2, 2)
    assert (result.more, result.less, result.otherwise) == (1, 1, 0)
    assert whys(result) == [("less", "condition"), ("more", "condition")]
    assert [one.event_id for one in result.differences] == [rung[0], rung[2]]
    assert [one.really for one in result.differences] == [True, False]
    assert (result.draft.exact, result.draft.impossible) == (result.draft.events, 0)


def test_doing_something_else_is_a_difference_too() -> None:
    in_force = publish(spec())
    ring()
    result = tried(spec(actions=[{"code": "ring", "parameters": {"text": "gong", "loudness": 9}}]), in_force)
    assert whys(result) == [("otherwise", None)]
    assert "gong" in result.actions[0]
    assert "alarm" in result.actions_before[0]


def test_a_rule_that_is_new_is_laid_beside_nothing() -> None:
    ring()
    result = tried(spec())
    assert (result.before, result.draft.acts, result.really) == (None, 1, 0)
    assert whys(result) == [("more", None)]


def test_each_reason_why_it_does_not_act_is_counted() -> None:
    make_line(code="L3")
    for minute, (line, loudness) in enumerate([("L3", 1), ("L3", 1), ("L3", 6), ("L4", 1)]):
        after(minute)
        ring(line, loudness=loudness)
    after(30)
    for _ in range(3):
        ring("L3")
    rested = tried(spec(scope=[{"line": "L3"}], cool_down_minutes=20, per_minute=1))
    assert rested.draft.outcomes == {"acts": 2, "rest": 3, "condition": 1, "scope": 1}
    bound = tried(spec(per_minute=2))
    assert bound.draft.outcomes == {"acts": 5, "condition": 1, "rate": 1}
    counted = tried(spec(same=["line"], window={"count": 3, "minutes": 60}))
    assert counted.draft.outcomes == {"acts": 1, "count": 5, "condition": 1}


def test_three_of_the_same_on_the_line_within_a_shift() -> None:
    """Early shift until 14:00 in Berlin, which is 13:00 UTC."""
    make_calendar(make_line(code="L3").site)
    for minutes in (0, 120, 310, 320, 330):
        after(minutes)
        ring("L3")
    result = tried(spec(same=["line"], window={"count": 3}))
    assert (result.draft.acts, result.draft.outcomes["count"]) == (1, 4)
    assert result.draft.estimated == 5
    assert {guess.fact for guess in result.draft.guesses} == {"line", "shift"}


def test_a_thing_that_counts_once_counts_once() -> None:
    content = spec(same=["event.loudness"], window={"count": 2, "minutes": 60, "of": "things"})
    for minute, (name, loudness) in enumerate([("one", 1), ("one", 1), ("one", 2), ("two", 1), ("one", 7), ("two", 2)]):
        after(minute)
        ring(name, loudness=loudness)
    assert tried(content).draft.acts == 0
    after(10)
    last = ring("one", loudness=2)
    assert [one.event_id for one in tried(content).differences] == [last]


def test_what_was_counted_before_the_stretch_counts() -> None:
    content = spec(window={"count": 3, "minutes": 60})
    for minute in range(4):
        after(minute)
        ring()
    after(600)
    for _ in range(3):
        ring()
    result = tried(content, span=Span(moves=2))
    assert (result.draft.events, result.draft.acts, result.draft.exact) == (2, 1, 2)


def test_where_too_much_lies_before_the_stretch_it_is_estimated() -> None:
    content = spec(window={"count": 3, "minutes": 60})
    for quarter in range(12):
        after(15 * quarter)
        ring()
    result = tried(content, span=Span(moves=2))
    assert (result.draft.events, result.draft.estimated) == (2, 2)


def test_still_so_is_asked_of_the_row_of_that_time() -> None:
    """One is released in time; what the others are today does not matter."""
    shop = make_shop()
    publish(spec(event=MOVED, conditions=STILL_HELD, after_seconds=1800))
    stayed, released = shop.thing("held"), shop.thing("held")
    after(10)
    move(shop.lena, released, "release", reason="lunch")
    after(31)
    look_again_where_due.run()
    move(shop.lena, stayed, "release", reason="lunch")
    result = tried(spec(event=MOVED, conditions=STILL_HELD, after_seconds=1800))
    assert [one.subject for one in result.differences] == [f"thing {stayed.pk}"]
    assert (result.differences[0].really, result.draft.outcomes["not_still"]) == (True, 1)
    assert result.differences[0].acts_at == MONDAY + timedelta(minutes=30)
    assert (result.draft.exact, result.draft.guesses) == (result.draft.events, [])


def test_waiting_longer_is_a_difference() -> None:
    shop = make_shop()
    in_force = publish(spec(event=MOVED, conditions=STILL_HELD, after_seconds=600))
    held = shop.thing("held")
    after(15)
    move(shop.lena, held, "release", reason="lunch")
    after(60)
    result = tried(spec(event=MOVED, conditions=STILL_HELD, after_seconds=1800), in_force)
    assert whys(result) == [("less", "not_still")]


def test_what_is_not_yet_over_nobody_can_say() -> None:
    shop = make_shop()
    shop.thing("held")
    result = tried(spec(event=MOVED, conditions=STILL_HELD, after_seconds=1800))
    assert (result.draft.outcomes["waits"], result.draft.impossible, result.differences) == (1, 1, [])


def test_what_the_subject_was_is_exact_and_what_hangs_on_nothing_that_is_kept_is_not() -> None:
    shop = make_shop()
    thing = shop.thing("ready", quantity=3)
    Thing.objects.filter(pk=thing.pk).update(quantity=99)
    few = [{"field": "event.to_state", "operator": "=", "value": "ready"}]
    assert tried(spec(event=MOVED, conditions=few)).draft.acts == 1
    ring()
    ringing = [{"field": "subject.is_ringing", "operator": "=", "value": True}]
    at_once = tried(spec(conditions=ringing))
    assert (at_once.draft.acts, at_once.draft.estimated, at_once.draft.guesses[0].now) == (1, 1, 1)
    after(60)
    later = tried(spec(conditions=ringing, after_seconds=60))
    assert (later.draft.acts, later.draft.impossible) == (0, 1)
    assert [(guess.fact, guess.unknown) for guess in later.draft.guesses] == [("subject.is_ringing", 1)]


def test_a_condition_that_can_not_be_answered_says_so() -> None:
    ring("three")
    result = tried(spec(conditions=ANY, expression="10 / (size(event.why) - 7) > 1"))
    assert (result.draft.outcomes, result.draft.acts) == ({"broken": 1}, 0)
    assert result.draft.problems


def test_one_that_follows_itself_ends_as_it_would() -> None:
    version = publish(spec(conditions=ANY))
    ring()
    result = replay_rule(version, spec(conditions=ANY), None, WEEK)
    assert (result.draft.acts, result.draft.outcomes["depth"], result.really) == (3, 1, 3)


def test_what_it_has_caused_itself_is_estimated() -> None:
    in_force = publish(spec(conditions=ANY))
    ring()
    result = tried(spec(conditions=ANY, cool_down_minutes=10), in_force)
    assert (result.draft.acts, result.draft.outcomes["rest"], result.before.acts) == (1, 3, 3)
    assert (result.draft.exact, result.draft.estimated) == (1, 3)


def test_that_it_was_off_meanwhile_is_said() -> None:
    in_force = publish(spec())
    stop_id = run(stop_rule, SYSTEM, rule_id=in_force.rule_id, reason="Too loud.")
    ring()
    after(1)
    run(resume_rule, SYSTEM, stop_id=stop_id)
    ring()
    result = tried(spec(), in_force)
    assert (result.before.acts, result.really, result.was_off) == (2, 1, True)


def test_a_draft_may_follow_another_event() -> None:
    shop = make_shop()
    in_force = publish(spec())
    ring()
    after(1)
    shop.thing("held")
    result = tried(spec(event=MOVED, conditions=HELD), in_force)
    assert (result.draft.events, result.before.events) == (2, 2)
    assert whys(result) == [("less", "other_event"), ("more", "other_event")]


def test_nothing_is_touched() -> None:
    in_force = publish(spec(window={"count": 2, "minutes": 60}))
    for minute in range(4):
        after(minute)
        ring("L3")
    version = RuleVersion.objects.get(pk=run(draft_rule, SYSTEM, spec=spec(same=["line"], cool_down_minutes=1)))
    before = rows_of_all_tables()
    replay_rule(version, RuleSpec.model_validate(version.content), in_force, WEEK)
    assert rows_of_all_tables() == before


def test_queries_grow_with_what_events_are_about_and_not_with_the_events() -> None:
    shop = make_shop()
    content = spec(event=MOVED, conditions=HELD, same=["site"], cool_down_minutes=1)
    version = RuleVersion.objects.get(pk=run(draft_rule, SYSTEM, spec=content))

    def asked() -> int:
        after(60)
        with CaptureQueriesContext(connection) as queries:
            assert replay_rule(version, content, None, WEEK).draft.acts
        return len([query for query in queries if "core_sharedclock" not in query["sql"]])

    thing = shop.thing("held")
    few = asked()
    for minute in range(20):
        after(minute)
        thing = move(shop.lena, move(shop.lena, thing, "release", reason="lunch"), "hold")
    assert asked() == few
    assert few <= 30


def test_nothing_that_happened_is_no_error() -> None:
    result = tried(spec())
    assert (result.draft.events, result.differences, result.since) == (0, [], None)


def test_only_the_days_asked_for() -> None:
    ring()
    clock.move_to(MONDAY + timedelta(days=10), rate=0)
    ring()
    assert tried(spec()).draft.acts == 1
    assert tried(spec(), span=Span(days=30)).draft.acts == 2
    assert tried(spec(), span=Span(moves=1)).draft.acts == 1
