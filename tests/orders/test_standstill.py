"""An operation stops with its machine and runs on with it, people stay at it, and who has paused it starts it."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings

from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.equipment.commands import running_again, stop_machine
from apps.equipment.models import Downtime, StateInterval
from apps.labor.commands import clock_on
from apps.labor.models import TimeEntry
from apps.orders.commands import take_edge
from apps.orders.models import JobInterval
from apps.plant.models import Purpose
from apps.workflows.definition import parse
from apps.workflows.models import EdgeStop
from apps.workflows.seeds import install
from tests.equipment.machines import at, later, make_machine, seconds, tell
from tests.orders.shop import Shop, make_job, make_shop, reason
from tests.world import ledger, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    """Olga runs the operation since second 0, at a machine that reports its changes."""
    clock.move_to(at(0), rate=0)
    made = make_shop(quantity=1000)
    make_machine(made.world.station, micro_stop_seconds=120, silence_seconds=None)
    run(take_edge, made.world.olga, job_order_id=made.job.pk, edge="start", inputs={})
    tell(made.world.station, (0, "producing"))
    return made


def ran(shop: Shop) -> list[tuple[float, float | None]]:
    rows = JobInterval.objects.filter(job_order=shop.job).order_by("started_at", "pk")
    return [(seconds(row.started_at), seconds(row.ended_at) if row.ended_at else None) for row in rows]


def worked(shop: Shop) -> list[tuple[str, float, float | None]]:
    rows = TimeEntry.objects.filter(job_order=shop.job, person=shop.world.olga).order_by("started_at", "pk")
    return [(row.phase, seconds(row.started_at), seconds(row.ended_at) if row.ended_at else None) for row in rows]


def test_it_stops_from_the_start_of_the_stop_and_runs_on_by_itself(shop: Shop) -> None:
    tell(shop.world.station, (600, "stopped"))
    later(719)
    assert shop.reload().state == "running"
    later(725)
    job = shop.reload()
    assert (job.state, job.status, job.state_label) == ("stopped", "suspended", "Stopped")
    assert ran(shop) == [(0, 600)]
    assert worked(shop) == [("run", 0, 600), ("stop", 600, None)]
    tell(shop.world.station, (900, "producing"))
    later(901)
    assert shop.reload().state == "running"
    assert ran(shop) == [(0, 600), (900, None)]
    assert worked(shop) == [("run", 0, 600), ("stop", 600, 900), ("run", 900, None)]
    moves = [event for event in ledger("workflows.state_changed") if event.data["edge"].startswith("machine_")]
    assert [(event.data["edge"], event.agent) for event in moves] == [
        ("machine_stop", "equipment"), ("machine_run", "equipment"),
    ]  # fmt: skip


def test_a_micro_stop_suspends_nothing(shop: Shop) -> None:
    tell(shop.world.station, (600, "stopped"), (700, "producing"))
    later(2000)
    assert ran(shop) == [(0, None)]
    assert worked(shop) == [("run", 0, None)]


def test_what_a_person_has_paused_does_not_run_on_by_itself(shop: Shop) -> None:
    tell(shop.world.station, (600, "stopped"))
    later(720)
    run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="pause", inputs={"reason": reason(Purpose.PAUSE)})
    tell(shop.world.station, (900, "producing"))
    later(901)
    assert shop.reload().state == "paused"
    assert worked(shop)[-1][2] == 720


def test_a_stop_that_was_over_when_it_became_known_is_recorded_and_stops_nobody(shop: Shop) -> None:
    tell(shop.world.station, (600, "stopped"), (900, "producing"), now=1000)
    later(1000)
    assert Downtime.objects.get().ended_at == at(900)
    assert ran(shop) == [(0, None)]


def test_the_operator_says_it_runs_again_and_does_not_resume_past_a_machine_that_stands(shop: Shop) -> None:
    clock.move_to(at(600), rate=0)
    run(stop_machine, Actor(terminal_id=1), work_unit_id=shop.world.station.pk)
    assert shop.reload().state == "stopped"
    with pytest.raises(CommandRefused) as refused:
        run(take_edge, shop.world.olga, job_order_id=shop.job.pk, edge="resume", inputs={})
    assert refused.value.code == "machine_stopped"
    assert "8:10" in refused.value.sentence
    clock.move_to(at(660), rate=0)
    run(running_again, shop.world.olga, work_unit_id=shop.world.station.pk)
    assert shop.reload().state == "running"
    assert ran(shop) == [(0, 600), (660, None)]


def test_who_joins_while_the_machine_stands_is_on_stop_time(shop: Shop) -> None:
    tell(shop.world.station, (600, "stopped"))
    later(720)
    run(clock_on, shop.world.lena, job_order_id=shop.job.pk)
    tell(shop.world.station, (900, "producing"))
    later(900)
    entries = TimeEntry.objects.filter(person=shop.world.lena).order_by("started_at")
    assert [(entry.phase, seconds(entry.started_at)) for entry in entries] == [("stop", 720), ("run", 900)]


def test_an_operation_of_an_older_workflow_runs_on_and_the_stop_is_recorded(shop: Shop) -> None:
    """An existing plant has a published version without these edges."""
    content = json.loads((settings.BASE_DIR / "fixtures/workflows/job_order.json").read_text())
    content["states"] = [state for state in content["states"] if state["code"] != "stopped"]
    content["edges"] = [edge for edge in content["edges"] if not edge["code"].startswith("machine_")]
    for edge in content["edges"]:
        edge["sources"] = [source for source in edge["sources"] if source != "stopped"]
    install(Actor.system("tests"), uuid4(), definition=parse(json.dumps(content).encode()))
    old = make_job(shop.world.line, shop.world.station, number="WO-2")
    run(take_edge, shop.world.olga, job_order_id=old.pk, edge="start", inputs={})
    tell(shop.world.station, (600, "stopped"))
    later(720)
    old.refresh_from_db()
    assert old.state == "running"
    assert Downtime.objects.open().count() == 1


def test_an_operation_that_may_not_follow_undoes_no_fact(shop: Shop) -> None:
    version = shop.reload().workflow_version
    EdgeStop.objects.create(workflow=version.workflow, edge="machine_stop", reason="x", stopped_at=at(1))
    tell(shop.world.station, (600, "stopped"))
    later(720)
    assert shop.reload().state == "running"
    assert Downtime.objects.open().count() == 1
    (event,) = ledger("orders.stop_not_followed")
    assert (event.subject_id, event.data["edge"]) == (str(shop.job.pk), "machine_stop")


def test_47_micro_stops_and_3_longer_ones_ask_three_times_and_all_run_on_by_themselves(shop: Shop) -> None:
    """A shift of eight hours, told second by second as the machine does it."""
    station, clock_at = shop.world.station, 0.0
    lengths = [15 + n for n in range(47)]
    for n, length in ((10, 300), (25, 121), (40, 900)):
        lengths.insert(n, length)
    assert len(lengths) == 50
    resumed = 0
    for length in lengths:
        clock_at += 450
        tell(station, (clock_at, "stopped"))
        later(clock_at + length - 0.001)
        assert shop.reload().state == ("stopped" if length >= 120 else "running")
        tell(station, (clock_at + length, "producing"))
        later(clock_at + length)
        assert shop.reload().state == "running"
        resumed += 1
        clock_at += length
    assert resumed == 50
    assert len(ledger("equipment.stop_opened")) == len(ledger("equipment.stop_closed")) == 3
    assert Downtime.objects.filter(parts__reason=None).count() == 3, "the questions that are asked"
    assert StateInterval.objects.filter(state="stopped").count() == 50
    stood = timedelta(seconds=300 + 121 + 900)
    end = at(clock_at)
    assert sum(((i.ended_at or end) - i.started_at for i in JobInterval.objects.all()), timedelta()) == (
        end - at(0) - stood
    )
    by_phase = {"run": timedelta(), "stop": timedelta()}
    for entry in TimeEntry.objects.all():
        by_phase[entry.phase] += (entry.ended_at or end) - entry.started_at
    assert by_phase == {"run": end - at(0) - stood, "stop": stood}
