"""Rules that say "still so after N seconds": they look again when the time has come, and act only if it is so still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.core.models import CommandReceipt
from apps.workflows.models import RuleFailure, RuleFiring, RuleOccurrence, RuleStop, RuleTimer
from apps.workflows.rules.check import RuleFault, check_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import RuleFired
from apps.workflows.rules.models import FailureReason
from apps.workflows.rules.publishing import retire_rule
from apps.workflows.rules.switching import resume_rule, stop_rule
from apps.workflows.rules.timers import look_again
from apps.workflows.tasks import look_again_where_due, prune_rules
from tests.concurrency import at_once
from tests.workflows.rules.bells import SYSTEM, alarms, failing, publish, ring, spec
from tests.workflows.testapp.commands import ring_bell
from tests.workflows.testapp.models import PlainThing
from tests.workflows.workshop import make_shop, move
from tests.world import ledger, make_line, make_site, run

MONDAY = datetime(2030, 1, 7, 12, 0, tzinfo=UTC)
STILL_RINGING = [{"field": "subject.is_ringing", "operator": "=", "value": True}]
SOFT = [{"field": "event.loudness", "operator": "<", "value": 5}]

in_a_transaction = pytest.mark.django_db


def patient(code: str = "loud_bells", **otherwise) -> RuleSpec:
    """A soft bell that still rings after ten minutes makes the alarm ring."""
    return spec(code, **{"after_seconds": 600, "conditions": [*SOFT, *STILL_RINGING], **otherwise})


@pytest.fixture(autouse=True)
def _noon():
    clock.move_to(MONDAY, rate=0)


def seconds(seconds: float) -> None:
    """So many after noon; the worker looks."""
    clock.move_to(MONDAY + timedelta(seconds=seconds), rate=0)
    look_again_where_due.run()


def hush(name: str = "bell") -> None:
    PlainThing.objects.create(name=f"hush {name}")


@in_a_transaction
class TestARuleThatWaits:
    def test_acts_when_the_time_has_come_and_not_before(self) -> None:
        version = publish(patient())
        event_id = ring()
        [timer] = RuleTimer.objects.all()
        assert (timer.version_id, timer.event_id, timer.due_at) == (
            version.pk,
            event_id,
            MONDAY + timedelta(minutes=10),
        )
        seconds(599)
        assert alarms() == []
        seconds(600)
        assert len(alarms()) == 1
        seconds(1200)
        assert len(alarms()) == 1
        assert not RuleTimer.objects.exists()

    def test_does_nothing_where_it_is_not_so_any_more(self) -> None:
        publish(patient())
        ring()
        hush()
        seconds(600)
        assert (alarms(), RuleTimer.objects.count(), RuleFailure.objects.count()) == ([], 0, 0)

    def test_sets_no_timer_for_what_does_not_fit_when_it_happens(self) -> None:
        publish(patient())
        ring(loudness=6)
        hush("quiet")
        ring("quiet")
        assert not RuleTimer.objects.exists()

    def test_its_timer_goes_with_the_booking_that_is_undone(self, monkeypatch) -> None:
        def break_off(_topics):
            assert RuleTimer.objects.count() == 1
            raise RuntimeError("at the very end")

        publish(patient())
        with monkeypatch.context() as broken, pytest.raises(RuntimeError, match="at the very end"):
            broken.setattr("apps.core.live.words", break_off)
            run(ring_bell, SYSTEM, text="bell")
        assert not RuleTimer.objects.exists()

    def test_asks_the_event_for_what_it_said_then(self) -> None:
        """And all the rest as it is now: here the expression reads both."""
        publish(patient(conditions=[], expression="event.loudness == 3.0 && subject.is_ringing"))
        ring(loudness=3)
        ring(loudness=4)
        seconds(600)
        assert len(alarms()) == 1

    def test_what_it_does_follows_from_the_event_by_its_authority_at_the_time_it_does_it(self) -> None:
        version = publish(patient())
        event_id = ring()
        seconds(600)
        [fired], [alarm] = ledger(RuleFired.kind), alarms()
        assert (fired.cause_id, alarm.cause_id) == (event_id, fired.pk)
        assert (alarm.agent, alarm.occurred_at) == (f"rule:{version.rule_id}", MONDAY + timedelta(minutes=10))

    def test_counts_from_when_it_happened_and_acts_at_once_on_what_is_told_later_than_that(self) -> None:
        publish(patient())
        clock.move_to(MONDAY + timedelta(minutes=5), rate=0)
        ring_bell.at(MONDAY)(SYSTEM, uuid4(), text="bell")
        assert RuleTimer.objects.get().due_at == MONDAY + timedelta(minutes=10)
        ring_bell.at(MONDAY - timedelta(minutes=6))(SYSTEM, uuid4(), text="bell")
        assert (len(alarms()), RuleTimer.objects.count()) == (1, 1)

    def test_one_that_waits_for_nothing_acts_at_once_though_a_clock_is_ahead(self) -> None:
        publish(spec())
        ring_bell.at(MONDAY + timedelta(seconds=30))(SYSTEM, uuid4(), text="bell")
        assert len(alarms()) == 1

    def test_asks_an_item_where_it_is_now(self) -> None:
        shop = make_shop()
        moved = [{"field": "event.to_state", "operator": "=", "value": "held"}]
        still = [{"field": "subject.state", "operator": "=", "value": "held"}]
        publish(spec(event="workflows.state_changed", conditions=[*moved, *still], after_seconds=1800))
        shop.thing("held")
        released = shop.thing("held")
        move(shop.lena, released, "release", reason="lunch")
        assert RuleTimer.objects.count() == 2
        seconds(1800)
        assert len(alarms()) == 1


@in_a_transaction
class TestWhatHoldsForAllRules:
    def test_off_meanwhile_it_does_not_act_and_what_was_due_then_is_over(self) -> None:
        version = publish(patient())
        ring()
        stop_id = run(stop_rule, SYSTEM, rule_id=version.rule_id, reason="Too loud.")
        seconds(600)
        run(resume_rule, SYSTEM, stop_id=stop_id)
        seconds(1200)
        assert (alarms(), RuleTimer.objects.count()) == ([], 0)

    def test_out_of_force_meanwhile_it_does_not_act(self) -> None:
        version = publish(patient())
        ring()
        run(retire_rule, SYSTEM, version_id=version.pk)
        seconds(600)
        assert (alarms(), RuleTimer.objects.count()) == ([], 0)

    def test_what_was_begun_under_one_version_ends_under_it(self) -> None:
        """Nobody is forgotten because a rule was published anew meanwhile."""
        publish(patient(actions=[{"code": "ring", "parameters": {"text": "alarm", "loudness": 7}}]))
        ring()
        publish(patient(after_seconds=60, actions=[{"code": "ring", "parameters": {"text": "alarm", "loudness": 8}}]))
        seconds(60)
        assert alarms() == []
        seconds(600)
        assert [event.data["loudness"] for event in alarms()] == [7]

    def test_an_act_that_fails_undoes_itself_and_is_told_and_after_three_it_is_off_there(self) -> None:
        site = make_site()
        publish(failing("refuse", after_seconds=60))
        for _ in range(4):
            ring(site_id=site.pk)
        seconds(60)
        assert not PlainThing.objects.filter(name="left behind").exists()
        assert RuleFailure.objects.filter(told_at__isnull=False).count() == 3
        assert RuleStop.objects.in_force().get().site_id == site.pk
        assert not RuleTimer.objects.exists()

    def test_a_condition_that_can_not_be_answered_is_a_failure_of_the_rule_and_not_of_who_books(self) -> None:
        publish(patient(conditions=[], expression="10 / (size(event.why) - 7) > 1"))
        ring()
        assert RuleFailure.objects.get().reason == FailureReason.CONDITION
        assert not RuleTimer.objects.exists()

    def test_one_that_follows_itself_ends_after_three_however_long_it_waits(self) -> None:
        publish(spec(conditions=[], after_seconds=60))
        ring()
        for minute in range(1, 6):
            seconds(60 * minute)
        assert len(alarms()) == 3
        assert RuleFailure.objects.get().reason == FailureReason.DEPTH
        assert not RuleTimer.objects.exists()

    def test_more_acts_in_a_minute_than_it_may_are_failures(self) -> None:
        publish(patient(per_minute=2))
        for _ in range(3):
            ring()
        seconds(600)
        assert len(alarms()) == 2
        assert RuleFailure.objects.get().reason == FailureReason.RATE

    def test_what_was_still_so_is_counted_and_what_was_not_is_not(self) -> None:
        publish(patient(same=[], window={"count": 3, "minutes": 60}))
        for name in ("a", "b", "c"):
            ring(name)
        hush("b")
        seconds(600)
        assert (alarms(), RuleOccurrence.objects.count()) == ([], 2)
        ring("d")
        seconds(1200)
        assert len(alarms()) == 1

    def test_a_thing_counts_once_as_it_is_when_it_is_looked_at_again(self) -> None:
        publish(patient(window={"count": 2, "minutes": 60, "of": "things"}))
        for name in ("a", "a", "b"):
            ring(name)
        hush("b")
        seconds(600)
        assert (alarms(), RuleOccurrence.objects.count()) == ([], 1)
        ring("a", loudness=6)
        assert RuleOccurrence.objects.count() == 0
        ring("a")
        ring("c")
        seconds(1200)
        assert len(alarms()) == 1

    def test_it_rests_from_its_act_on(self) -> None:
        publish(patient(cool_down_minutes=30))
        ring()
        ring()
        seconds(600)
        assert len(alarms()) == 1
        ring()
        seconds(600 + 31 * 60)
        assert len(alarms()) == 2

    def test_what_waits_longest_is_still_counted_with_what_came_a_week_before(self) -> None:
        month, week = 30 * 24 * 60, 7 * 24 * 60
        publish(patient(after_seconds=month * 60, window={"count": 2, "minutes": week}))
        ring()
        clock.move_to(MONDAY + timedelta(minutes=week - 1), rate=0)
        ring()
        seconds(month * 60)
        prune_rules.run()
        seconds((month + week) * 60)
        assert len(alarms()) == 1

    def test_only_where_its_scope_is(self) -> None:
        make_line(code="L3")
        publish(patient(scope=[{"line": "L3"}]))
        ring("L3")
        ring("L4")
        seconds(600)
        assert len(alarms()) == 1


@in_a_transaction
class TestTheWorker:
    def test_sends_no_command_while_nothing_is_due(self) -> None:
        publish(patient())
        ring()
        before = CommandReceipt.objects.count()
        with CaptureQueriesContext(connection) as queries:
            assert look_again_where_due.run() == 0
        assert CommandReceipt.objects.count() == before
        assert len([query for query in queries if "core_sharedclock" not in query["sql"]]) == 1

    def test_looks_at_least_twice_a_second(self) -> None:
        assert look_again_where_due.every_seconds <= 0.5

    def test_goes_on_with_the_others_where_one_can_not_be_looked_at(self, monkeypatch) -> None:
        publish(patient())
        first = ring()
        ring()
        read = look_again.body.__globals__["ledger"].heard_again

        def unreadable(event_id):
            if event_id == first:
                raise RuntimeError("no such page")
            return read(event_id)

        with monkeypatch.context() as broken:
            broken.setattr("apps.core.ledger.heard_again", unreadable)
            seconds(600)
        assert (len(alarms()), RuleTimer.objects.count()) == (1, 1)
        seconds(601)
        assert (len(alarms()), RuleTimer.objects.count()) == (2, 0)

    def test_a_second_timer_for_the_same_is_refused_by_the_database(self) -> None:
        publish(patient())
        ring()
        timer = RuleTimer.objects.get()
        with pytest.raises(IntegrityError, match="rule_waits_once_for_an_event"), transaction.atomic():
            RuleTimer.objects.create(version=timer.version, event_id=timer.event_id, due_at=timer.due_at)


@pytest.mark.django_db(transaction=True)
class TestSeveralWorkers:
    def test_each_timer_is_acted_on_once(self) -> None:
        """Real connections: four workers at twelve timers."""
        publish(patient(per_minute=100))
        for _ in range(12):
            ring()
        clock.move_to(MONDAY + timedelta(seconds=600), rate=0)
        assert at_once(*[look_again_where_due.run] * 4) == [None] * 4
        while look_again_where_due.run():
            pass
        assert (len(alarms()), RuleFiring.objects.count(), RuleTimer.objects.count()) == (12, 12, 0)

    def test_one_that_another_has_is_left_to_it(self) -> None:
        publish(patient())
        ring()
        timer = RuleTimer.objects.get()
        clock.move_to(MONDAY + timedelta(seconds=600), rate=0)
        found: list[bool] = []
        with transaction.atomic():
            RuleTimer.objects.select_for_update().get(pk=timer.pk)
            raised = at_once(lambda: found.append(look_again(SYSTEM, uuid4(), timer_id=timer.pk)))
        assert (raised, found, alarms()) == ([None], [False], [])
        assert look_again(SYSTEM, uuid4(), timer_id=timer.pk)
        assert len(alarms()) == 1


@in_a_transaction
class TestTheCheck:
    def test_warns_of_a_rule_that_waits_and_asks_nothing_that_may_change(self) -> None:
        assert [problem.code for problem in check_rule(spec(after_seconds=60))] == [RuleFault.NOTHING_ASKED_AGAIN]
        assert check_rule(patient()) == []
        assert check_rule(patient(conditions=[], expression="subject.is_ringing")) == []

    @pytest.mark.parametrize("after_seconds", [-1, 30 * 24 * 3600 + 1, "soon"])
    def test_knows_bounds(self, after_seconds) -> None:
        with pytest.raises(ValueError, match="after_seconds"):
            patient(after_seconds=after_seconds)

    def test_a_rule_that_waits_for_nothing_is_written_as_ever(self) -> None:
        """So that the checksums of what was published stay."""
        assert "after_seconds" not in spec().model_dump(mode="json")
        assert spec(after_seconds=0).checksum == spec().checksum != spec(after_seconds=1).checksum
        assert RuleSpec.model_validate_json(patient().to_json()) == patient()
