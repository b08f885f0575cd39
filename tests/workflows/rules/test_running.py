"""A published rule follows events: when, if, then; and what it does is in the ledger."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.actors import Origin
from apps.plant.models import Purpose
from apps.workflows.models import RuleFailure, RuleFiring
from apps.workflows.rules.events import RuleFired
from apps.workflows.rules.publishing import retire_rule
from apps.workflows.rules.switching import resume_rule, stop_rule
from tests.workflows.rules.bells import SYSTEM, alarms, publish, ring, spec
from tests.workflows.testapp.effects import Rung
from tests.world import ledger, make_line, make_reason, run

pytestmark = pytest.mark.django_db


def test_it_acts_on_what_fits_its_condition_and_on_nothing_else():
    publish(spec())
    ring(loudness=1)
    ring(loudness=6)
    assert len(alarms()) == 1
    assert not RuleFailure.objects.exists()


def test_a_draft_follows_nothing_and_neither_does_a_retired_one():
    ring()
    version = publish(spec())
    run(retire_rule, SYSTEM, version_id=version.pk)
    ring()
    assert alarms() == []


def test_the_next_version_takes_the_place_of_the_one_before():
    publish(spec())
    publish(spec(actions=[{"code": "ring", "parameters": {"text": "alarm", "loudness": 7}}]))
    ring()
    assert [event.data["loudness"] for event in alarms()] == [7]


def test_an_expression_and_facts_around_are_asked_as_well():
    publish(spec(conditions=[], expression='event.loudness * 2.0 == 4.0 && line == "L3" && size(event.tones) == 1'))
    ring("L3", loudness=2)
    ring("L3", loudness=3)
    ring("L4", loudness=2)
    assert len(alarms()) == 1


def test_a_reason_is_asked_for_by_its_code():
    scratch, dent = make_reason(Purpose.SCRAP, "scratch"), make_reason(Purpose.SCRAP, "dent")
    publish(spec(conditions=[{"field": "event.reason", "operator": "=", "value": "scratch"}]))
    ring(reason_id=scratch.pk)
    ring(reason_id=dent.pk)
    ring()
    assert len(alarms()) == 1


def test_it_acts_only_within_its_scope():
    make_line(code="L3")
    publish(spec(scope=[{"line": "L3"}]))
    ring("L3")
    ring("L4")
    ring("bell")
    assert len(alarms()) == 1


def test_each_act_is_an_event_that_says_what_it_followed_and_by_whose_authority():
    version = publish(spec())
    event_id = ring()
    [fired] = ledger(RuleFired.kind)
    [alarm] = alarms()
    assert fired.subject_id == str(version.rule_id)
    assert (fired.data["event_id"], fired.data["actions"]) == (event_id, ["ring"])
    assert (fired.cause_id, alarm.cause_id) == (event_id, fired.pk)
    assert (fired.origin, alarm.origin) == (Origin.RULE, Origin.RULE)
    assert alarm.agent == f"rule:{version.rule_id}"
    assert alarm.command_id == fired.command_id
    assert "Loud bells" in alarm.data["why"]


def test_two_rules_act_each_for_itself():
    publish(spec())
    publish(spec("second", actions=[{"code": "ring", "parameters": {"text": "second", "loudness": 8}}]))
    ring()
    assert [event.subject_id for event in ledger(Rung.kind)] == ["bell", "alarm", "second"]


def test_somebody_switches_it_off_everywhere_and_on_again():
    version = publish(spec())
    stop_id = run(stop_rule, SYSTEM, rule_id=version.rule_id, reason="It calls too many people.")
    ring()
    assert alarms() == []
    run(resume_rule, SYSTEM, stop_id=stop_id)
    ring()
    assert len(alarms()) == 1


def test_a_rule_that_is_off_stays_off_in_its_next_version():
    version = publish(spec())
    run(stop_rule, SYSTEM, rule_id=version.rule_id, reason="It calls too many people.")
    publish(spec(per_minute=7))
    ring()
    assert alarms() == []


def statements(queries: CaptureQueriesContext) -> list[str]:
    """Without the tests' own clock, which is looked at by the second."""
    return [query["sql"] for query in queries if "core_sharedclock" not in query["sql"]]


def test_without_rules_for_its_events_a_command_asks_nothing_of_the_database_for_them():
    ring()
    with CaptureQueriesContext(connection) as before:
        ring()
    publish(spec(event="workflows.edge_stopped", conditions=[]))
    ring()
    with CaptureQueriesContext(connection) as after:
        ring()
    assert len(statements(after)) == len(statements(before))


def test_a_rule_that_does_not_fit_costs_no_savepoint_of_its_own():
    """One look at what is around the event, however many rules there are."""
    for number in range(5):
        publish(spec(f"rule_{number}", conditions=[{"field": "event.loudness", "operator": ">", "value": 5}]))
    ring()
    with CaptureQueriesContext(connection) as five:
        ring()
    opened = [query["sql"] for query in five if query["sql"].startswith("SAVEPOINT")]
    assert len(opened) == 2, "the command's own, which is one only in a test, and one for all rules"
    assert RuleFiring.objects.count() == 0
