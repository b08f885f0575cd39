"""An exception from its cause to its end: who owns it, who is told when, and what ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.andon.commands import (
    accept,
    acknowledge,
    cannot,
    give,
    merge,
    on_the_way,
    pause_clock,
    progress,
    remark,
    resolve,
    snooze,
    split,
)
from apps.andon.models import ClockInterval, ExceptionStatus, FloorException, Notification, OwnerLevel, Timer
from apps.andon.owners import DUTY_DESK
from apps.core import clock
from apps.core.errors import CommandRefused
from apps.labor.commands import change_to, clock_off, clock_on
from apps.orders.commands import take_edge
from apps.plant.commands import deactivate_person, report_absent
from tests.andon.floor import MORNING, SYSTEM, Floor, fresh, later, make_floor, raise_it, told, waiting
from tests.orders.shop import make_job
from tests.world import give_role, ledger, run

pytestmark = pytest.mark.django_db
S = ExceptionStatus


@pytest.fixture
def floor() -> Floor:
    return make_floor()


def test_a_stop_belongs_to_maintenance_on_duty_from_the_first_second(floor: Floor) -> None:
    stop = floor.stop()
    assert (stop.owner, stop.owner_level, stop.owner_role) == (floor.mia, OwnerLevel.RULE, "maintenance_technician")
    assert stop.status == S.OPEN
    assert told(stop)[0] == ("mia", "raised")


def test_a_second_report_joins_the_first_and_is_no_error(floor: Floor) -> None:
    first = floor.stop()
    again = run(raise_it, floor.world.olga, type_code="downtime", key="T34", site_id=floor.world.site.pk, line_id=None)
    assert again == first.pk
    assert first.informed.get().person == floor.world.olga


def test_nobody_answers_and_the_policy_climbs_to_the_plant_manager_and_asks_again(floor: Floor) -> None:
    floor.roster(floor.paul, "plant_manager", MORNING - timedelta(hours=1), MORNING + timedelta(hours=16))
    stop = floor.stop()
    for minutes in (5, 10, 15, 15):
        later(minutes=minutes)
    assert [who for who, why in told(stop) if why == "step"] == ["marta", "sven", "paul", "paul"]
    assert fresh(stop).level == 4
    assert "step" in [kind for kind, _step in waiting(stop)]


def test_an_empty_level_is_passed_at_once(floor: Floor) -> None:
    run(report_absent, floor.marta, person_id=floor.marta.pk)
    stop = floor.stop()
    later(minutes=5)
    assert ("sven", "step") in told(stop), "the lead is away, so the supervisor is asked without waiting"


def test_with_nobody_on_duty_the_named_default_owns_it(floor: Floor) -> None:
    for person in (floor.mia, floor.marta, floor.sven):
        run(report_absent, person, person_id=person.pk)
    stop = floor.stop()
    assert stop.owner.username == DUTY_DESK
    assert stop.owner_level == OwnerLevel.DEFAULT
    with pytest.raises(CommandRefused) as refused:
        run(deactivate_person, SYSTEM, person_id=stop.owner_id)
    assert refused.value.code == "default_owner"


def test_acknowledging_is_owning(floor: Floor) -> None:
    stop = floor.stop()
    answer = run(acknowledge, floor.marta, exception_id=stop.pk)
    assert (answer.status, answer.owner_id) == (S.ACKNOWLEDGED, floor.marta.pk)
    changed = ledger("andon.owner_changed")[-1]
    assert (changed.data["old_owner_id"], changed.data["new_owner_id"]) == (floor.mia.pk, floor.marta.pk)
    assert not [kind for kind, _step in waiting(stop) if kind in ("step", "response")]


def test_whoever_has_it_is_not_passed_over(floor: Floor) -> None:
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    with pytest.raises(CommandRefused) as refused:
        run(acknowledge, floor.marta, exception_id=stop.pk)
    assert refused.value.code == "answered"


def test_an_owner_who_says_nothing_more_is_reminded_and_then_it_is_open_again(floor: Floor) -> None:
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    later(minutes=30)
    assert told(stop)[-1] == ("mia", "reminder")
    later(minutes=10)
    assert fresh(stop).status == S.OPEN
    assert "step" in [kind for kind, _ in waiting(stop)]


def test_progress_puts_the_reminder_off(floor: Floor) -> None:
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    later(minutes=29)
    run(progress, floor.mia, exception_id=stop.pk)
    later(minutes=29)
    assert fresh(stop).status == S.IN_PROGRESS
    assert "reminder" not in [why for _, why in told(stop)]


def test_resolved_with_a_code_it_closes_once_the_cause_is_gone(floor: Floor) -> None:
    stop = floor.stop()
    with pytest.raises(CommandRefused) as refused:
        run(resolve, floor.mia, exception_id=stop.pk, resolution="", cause="wear")
    assert refused.value.code == "input_missing"
    run(resolve, floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
    assert (fresh(stop).status, fresh(stop).resolution.code, fresh(stop).cause_reason.code) == (
        S.RESOLVED,
        "repaired",
        "wear",
    )
    floor.end()
    assert fresh(stop).status == S.CLOSED
    assert not ClockInterval.objects.running().filter(exception=stop).exists()


def test_a_cause_raised_again_before_it_is_closed_opens_the_same_exception(floor: Floor) -> None:
    stop = floor.stop()
    run(resolve, floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
    assert floor.stop() == stop
    assert fresh(stop).status == S.OPEN


def test_snoozed_it_wakes_by_itself_within_the_bounds_of_the_policy(floor: Floor) -> None:
    stop = floor.stop()
    with pytest.raises(CommandRefused) as refused:
        run(snooze, floor.mia, exception_id=stop.pk, minutes=121, reason="waits_for_part")
    assert refused.value.code == "too_long"
    run(snooze, floor.mia, exception_id=stop.pk, minutes=60, reason="waits_for_part")
    later(minutes=59)
    assert fresh(stop).status == S.SNOOZED
    later(minutes=1)
    assert fresh(stop).status == S.OPEN


def test_cannot_is_no_answer_and_the_next_is_asked_at_once(floor: Floor) -> None:
    stop = floor.stop()
    run(cannot, floor.mia, exception_id=stop.pk, reason="busy_elsewhere")
    later(seconds=0)
    assert fresh(stop).status == S.OPEN
    assert "step" in [why for _, why in told(stop)]
    assert "mia" not in [who for who, why in told(stop) if why == "step"]


def test_going_is_an_answer_with_minutes(floor: Floor) -> None:
    stop = floor.stop()
    run(on_the_way, floor.mia, exception_id=stop.pk, minutes=5)
    assert fresh(stop).status == S.ACKNOWLEDGED
    assert fresh(stop).arrives_at == fresh(stop).raised_at + timedelta(minutes=5)


def test_going_is_planned_once_and_said_again_it_moves_the_time(floor: Floor) -> None:
    stop = floor.stop()
    before = stop.round
    run(on_the_way, floor.mia, exception_id=stop.pk, minutes=8)
    assert fresh(stop).round == before + 1
    run(on_the_way, floor.mia, exception_id=stop.pk, minutes=20)
    assert fresh(stop).arrives_at == MORNING + timedelta(minutes=20)
    assert [kind for kind, _step in waiting(stop)].count("remind") == 1


def test_it_is_given_only_to_who_is_on_duty_and_may_answer(floor: Floor) -> None:
    stop = floor.stop()
    for person in (floor.world.olga, floor.paul):
        with pytest.raises(CommandRefused) as refused:
            run(give, floor.mia, exception_id=stop.pk, person_id=person.pk)
        assert refused.value.code == "not_eligible"
    run(give, floor.mia, exception_id=stop.pk, person_id=floor.marta.pk)
    assert (fresh(stop).owner, fresh(stop).status) == (floor.marta, S.OPEN)
    assert told(stop)[-1] == ("marta", "given")


def test_whoever_leaves_owns_nothing_any_more_and_the_next_has_to_accept(floor: Floor) -> None:
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    run(report_absent, floor.mia, person_id=floor.mia.pk)
    handed = fresh(stop)
    assert handed.owner == floor.sven
    assert handed.accept_by is not None
    run(accept, floor.sven, exception_id=stop.pk)
    assert fresh(stop).accept_by is None
    assert fresh(stop).status == S.ACKNOWLEDGED


def test_a_handover_that_nobody_accepts_is_open_again_and_climbs(floor: Floor) -> None:
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    run(report_absent, floor.mia, person_id=floor.mia.pk)
    later(minutes=15)
    assert fresh(stop).status == S.OPEN
    assert "step" in [why for _, why in told(stop)]


def test_a_call_works_on_a_locked_terminal_and_goes_to_the_line_lead(floor: Floor) -> None:
    call = floor.help()
    assert (call.raised_by, call.terminal_id) == (None, 1)
    assert "A33" in call.headline


def test_merged_it_follows_the_other_and_split_it_stands_alone(floor: Floor) -> None:
    one, two = floor.stop("T34"), floor.stop("T35")
    run(merge, floor.marta, exception_id=two.pk, into_id=one.pk)
    assert waiting(two) == []
    run(split, floor.marta, exception_id=two.pk)
    assert waiting(two)


def test_who_cannot_come_for_what_is_part_of_another_makes_it_call_nobody_itself(floor: Floor) -> None:
    one, two = floor.stop("T34"), floor.stop("T35")
    run(merge, floor.marta, exception_id=two.pk, into_id=one.pk)
    asked = told(two)
    run(cannot, floor.mia, exception_id=two.pk, reason="busy_elsewhere")
    assert (told(two), waiting(two)) == (asked, [])


def test_what_was_due_while_it_was_put_off_is_due_now(floor: Floor) -> None:
    stop = floor.stop()
    clock.move_to(MORNING + timedelta(hours=5), rate=0)
    run(cannot, floor.mia, exception_id=stop.pk, reason="busy_elsewhere")
    next_steps = Timer.objects.waiting().filter(exception=stop, kind="step", step__gt=0)
    assert [timer.due_at for timer in next_steps] == [clock.now()]


def test_many_at_once_in_one_area_have_one_parent_that_is_paged(floor: Floor) -> None:
    stops = [floor.stop(f"U{n}") for n in range(7)]
    parents = {fresh(stop).parent_id for stop in stops}
    assert len(parents) == 1
    assert None not in parents
    parent = FloorException.objects.get(pk=parents.pop())
    assert parent.cause_kind == "storm"
    before = Notification.objects.exclude(exception=parent).count()
    later(minutes=40)
    assert Notification.objects.exclude(exception=parent).count() == before, "the children page nobody"
    for n in range(7):
        floor.end(f"U{n}")
    later(minutes=11)
    assert fresh(parent).status == S.CLOSED


def test_beyond_so_many_pages_in_ten_minutes_the_rest_is_listed(floor: Floor) -> None:
    for n in range(4):
        for kind in ("quality_hold", "late_approval", "missing_skill"):
            floor.stop(f"{kind}{n}", type_code=kind)
    by_state = list(Notification.objects.filter(person=floor.sven).values_list("state", flat=True))
    assert by_state.count("listed") == max(0, len(by_state) - 6)


def test_a_warned_and_breached_clock_goes_on(floor: Floor) -> None:
    hold = floor.stop("lot", type_code="quality_hold")
    later(minutes=14)
    assert fresh(hold).response_warned == 90
    later(minutes=2)
    assert fresh(hold).response_breached_at == hold.raised_at + timedelta(minutes=15)
    assert ClockInterval.objects.running().filter(exception=hold, clock="response").exists()


def test_a_clock_stands_only_for_who_is_waited_for_and_not_for_ever(floor: Floor) -> None:
    hold = floor.stop("lot", type_code="quality_hold")
    run(acknowledge, floor.sven, exception_id=hold.pk)
    with pytest.raises(CommandRefused) as refused:
        run(pause_clock, floor.sven, exception_id=hold.pk, reason="lunch", minutes=10)
    assert refused.value.code == "no_reason"
    before = fresh(hold).deadline_at
    run(pause_clock, floor.sven, exception_id=hold.pk, reason="waits_for_supplier", minutes=30)
    assert ("unpause", 1) in waiting(hold)
    later(minutes=30)
    assert fresh(hold).deadline_at == before + timedelta(minutes=30)


def test_a_timer_of_an_older_plan_does_nothing(floor: Floor) -> None:
    stop = floor.stop()
    run(acknowledge, floor.mia, exception_id=stop.pk)
    before = told(stop)
    later(minutes=6)
    assert told(stop) == before
    stale = Timer.objects.filter(exception=stop, outcome="stale")
    assert stale.exists()


def test_what_is_said_is_heard_by_who_must_know(floor: Floor) -> None:
    stop = floor.stop()
    run(remark, floor.sven, exception_id=stop.pk, text="Drops after 20 s, no leak.")
    assert stop.remarks.get().text.startswith("Drops")
    assert "Drops" not in str(ledger("andon.remarked")[-1].data)


def test_a_cause_that_ends_is_saved_once_with_its_time(floor: Floor) -> None:
    stop = floor.stop()
    with CaptureQueriesContext(connection) as seen:
        floor.end()
    assert sum('UPDATE "andon_floorexception"' in query["sql"] for query in seen.captured_queries) == 1
    assert (fresh(stop).status, fresh(stop).cause_ended_at) == (S.CLOSED, MORNING)


def test_who_changes_from_one_operation_to_another_keeps_what_is_theirs_and_who_goes_does_not(floor: Floor) -> None:
    jobs = [make_job(floor.world.line, floor.world.station, number=f"WO-{n}") for n in (1, 2)]
    for job in jobs:
        run(take_edge, floor.world.lena, job_order_id=job.pk, edge="start", inputs={})
    nora = floor.member("nora", "shift_supervisor")
    give_role(nora, "operator", floor.world.site)
    run(clock_on, nora, job_order_id=jobs[0].pk)
    hold = floor.stop("lot", type_code="quality_hold")
    run(acknowledge, nora, exception_id=hold.pk)
    run(change_to, nora, job_order_id=jobs[1].pk)
    assert fresh(hold).owner == nora
    assert fresh(hold).accept_by is None
    run(clock_off, nora, job_order_id=jobs[1].pk)
    assert fresh(hold).owner == floor.sven, "gone: it is somebody else's in the same act"
