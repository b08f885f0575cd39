"""A stopped machine or a call sends for maintenance, and what is answered to it is the technician's log."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.andon.commands import acknowledge, apply_cure, progress, reopen, resolve, snooze
from apps.andon.cures import Subject, cures_for
from apps.andon.models import FloorException, Remark
from apps.core.actors import Actor
from apps.equipment.commands import classify_stop, running_again, stop_machine
from apps.equipment.models import Downtime, Machine, MaintenanceRequest
from apps.equipment.tasks import follow_machines
from apps.floor.fragments import exception_fragment
from apps.plant.models import Purpose, ReasonCode
from tests.andon.floor import Floor, later, make_floor
from tests.equipment.machines import make_machine
from tests.world import actor_of, ledger, make_terminal, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor() -> Floor:
    made = make_floor()
    make_machine(made.world.station, silence_seconds=None, raises_exceptions=True)
    return made


def stand(floor: Floor) -> FloorException:
    """A33 stands; somebody has pressed the button on the locked station."""
    terminal = Actor(terminal_id=make_terminal(floor.world.site, station=floor.world.station).pk)
    run(stop_machine, terminal, work_unit_id=floor.world.station.pk)
    return FloorException.objects.get(cause_kind="downtime", closed_at=None)


def request() -> MaintenanceRequest:
    return MaintenanceRequest.objects.get()


def steps() -> list[str]:
    kinds = ("maintenance_requested", "technician_arrived", "maintenance_cause_found", "maintenance_waits_for_part",
             "maintenance_done")  # fmt: skip
    told = sorted((event.pk, kind) for kind in kinds for event in ledger(f"equipment.{kind}"))
    return [kind for _pk, kind in told]


def test_a_stop_sends_for_maintenance_and_the_answers_are_its_log(floor: Floor) -> None:
    stop = stand(floor)
    assert (request().exception, request().downtime, request().status) == (stop, Downtime.objects.get(), "requested")
    run(acknowledge, floor.mia, exception_id=stop.pk)
    later(minutes=2)
    run(progress, floor.mia, exception_id=stop.pk)
    assert (request().status, request().technician_id) == ("arrived", floor.mia.pk)
    assert "Maintenance there since 10:47" in exception_fragment.render(str(stop.pk))
    run(snooze, floor.mia, exception_id=stop.pk, minutes=30, reason="waits_for_part")
    assert request().status == "waiting_for_part"
    later(minutes=31)
    run(progress, floor.mia, exception_id=stop.pk)
    assert request().status == "arrived"
    reason = ReasonCode.objects.get(purpose=Purpose.DOWNTIME, code="tooling")
    run(classify_stop, floor.mia, downtime_id=Downtime.objects.get().pk, version=1, reason_id=reason.pk)
    run(resolve, floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
    assert (request().status, request().cause) == ("done", reason)
    assert steps() == [
        "maintenance_requested", "technician_arrived", "maintenance_waits_for_part", "technician_arrived",
        "maintenance_cause_found", "maintenance_done",
    ]  # fmt: skip


def test_who_is_no_technician_is_not_the_one_who_arrived(floor: Floor) -> None:
    stop = stand(floor)
    run(progress, floor.sven, exception_id=stop.pk)
    assert request().status == "requested"


def test_it_is_done_when_the_machine_runs_again_and_asked_for_again_when_it_was_not_mended(floor: Floor) -> None:
    stop = stand(floor)
    run(progress, floor.mia, exception_id=stop.pk)
    run(resolve, floor.mia, exception_id=stop.pk, resolution="repaired", cause="wear")
    run(reopen, floor.marta, exception_id=stop.pk)
    first, second = MaintenanceRequest.objects.order_by("pk")
    assert (first.status, second.status, second.exception) == ("done", "requested", stop)
    later(minutes=3)
    run(running_again, floor.world.olga, work_unit_id=floor.world.station.pk)
    follow_machines.run()
    second.refresh_from_db()
    assert second.status == "done"


def test_a_machine_that_asks_for_nobody_of_maintenance_does_not(floor: Floor) -> None:
    Machine.objects.update(asks_for_maintenance=False)
    stand(floor)
    assert not MaintenanceRequest.objects.exists()


def test_who_answers_a_call_sends_for_maintenance_once(floor: Floor) -> None:
    call = floor.help()
    run(acknowledge, floor.sven, exception_id=call.pk)
    subject = Subject(FloorException.objects.get(pk=call.pk))
    (way,) = cures_for([subject], actor_of(floor.sven))[subject]
    assert (way.why_not, way.offer.cost) == ("", "Mia is told")
    run(
        apply_cure,
        floor.sven,
        exception_id=call.pk,
        part_id=None,
        cure=way.cure.code,
        inputs=way.offer.inputs,
        reason="",
    )
    assert (request().exception_id, request().downtime) == (call.pk, None)
    assert Remark.objects.get().text.startswith("Please come and look after the machine")
    with timezone.override(floor.world.site.zone):
        (again,) = cures_for([subject], actor_of(floor.sven))[subject]
    assert again.why_not == "Maintenance was asked for at 10:45."
    run(resolve, floor.sven, exception_id=call.pk, resolution="helped", cause="training")
    assert request().status == "done"
