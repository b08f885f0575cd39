"""A downtime calls somebody when its machine's rule says, and no longer when the machine runs again."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from apps.andon.models import FloorException
from apps.core import clock
from apps.core.errors import CommandRefused
from apps.equipment.commands import classify_stop, correct_reason, running_again, stop_machine
from apps.equipment.models import Downtime, Machine
from apps.equipment.tasks import due
from apps.plant.models import ReasonCode
from tests.equipment.machines import at, later, make_machine, seconds, tell
from tests.seeded import seed_plant
from tests.world import World, ledger, make_world, run

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


def test_it_calls_so_many_seconds_later_where_the_machine_says_so(world: World) -> None:
    machine(world, raise_after_seconds=600)
    tell(world.station, (0, "producing"), (100, "stopped"))
    later(220)
    assert open_ones() == []
    later(699)
    assert (due(), open_ones()) == ([], [])
    later(700)
    assert len(open_ones()) == 1
    assert seconds(Downtime.objects.get().raised_at) == 700


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


def test_a_downtime_that_neither_called_nor_will_is_refused_by_the_database(world: World) -> None:
    with pytest.raises(IntegrityError, match="downtime_has_called_or_will"), transaction.atomic():
        Downtime.objects.create(site=world.site, work_unit=world.station, started_at=at(0))
