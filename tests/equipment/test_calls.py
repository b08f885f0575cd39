"""A downtime calls somebody when a rule says so, and no longer when the machine runs again."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from apps.andon.models import FloorException
from apps.core import clock
from apps.core.errors import CommandRefused
from apps.equipment.commands import classify_stop, correct_reason, running_again, stop_machine
from apps.equipment.models import Downtime, Machine, MachineNow
from apps.equipment.tasks import due
from apps.plant.models import ReasonCode
from apps.workflows.models import Rule, RuleFailure, RuleTimer
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.switching import stop_rule
from apps.workflows.tasks import look_again_where_due
from tests.concurrency import at_once
from tests.equipment.machines import at, later, make_machine, seconds, tell, when_machines_stand
from tests.seeded import seed_plant
from tests.workflows.rules.bells import SYSTEM
from tests.world import World, ledger, make_station, make_world, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    clock.move_to(at(0), rate=0)
    seed_plant()
    return make_world()


def machine(world: World, **values: object) -> Machine:
    return make_machine(world.station, raises_exceptions=True, silence_seconds=None, **values)


def reason(code: str) -> ReasonCode:
    return ReasonCode.objects.get(purpose="downtime", code=code)


def open_ones() -> list[FloorException]:
    return list(FloorException.objects.open())


def test_it_calls_in_the_transaction_in_which_the_stop_becomes_a_downtime(world: World) -> None:
    machine(world)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(219)
    assert open_ones() == []
    later(220)
    (exception,) = open_ones()
    assert (exception.type.code, exception.work_unit, exception.work_center) == ("downtime", world.station, world.line)
    assert seconds(exception.raised_at) == 100
    assert exception.headline == "A33 stands"
    assert exception.sentence == "A33 has stood still since 08:01, nobody has said why."
    (opened,), (raised,) = ledger("equipment.stop_opened"), ledger("andon.exception_raised")
    assert opened.command_id == raised.command_id
    assert due() == []


def test_it_ends_with_the_stop_and_not_before(world: World) -> None:
    machine(world)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    run(classify_stop, world.olga, downtime_id=Downtime.objects.get().pk, version=1, reason_id=reason("media").pk)
    (exception,) = open_ones()
    assert exception.sentence == "A33 has stood still since 08:01: Air, power, coolant."
    assert exception.cause.is_present(exception)
    tell(world.station, (400, "producing"))
    later(401)
    exception.refresh_from_db()
    assert exception.status == "closed"
    assert exception.cause_ended_at == at(400)
    assert open_ones() == []


def test_the_button_calls_at_once_and_running_again_ends_it(world: World) -> None:
    machine(world)
    run(stop_machine, world.otto, work_unit_id=world.station.pk)
    assert len(open_ones()) == 1
    run(stop_machine, world.olga, work_unit_id=world.station.pk)
    assert len(open_ones()) == 1
    clock.move_to(at(30), rate=0)
    run(running_again, world.olga, work_unit_id=world.station.pk)
    assert open_ones() == []


def test_it_calls_so_many_seconds_later_where_the_rule_says_so(world: World) -> None:
    machine(world)
    when_machines_stand(after_seconds=600)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    assert open_ones() == []
    later(699)
    assert (due(), open_ones()) == ([], [])
    later(700)
    assert len(open_ones()) == 1
    assert seconds(Downtime.objects.get().raised_at) == 700


def test_what_is_to_call_later_is_written_in_the_transaction_in_which_the_stop_becomes_a_downtime(
    world: World,
) -> None:
    machine(world)
    when_machines_stand(after_seconds=600)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    (opened,), (standing,) = ledger("equipment.stop_opened"), ledger("equipment.machine_stands")
    assert opened.command_id == standing.command_id
    assert [(timer.event_id, seconds(timer.due_at)) for timer in RuleTimer.objects.all()] == [(standing.pk, 700)]


def test_a_time_that_is_over_when_the_stop_becomes_a_downtime_is_waited_for_no_longer(world: World) -> None:
    machine(world)
    when_machines_stand(after_seconds=60)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    (opened,), (raised,) = ledger("equipment.stop_opened"), ledger("andon.exception_raised")
    assert opened.command_id == raised.command_id


def test_one_that_runs_again_before_its_time_calls_nobody(world: World) -> None:
    machine(world)
    when_machines_stand(after_seconds=600)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    tell(world.station, (650, "producing"))
    later(650)
    later(800)
    assert (FloorException.objects.count(), RuleTimer.objects.count()) == (0, 0)


def test_late_signals_that_move_its_start_move_its_call(world: World) -> None:
    machine(world)
    when_machines_stand(after_seconds=600)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    tell(world.station, (150, "producing"), (160, "stopped"), now=300)
    later(300)
    assert seconds(Downtime.objects.open().get().started_at) == 160
    later(700)
    assert open_ones() == []
    later(760)
    assert len(open_ones()) == 1


def test_one_that_goes_on_after_all_calls(world: World) -> None:
    machine(world)
    tell(world.station, (0, "producing"), (100, "stopped"), (500, "producing"), now=600)
    later(600)
    assert open_ones() == []
    tell(world.station, (500, "fault"), now=610)
    later(610)
    assert seconds(Downtime.objects.open().get().started_at) == 100
    assert len(open_ones()) == 1


def test_machines_have_times_of_their_own_by_what_rules_say_of_them(world: World) -> None:
    machine(world)
    other = make_station(world.line, code="B12", position=2)
    make_machine(other, raises_exceptions=True, silence_seconds=None)
    still = {"field": "subject.is_open", "operator": "=", "value": True}
    named = {"field": "subject.machine", "value": ["S1/B12"]}
    when_machines_stand(conditions=[still, {**named, "operator": "not in"}])
    when_machines_stand("b12_stands", conditions=[still, {**named, "operator": "in"}], after_seconds=600)
    for unit in (world.station, other):
        tell(unit, (0, "producing"), (100, "stopped"))
    later(220)
    assert [exception.work_unit for exception in open_ones()] == [world.station]
    later(700)
    assert {exception.work_unit for exception in open_ones()} == {world.station, other}


def test_where_no_rule_is_in_force_a_stop_calls_nobody(world: World) -> None:
    machine(world)
    rule = Rule.objects.get(code="machine_stands")
    run(stop_rule, SYSTEM, rule_id=rule.pk, reason="The line is being rebuilt.")
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    assert (Downtime.objects.open().count(), open_ones(), due()) == (1, [], [])


def test_a_rule_may_ask_why_it_stands(world: World) -> None:
    machine(world)
    unsaid = [
        {"field": "subject.is_open", "operator": "=", "value": True},
        {"field": "subject.reason", "operator": "=", "value": ""},
    ]
    when_machines_stand(after_seconds=600, conditions=unsaid)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    run(classify_stop, world.olga, downtime_id=Downtime.objects.get().pk, version=1, reason_id=reason("media").pk)
    later(700)
    assert open_ones() == []


def test_a_quiet_reason_that_turns_out_another_after_the_time_calls(world: World) -> None:
    machine(world).quiet_reasons.add(reason("cleaning"))
    when_machines_stand(after_seconds=600)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    downtime = Downtime.objects.get()
    run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason("cleaning").pk)
    later(700)
    assert (open_ones(), due()) == ([], [])
    run(
        correct_reason, world.lena, downtime_id=downtime.pk, version=2, part_id=downtime.parts.get().pk,
        reason_id=reason("media").pk,
    )  # fmt: skip
    assert len(open_ones()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_machine_that_somebody_has_in_hand_is_waited_for_by_nobody_and_calls_all_the_same(world: World) -> None:
    machine(world)
    when_machines_stand(after_seconds=600)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    clock.move_to(at(700), rate=0)
    with transaction.atomic():
        MachineNow.objects.select_for_update().get(pk=world.station.pk)
        assert at_once(look_again_where_due.run) == [None]
    assert (RuleFailure.objects.count(), open_ones()) == (0, [])
    assert due() == [world.station.pk]
    later(701)
    assert len(open_ones()) == 1


def test_a_quiet_reason_calls_nobody_and_another_one_does(world: World) -> None:
    machine(world).quiet_reasons.add(reason("cleaning"))
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    downtime = Downtime.objects.get()
    run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason("cleaning").pk)
    assert open_ones() == []
    downtime.refresh_from_db()
    assert (downtime.calls_nobody, downtime.raised_at) == (True, None)
    run(
        correct_reason, world.lena, downtime_id=downtime.pk, version=2, part_id=downtime.parts.get().pk,
        reason_id=reason("media").pk,
    )  # fmt: skip
    assert len(open_ones()) == 1
    assert FloorException.objects.count() == 2


def test_a_machine_that_calls_nobody(world: World) -> None:
    machine(world)
    Machine.objects.update(raises_exceptions=False)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    assert (open_ones(), Downtime.objects.get().calls_nobody) == ([], True)


def test_what_late_signals_take_back_no_longer_calls(world: World) -> None:
    machine(world)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(300)
    tell(world.station, (150, "producing"), (290, "stopped"), now=310)
    later(310)
    assert (open_ones(), Downtime.objects.standing().count()) == ([], 0)


def test_one_that_was_over_when_it_became_known_calls_nobody(world: World) -> None:
    machine(world)
    tell(world.station, (0, "producing"), (100, "stopped"), (500, "producing"), now=600)
    later(600)
    assert (open_ones(), Downtime.objects.count()) == ([], 1)


def test_where_no_workflow_for_exceptions_is_there_the_stop_is_a_fact_and_stays_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(world)

    def refuse(*_: object) -> None:
        raise CommandRefused("no_workflow", "No workflow for exceptions is published.")

    with monkeypatch.context() as patched:
        patched.setattr("apps.equipment.causes.raise_exception", refuse)
        tell(world.station, (0, "producing"), (100, "stopped"))
        later(220)
        assert Downtime.objects.open().count() == 1
        assert due() == [world.station.pk]
    later(221)
    assert len(open_ones()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_is_held_for_long_delays_a_call_and_loses_none(world: World) -> None:
    machine(world)
    when_machines_stand(after_seconds=600)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    clock.move_to(at(700), rate=0)
    name = f"exception:{world.site.pk}:downtime:{Downtime.objects.get().pk}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        assert at_once(look_again_where_due.run) == [None]
    assert (RuleFailure.objects.count(), RuleTimer.objects.count(), open_ones()) == (0, 0, [])
    later(701)
    assert len(open_ones()) == 1


def test_a_downtime_that_has_called_and_is_to_call_is_refused_by_the_database(world: World) -> None:
    with pytest.raises(IntegrityError, match="downtime_has_called_or_is_to"), transaction.atomic():
        Downtime.objects.create(
            site=world.site, work_unit=world.station, started_at=at(0), raised_at=at(1), call_due_at=at(1)
        )


def test_what_machines_were_to_wait_for_became_rules() -> None:
    """Those of most machines are the shipped rule's, the others have rules of their own."""
    rules_for = import_module("apps.equipment.migrations.0003_calls_by_rule").rules_for
    assert rules_for({}) == rules_for({"S1/A1": 0, "S1/A2": 0}) == []
    contents = rules_for({"S1/A1": 600, "S1/A2": 600, "S1/A3": 0, "S2/A3": 10**9})
    specs = [RuleSpec.model_validate(content) for content in contents]
    assert [(spec.code, spec.after_seconds) for spec in specs] == [
        ("machine_stands", 600),
        ("machine_stands_0", 0),
        ("machine_stands_2592000", 2_592_000),
    ]
    assert [spec.conditions[1].value for spec in specs] == [["S1/A3", "S2/A3"], ["S1/A3"], ["S2/A3"]]
    assert [spec.conditions[1].operator for spec in specs] == ["not in", "in", "in"]
    checksum_of = import_module("apps.equipment.migrations.0003_calls_by_rule").checksum_of
    for content, spec in zip(contents, specs, strict=True):
        assert (spec.model_dump(mode="json"), spec.checksum, check_rule(spec)) == (content, checksum_of(content), [])
