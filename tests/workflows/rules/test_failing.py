"""A rule that fails: the fact stands, somebody is told, and after three it is off there."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.workflows.models import RuleFailure, RuleFiring, RuleStop
from apps.workflows.rules import bounds
from apps.workflows.rules import failing as failing_rules
from apps.workflows.rules.events import RuleFailed, RuleFired, RuleSwitchedOff, RuleSwitchedOn
from apps.workflows.rules.models import FailureReason
from apps.workflows.rules.switching import settle_rule_failures
from apps.workflows.tasks import tell_rule_failures
from tests.workflows.rules.bells import SYSTEM, alarms, failing, publish, ring, spec
from tests.workflows.testapp.effects import WAYS
from tests.workflows.testapp.models import PlainThing
from tests.world import ledger, make_site, run

pytestmark = pytest.mark.django_db

# Right for the samples of the check, wrong for a bell of four letters.
DIVIDES = {"conditions": [], "expression": "10 / (size(event.why) - 7) > 1"}


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(bounds, "STATEMENT_MILLISECONDS", 100)


@pytest.mark.parametrize("how", WAYS)
def test_whatever_an_action_does_the_fact_stands_and_the_rest_is_undone(how):
    publish(failing(how))
    ring()
    [failure] = RuleFailure.objects.all()
    assert failure.sentence
    assert failure.told_at
    assert not PlainThing.objects.filter(name="left behind").exists()
    assert ledger(RuleFired.kind) == []
    assert not RuleFiring.objects.exists()
    [event] = ledger(RuleFailed.kind)
    assert event.data["failure_id"] == failure.pk


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("refuse", FailureReason.ACTION),
        ("say so", FailureReason.ACTION),
        ("too slow", FailureReason.SLOW),
        ("divide", FailureReason.OTHER),
    ],
)
def test_the_engineer_reads_what_kind_of_failure_it_is(how, reason):
    publish(failing(how))
    ring()
    assert RuleFailure.objects.get().reason == reason


def test_a_condition_that_divides_by_zero_is_a_failure_and_not_a_no():
    publish(spec(**DIVIDES))
    ring()
    failure = RuleFailure.objects.get()
    assert failure.reason == FailureReason.CONDITION
    assert "zero" in failure.sentence.lower()


def test_limits_are_put_back_so_that_the_command_goes_on_as_it_was():
    publish(spec())
    publish(failing("refuse", code="second"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', '77s', false), set_config('lock_timeout', '66s', false)")
        ring()
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        assert cursor.fetchone() == ("77s", "66s")
        cursor.execute("SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)")


def test_after_three_failures_it_is_off_there_and_says_so():
    site, other = make_site("S1"), make_site("S2")
    version = publish(failing("refuse"))
    for _ in range(4):
        ring(site_id=site.pk)
    assert len(ledger(RuleFailed.kind)) == 3
    [off] = ledger(RuleSwitchedOff.kind)
    assert (off.site_id, off.data["failures"], off.data["version_id"]) == (site.pk, 3, version.pk)
    [stop] = RuleStop.objects.in_force()
    assert (stop.site_id, stop.stopped_by_id) == (site.pk, None)
    ring(site_id=other.pk)
    assert len(ledger(RuleFailed.kind)) == 4


def test_switched_on_again_it_has_three_tries_anew():
    site = make_site()
    version = publish(failing("refuse"))
    for _ in range(3):
        ring(site_id=site.pk)
    run(settle_rule_failures, SYSTEM, version_id=version.pk, site_id=site.pk)
    assert not RuleStop.objects.in_force().exists()
    assert len(ledger(RuleSwitchedOn.kind)) == 1
    for _ in range(4):
        ring(site_id=site.pk)
    assert RuleFailure.objects.count() == 6
    assert RuleStop.objects.in_force().count() == 1


def test_a_mended_version_begins_anew():
    site = make_site()
    publish(failing("refuse"))
    for _ in range(3):
        ring(site_id=site.pk)
    publish(spec())
    ring(site_id=site.pk)
    assert len(alarms()) == 1
    assert not RuleFailure.objects.unsettled().exists()


def test_others_go_on_beside_one_that_fails():
    publish(failing("wrong sql"))
    publish(spec("second"))
    ring()
    assert len(alarms()) == 1


def test_what_could_not_be_told_is_told_by_the_worker(monkeypatch):
    def not_now(*_):
        raise RuntimeError("the engineer's list is locked")

    publish(failing("refuse"))
    with monkeypatch.context() as broken:
        broken.setattr(failing_rules, "_tell", not_now)
        ring()
    assert ledger(RuleFailed.kind) == []
    assert RuleFailure.objects.get().told_at is None
    assert tell_rule_failures.run() == 1
    assert len(ledger(RuleFailed.kind)) == 1
    assert tell_rule_failures.run() == 0


# ---- without end


def test_a_rule_that_follows_itself_ends_after_three_and_that_is_a_failure():
    publish(spec(conditions=[]))
    ring()
    assert len(alarms()) == 3
    [failure] = RuleFailure.objects.all()
    assert failure.reason == FailureReason.DEPTH


def test_two_rules_that_follow_each_other_end_as_well():
    soft = {"code": "ring", "parameters": {"text": "soft", "loudness": 1}}
    publish(spec())
    over = {"conditions": [{"field": "event.loudness", "operator": ">=", "value": 5}], "actions": [soft]}
    publish(spec("softly", **over))
    ring()
    assert len(ledger(RuleFired.kind)) == 3
    assert RuleFailure.objects.get().reason == FailureReason.DEPTH


def test_more_acts_in_a_minute_than_it_may_are_failures_and_it_goes_off():
    site, other = make_site("S1"), make_site("S2")
    publish(spec(per_minute=4))
    for _ in range(9):
        ring(site_id=site.pk)
    assert len(alarms()) == 4
    assert {failure.reason for failure in RuleFailure.objects.all()} == {FailureReason.RATE}
    assert RuleStop.objects.in_force().get().site_id == site.pk
    ring(site_id=other.pk)
    assert len(alarms()) == 5


# ---- whatever it is


FIELDS = ["event.loudness", "event.why", "event.reason", "event.tones", "line", "shift", "site", "nothing"]
conditions = st.lists(
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(FIELDS),
            "operator": st.sampled_from(["=", "!=", "<", ">=", "in", "empty", "not empty"]),
            "value": st.one_of(
                st.none(), st.integers(), st.text("aL3 =é", max_size=5), st.lists(st.integers(), max_size=3)
            ),
        }
    ),
    max_size=3,
)
expressions = st.sampled_from(
    [
        "",
        "true",
        "1 / 0 > 1",
        "event.loudness / 0.0 > 1.0",
        "int(event.loudness) / 0 == 1",
        "nothing",
        "event.why",
        "line",
    ]
)
actions = st.lists(
    st.one_of(
        st.just({"code": "ring", "parameters": {"text": "alarm"}}),
        st.just({"code": "unknown", "parameters": {}}),
        st.sampled_from(sorted(set(WAYS) - {"too slow"})).map(lambda how: {"code": "fail", "parameters": {"how": how}}),
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    conditions=conditions,
    expression=expressions,
    actions=actions,
    same=st.lists(st.sampled_from(FIELDS), max_size=2),
    window=st.one_of(st.none(), st.just({"count": 2}), st.just({"count": 2, "minutes": 5})),
    cool_down_minutes=st.sampled_from([0, 5]),
)
def test_no_rule_ever_undoes_its_fact(monkeypatch, **content):
    """Published past the check, as one that an older release has let through."""
    monkeypatch.setattr("apps.workflows.rules.publishing.check_rule", lambda _: [])
    publish(spec(**content))
    for _ in range(3):
        ring()
