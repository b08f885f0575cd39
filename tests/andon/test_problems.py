"""The same cause again and again becomes one problem that somebody owns until the cause stays away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.andon.causes import Cause
from apps.andon.commands import give_problem, note_problem, set_problem_due
from apps.andon.models import FloorException, Problem, SiteRules
from apps.andon.raising import raise_exception
from apps.andon.tasks import close_quiet_problems
from apps.core import clock
from apps.core.commands import Context, command
from apps.core.errors import CommandRefused
from apps.plant.commands import deactivate_person
from apps.plant.models import Role
from apps.workflows.models import Rule, RuleFailure, RuleVersion
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.switching import stop_rule
from tests.andon.floor import MORNING, SYSTEM, Floor, later, make_floor, raise_it
from tests.concurrency import at_once
from tests.workflows.rules.bells import publish
from tests.world import ledger, run

pytestmark = pytest.mark.django_db
RULE = "recurring_cause"


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def again(floor: Floor, times: int, *, key: str = "T34", minutes: int = 20) -> FloorException:
    """It stops, and runs on after so many minutes; an hour lies between."""
    for _ in range(times):
        stop = floor.stop(key)
        later(minutes=minutes)
        floor.end(key)
        later(minutes=60)
    return stop


def test_the_third_time_in_a_week_opens_one_problem_with_all_its_cases(floor: Floor) -> None:
    again(floor, 2)
    assert not Problem.objects.exists()
    again(floor, 1)
    problem = Problem.objects.get()
    assert problem.cases.count() == 3
    assert (problem.owner, problem.cause_key) == (floor.world.pia, "T34")
    assert problem.due_at > clock.now()
    (opened,) = ledger("andon.problem_opened")
    assert (opened.data["cases"], opened.data["owner_id"]) == (3, floor.world.pia.pk)
    assert floor.world.pia.notifications.filter(occasion="informed").exists()


def test_further_cases_attach_to_it(floor: Floor) -> None:
    again(floor, 5)
    assert Problem.objects.get().cases.count() == 5
    assert len(ledger("andon.problem_opened")) == 1


def test_it_adds_up_the_minutes_lost(floor: Floor) -> None:
    again(floor, 3, minutes=20)
    problem = Problem.objects.with_cases(clock.now()).get()
    assert (problem.case_count, problem.time_lost) == (3, timedelta(minutes=60))
    floor.stop()
    later(minutes=7)
    assert Problem.objects.with_cases(clock.now()).get().time_lost == timedelta(minutes=67)


def test_other_causes_and_older_cases_do_not_count(floor: Floor) -> None:
    again(floor, 2)
    again(floor, 2, key="M12")
    assert not Problem.objects.exists()
    later(days=8)
    again(floor, 1)
    assert not Problem.objects.exists()


class TestTheRule:
    """How often and how soon is a rule that engineers change; that further cases belong to the problem is not."""

    def test_is_shipped_and_in_force(self, floor: Floor) -> None:
        version = RuleVersion.objects.published().get(rule__code=RULE)
        assert check_rule(rule()) == []
        again(floor, 3)
        (fired,) = ledger("workflows.rule_fired")
        (opened,) = ledger("andon.problem_opened")
        assert (fired.data["version_id"], fired.data["event_kind"]) == (version.pk, "andon.case_named")
        assert opened.cause_id == fired.pk

    def test_may_leave_out_a_type(self, floor: Floor) -> None:
        left_out = {"field": "event.type", "operator": "not in", "value": ["downtime"]}
        publish(changed(conditions=[*rule().model_dump(mode="json")["conditions"], left_out]))
        again(floor, 4)
        assert not Problem.objects.exists()

    def test_goes_on_with_what_was_counted_when_its_numbers_change(self, floor: Floor) -> None:
        again(floor, 2)
        publish(changed(window={"count": 4, "days": 30, "of": "things"}))
        again(floor, 1)
        later(days=20)
        assert not Problem.objects.exists()
        again(floor, 1)
        assert Problem.objects.get().cases.count() == 4

    def test_may_ask_for_one_only(self, floor: Floor) -> None:
        publish(changed(window=None, same=[]))
        again(floor, 2)
        assert Problem.objects.get().cases.count() == 2

    def test_switched_off_opens_none_and_what_is_open_goes_on(self, floor: Floor) -> None:
        again(floor, 3)
        run(stop_rule, SYSTEM, rule_id=Rule.objects.get(code=RULE).pk, reason="We count anew next week.")
        again(floor, 1)
        again(floor, 4, key="M12")
        assert Problem.objects.get().cases.count() == 4

    def test_that_fails_calls_its_engineer_and_undoes_no_exception(self, floor: Floor) -> None:
        publish(at_once_when("andon.exception_raised"))
        stop = raised_without_a_name(floor)
        assert stop.closed_at is None
        failure = RuleFailure.objects.get(version__rule__code="at_once")
        assert (failure.reason, failure.sentence) == ("action", "nobody has said what this exception is a case of")

    def test_may_follow_something_else(self, floor: Floor) -> None:
        """Each that nobody answers in time is a problem at once."""
        publish(at_once_when("andon.clock_breached"))
        stop = floor.stop()
        later(minutes=30)
        assert Problem.objects.get().cases.get() == stop


def rule() -> RuleSpec:
    return RuleSpec.model_validate(RuleVersion.objects.published().get(rule__code=RULE).content)


def changed(**otherwise: Any) -> RuleSpec:
    return RuleSpec.model_validate(rule().model_dump(mode="json") | otherwise)


def at_once_when(event: str) -> RuleSpec:
    return changed(code="at_once", name="At once", event=event, conditions=[], same=[], window=None)


@command("tests.raise_without_a_name")
def raise_without_a_name(context: Context, *, site_id: int) -> int:
    context.allow_anyone()
    return raise_exception(context, Cause(type="downtime", kind="test", key="1", site_id=site_id, recurs_as=""))


def raised_without_a_name(floor: Floor) -> FloorException:
    return FloorException.objects.get(pk=run(raise_without_a_name, SYSTEM, site_id=floor.world.site.pk))


def test_what_it_is_a_case_of_is_in_the_ledger(floor: Floor) -> None:
    raised_without_a_name(floor)
    assert ledger("andon.case_named") == []
    stop = floor.stop()
    (named,) = ledger("andon.case_named")
    assert (named.subject_id, named.data["recurs_as"], named.data["type"]) == (str(stop.pk), "T34", "downtime")


def test_it_closes_only_when_the_cause_stayed_away(floor: Floor) -> None:
    again(floor, 3)
    later(days=13)
    close_quiet_problems.run()
    assert Problem.objects.open().exists()
    later(days=2)
    close_quiet_problems.run()
    problem = Problem.objects.get()
    assert problem.closed_at == clock.now()
    assert ledger("andon.problem_closed")[0].data["cases"] == 3


def test_a_cause_that_is_there_still_keeps_it_open(floor: Floor) -> None:
    again(floor, 2)
    floor.stop()
    later(days=30)
    close_quiet_problems.run()
    assert Problem.objects.open().exists()


def test_after_it_closed_the_counting_begins_anew(floor: Floor) -> None:
    again(floor, 3)
    later(days=15)
    close_quiet_problems.run()
    again(floor, 3)
    assert [problem.cases.count() for problem in Problem.objects.order_by("pk")] == [3, 3]


class TestItsOwner:
    def test_is_of_the_role_that_the_site_names(self, floor: Floor) -> None:
        floor.stop("other")
        SiteRules.objects.update(problem_role=Role.objects.get(code="maintenance_lead"))
        again(floor, 3)
        assert Problem.objects.get().owner == floor.marta

    def test_is_the_manager_where_nobody_has_the_role(self, floor: Floor) -> None:
        run(deactivate_person, SYSTEM, person_id=floor.world.pia.pk)
        floor.roster(floor.paul, "plant_manager", MORNING - timedelta(hours=1), MORNING + timedelta(days=2))
        again(floor, 3)
        assert Problem.objects.get().owner == floor.paul

    def test_is_another_one_when_somebody_leaves(self, floor: Floor) -> None:
        again(floor, 3)
        run(deactivate_person, SYSTEM, person_id=floor.world.pia.pk)
        assert Problem.objects.get().owner != floor.world.pia
        assert ledger("andon.problem_changed")[-1].data["old_owner_id"] == floor.world.pia.pk

    def test_gives_it_sets_its_date_and_notes(self, floor: Floor) -> None:
        again(floor, 3)
        problem, pia = Problem.objects.get(), floor.world.pia
        day = clock.now() + timedelta(days=3)
        run(set_problem_due, pia, problem_id=problem.pk, due_at=day)
        run(note_problem, pia, problem_id=problem.pk, text="The belt slips when it is cold.")
        run(give_problem, pia, problem_id=problem.pk, person_id=floor.marta.pk)
        problem.refresh_from_db()
        assert (problem.due_at, problem.owner, problem.note) == (day, floor.marta, "The belt slips when it is cold.")
        assert "belt" not in str([event.data for event in ledger("andon.problem_changed")])
        assert not hasattr(problem.history.first(), "note")


class TestRefused:
    def test_to_who_may_not(self, floor: Floor) -> None:
        again(floor, 3)
        problem = Problem.objects.get()
        with pytest.raises(CommandRefused) as refused:
            run(give_problem, floor.mia, problem_id=problem.pk, person_id=floor.mia.pk)
        assert refused.value.code == "not_allowed"

    def test_for_somebody_who_may_not_own_it(self, floor: Floor) -> None:
        again(floor, 3)
        for person in (floor.world.otto, floor.world.olga):
            with pytest.raises(CommandRefused) as refused:
                run(give_problem, floor.world.pia, problem_id=Problem.objects.get().pk, person_id=person.pk)
            assert refused.value.code == "not_eligible"

    def test_for_a_date_that_is_past_and_a_problem_that_is_closed(self, floor: Floor) -> None:
        again(floor, 3)
        pia, problem = floor.world.pia, Problem.objects.get()
        with pytest.raises(CommandRefused) as refused:
            run(set_problem_due, pia, problem_id=problem.pk, due_at=clock.now())
        assert refused.value.code == "in_the_past"
        later(days=20)
        close_quiet_problems.run()
        with pytest.raises(CommandRefused) as refused:
            run(note_problem, pia, problem_id=problem.pk, text="x")
        assert refused.value.code == "closed"


def test_many_raised_at_once_cost_no_query_each(floor: Floor) -> None:
    again(floor, 2)
    with CaptureQueriesContext(connection) as asked:
        floor.stop()
    assert sum("andon_problem" in query["sql"] for query in asked.captured_queries) <= 6


@pytest.mark.django_db(transaction=True)
def test_two_that_report_the_third_at_the_same_moment_open_one_problem() -> None:
    floor = make_floor()
    again(floor, 2)
    line = floor.world.line

    def report() -> None:
        run(raise_it, SYSTEM, type_code="downtime", key="T34", site_id=line.site_id, line_id=line.pk)

    assert at_once(*[report] * 6) == [None] * 6
    problem = Problem.objects.get()
    assert problem.cases.count() == 3
    assert FloorException.objects.filter(cause_key="T34", closed_at=None).count() == 1
