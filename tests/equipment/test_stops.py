"""Stops that last are asked about once, explained once, split and corrected; short ones ask nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import CommandRefused
from apps.equipment import following
from apps.equipment.commands import (
    classify_stop,
    correct_reason,
    finish_maintenance,
    name_cause,
    request_maintenance,
    running_again,
    split_stop,
    stop_machine,
    technician_arrived,
    wait_for_part,
)
from apps.equipment.models import Downtime, MaintenanceRequest
from apps.equipment.queries import last_reasons, open_downtime, unexplained
from apps.plant.models import ReasonCode
from tests.equipment.machines import at, intervals, later, make_machine, seconds, tell
from tests.seeded import seed_plant
from tests.world import (
    World,
    actor_of,
    give_role,
    ledger,
    make_person,
    make_station,
    make_terminal,
    make_world,
    run,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    seed_plant()
    found = make_world()
    make_machine(found.station, micro_stop_seconds=120, silence_seconds=None)
    return found


def reason(code: str) -> ReasonCode:
    return ReasonCode.objects.get(purpose="downtime", code=code)


def stopped(world: World, start: float = 100, now: float = 300) -> Downtime:
    """The machine stands since `start`, and it is now `now`."""
    tell(world.station, (start - 50, "producing"), (start, "stopped"))
    later(now)
    return Downtime.objects.open().get(work_unit=world.station)


def shown(downtime: Downtime) -> list[tuple[float, float | None, str]]:
    rows = downtime.parts.order_by("started_at").select_related("reason")
    return [
        (
            seconds(row.started_at),
            seconds(row.ended_at) if row.ended_at else None,
            row.reason.code if row.reason else "",
        )
        for row in rows
    ]


class TestAStop:
    def test_shorter_than_the_threshold_asks_nobody(self, world: World) -> None:
        tell(world.station, (0, "producing"), (100, "stopped"), (219.999, "producing"))
        later(1000)
        assert Downtime.objects.count() == 0
        assert ledger("equipment.stop_opened") == []

    def test_becomes_a_downtime_from_its_start_just_when_it_has_lasted(self, world: World) -> None:
        tell(world.station, (0, "producing"), (100, "stopped"))
        later(219.999)
        assert Downtime.objects.count() == 0
        later(220)
        (opened,) = ledger("equipment.stop_opened")
        assert opened.data["started_at"] == at(100).isoformat().replace("+00:00", "Z")
        downtime = Downtime.objects.open().get()
        assert shown(downtime) == [(100, None, "")]
        assert later(221) == 0

    def test_ends_with_the_next_good_signal(self, world: World) -> None:
        stopped(world)
        tell(world.station, (400, "fault"), (500, "producing"))
        later(501)
        (closed,) = ledger("equipment.stop_closed")
        assert shown(Downtime.objects.get()) == [(100, 500, "")]
        assert closed.subject_id == str(Downtime.objects.get().pk)
        assert open_downtime(world.station.pk) is None

    def test_is_not_ended_by_silence(self, world: World) -> None:
        world.station.machine.silence_seconds = 60
        world.station.machine.save()
        stopped(world)
        later(5000)
        assert intervals(world.station)[-1] == ("no_data", 160, None)
        assert shown(Downtime.objects.open().get()) == [(100, None, "")]

    def test_of_which_late_signals_know_better_is_withdrawn_and_keeps_its_history(self, world: World) -> None:
        downtime = stopped(world)
        run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason("mechanical").pk)
        tell(world.station, (400, "producing"), (150, "producing"), (300, "stopped"), now=400)
        later(500)
        downtime.refresh_from_db()
        assert downtime.withdrawn_at is not None
        assert Downtime.objects.standing().count() == 0
        assert len(ledger("equipment.stop_withdrawn")) == 1
        assert shown(downtime) == [(100, None, "mechanical")]

    def test_cut_in_two_by_a_late_signal_keeps_its_reason_on_both_sides(self, world: World) -> None:
        downtime = stopped(world, now=1000)
        run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason("mechanical").pk)
        tell(world.station, (500, "producing"), (600, "stopped"), (900, "producing"), now=1000)
        later(1001)
        first, second = Downtime.objects.standing().order_by("started_at")
        assert first.pk == downtime.pk
        assert shown(first) == [(100, 500, "mechanical")]
        assert shown(second) == [(600, 900, "mechanical")]

    def test_two_at_once_are_refused_by_the_database(self, world: World) -> None:
        stopped(world)
        with pytest.raises(IntegrityError), transaction.atomic():
            Downtime.objects.create(site=world.site, work_unit=world.station, started_at=at(200), ended_at=at(210))
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_what_goes_wrong_with_one_machine_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_station(world.line, code="A34")
    make_machine(other, micro_stop_seconds=120, silence_seconds=None)
    for unit in (world.station, other):
        tell(unit, (0, "producing"), (100, "stopped"))
    real = following._settle_stops

    def settle(context: Any, row: Any, *rest: Any) -> None:
        if row.pk == world.station.pk:
            raise ZeroDivisionError
        real(context, row, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(following, "_settle_stops", settle)
        later(220)
        assert [each.work_unit for each in Downtime.objects.all()] == [other]
    later(221)
    assert Downtime.objects.count() == 2


class TestByHand:
    def test_stopped_on_a_locked_terminal_is_a_downtime_at_once(self, world: World) -> None:
        tell(world.station, (0, "producing"))
        clock.move_to(at(60), rate=0)
        terminal = Actor(terminal_id=make_terminal(world.site, station=world.station).pk)
        said = run(stop_machine, terminal, work_unit_id=world.station.pk)
        assert said.downtime_id == Downtime.objects.open().get().pk
        (event,) = ledger("equipment.stop_opened")
        assert (event.actor_id, event.terminal_id, event.data["by_hand"]) == (None, terminal.terminal_id, True)

    def test_said_while_the_machine_stands_it_counts_from_when_it_stood(self, world: World) -> None:
        tell(world.station, (0, "producing"), (50, "stopped"))
        clock.move_to(at(60), rate=0)
        run(stop_machine, world.otto, work_unit_id=world.station.pk)
        run(stop_machine, world.olga, work_unit_id=world.station.pk)
        assert shown(Downtime.objects.get()) == [(50, None, "")]

    def test_works_at_a_machine_that_never_sent_anything(self, world: World) -> None:
        unit = make_station(world.line, code="A34")
        clock.move_to(at(0), rate=0)
        run(stop_machine, world.olga, work_unit_id=unit.pk)
        clock.move_to(at(30), rate=0)
        assert run(running_again, world.olga, work_unit_id=unit.pk).downtime_id is None
        assert shown(Downtime.objects.get()) == [(0, 30, "")]
        assert intervals(unit) == [("stopped", 0, 30), ("producing", 30, None)]

    def test_running_again_needs_the_right_and_a_stop(self, world: World) -> None:
        tell(world.station, (0, "producing"))
        for who, code in ((world.otto, "not_allowed"), (world.olga, "runs_already")):
            with pytest.raises(CommandRefused) as refused:
                run(running_again, who, work_unit_id=world.station.pk)
            assert refused.value.code == code


class TestTheReason:
    def test_of_two_who_explain_it_the_second_reads_what_the_first_has_said(self, world: World) -> None:
        downtime = stopped(world)
        run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason("mechanical").pk)
        with pytest.raises(CommandRefused) as refused:
            run(classify_stop, world.lena, downtime_id=downtime.pk, version=1, reason_id=reason("media").pk)
        assert refused.value.code == "explained_already"
        assert "Mechanical" in refused.value.sentence
        assert "8:05" in refused.value.sentence, "the site's own time"
        assert shown(downtime) == [(100, None, "mechanical")]

    def test_may_be_given_after_the_stop(self, world: World) -> None:
        downtime = stopped(world)
        tell(world.station, (400, "producing"))
        later(401)
        run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason("media").pk)
        assert shown(downtime) == [(100, 400, "media")]

    def test_is_one_for_a_stop_and_a_finest_one(self, world: World) -> None:
        downtime = stopped(world)
        for bad in (reason("technical"), ReasonCode.objects.filter(purpose="scrap").first()):
            with pytest.raises(CommandRefused) as refused:
                run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=bad.pk)
            assert refused.value.code == "no_reason"

    def test_is_corrected_with_history_by_who_may(self, world: World) -> None:
        downtime = stopped(world)
        run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason("mechanical").pk)
        part = downtime.parts.get()
        change = {"downtime_id": downtime.pk, "version": 2, "part_id": part.pk, "reason_id": reason("media").pk}
        with pytest.raises(CommandRefused, match="may not"):
            run(correct_reason, world.olga, **change)
        run(correct_reason, world.lena, **change)
        assert shown(downtime) == [(100, None, "media")]
        assert [row.reason.code if row.reason else "" for row in part.history.order_by("history_id")] == [
            "", "mechanical", "media",
        ]  # fmt: skip
        assert [e.data["old_reason_id"] for e in ledger("equipment.stop_classified")] == [
            None, reason("mechanical").pk,
        ]  # fmt: skip

    def test_differs_from_part_to_part_and_the_parts_make_up_the_whole(self, world: World) -> None:
        downtime = stopped(world)
        part = downtime.parts.get()
        split = run(
            split_stop, world.olga, downtime_id=downtime.pk, version=1, part_id=part.pk, at=at(180),
            reason_id=reason("media").pk,
        )  # fmt: skip
        run(classify_stop, world.olga, downtime_id=downtime.pk, version=split.version, reason_id=reason("control").pk)
        tell(world.station, (400, "producing"))
        later(401)
        assert shown(downtime) == [(100, 180, "control"), (180, 400, "media")]
        with pytest.raises(CommandRefused) as refused:
            run(split_stop, world.lena, downtime_id=downtime.pk, version=3, part_id=part.pk, at=at(180))
        assert refused.value.code == "not_within"

    def test_of_the_last_stops_is_offered_first_each_once(self, world: World) -> None:
        for n, code in enumerate(["media", "mechanical", "control", "media", "tooling"]):
            downtime = stopped(world, start=100 + n * 1000, now=400 + n * 1000)
            run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason(code).pk)
            tell(world.station, (500 + n * 1000, "producing"))
            later(501 + n * 1000)
        assert [each.code for each in last_reasons(world.station.pk)] == ["tooling", "media", "control"]

    def test_missing_stands_in_a_list_until_it_is_given(
        self, world: World, django_assert_num_queries: Callable[..., Any]
    ) -> None:
        downtime = stopped(world)
        with django_assert_num_queries(2):  # the rights, the parts
            (part,) = unexplained(actor_of(world.lena))
        assert part.downtime_id == downtime.pk
        assert list(unexplained(actor_of(world.otto))) == []
        run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason("media").pk)
        assert list(unexplained(actor_of(world.lena))) == []


class TestMaintenance:
    def test_is_called_by_anybody_once_and_says_how_it_goes(self, world: World) -> None:
        downtime = stopped(world)
        tom = make_person(site=world.site)
        give_role(tom, "maintenance_technician", world.site)
        terminal = Actor(terminal_id=make_terminal(world.site, station=world.station).pk)
        request = run(request_maintenance, terminal, work_unit_id=world.station.pk)
        again = run(request_maintenance, world.olga, work_unit_id=world.station.pk, note="smells")
        assert again.request_id == request.request_id
        with pytest.raises(CommandRefused, match="may not"):
            run(technician_arrived, world.olga, request_id=request.request_id)
        run(technician_arrived, tom, request_id=request.request_id)
        with pytest.raises(CommandRefused, match="Somebody is there since"):
            run(technician_arrived, tom, request_id=request.request_id)
        run(name_cause, tom, request_id=request.request_id, reason_id=reason("tooling").pk)
        assert run(wait_for_part, tom, request_id=request.request_id).status == "waiting_for_part"
        assert run(finish_maintenance, tom, request_id=request.request_id).status == "done"
        with pytest.raises(CommandRefused, match="finished"):
            run(wait_for_part, tom, request_id=request.request_id)
        row = MaintenanceRequest.objects.get()
        assert (row.downtime, row.cause, row.technician_id, row.note) == (
            downtime, reason("tooling"), tom.pk, "smells",
        )  # fmt: skip
        thread = f"downtime:{downtime.pk}"
        kinds = ["requested", "waits_for_part", "done"]
        assert all(ledger(f"equipment.maintenance_{kind}")[0].thread == thread for kind in kinds)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_explain_it_at_the_same_moment_one_is_told_of_the_other() -> None:
    seed_plant()
    world = make_world()
    make_machine(world.station, micro_stop_seconds=120, silence_seconds=None)
    downtime = stopped(world)
    codes = ["mechanical", "media"]
    answers: list[str] = []
    ready = threading.Barrier(2)

    def explain(code: str) -> None:
        ready.wait(10)
        try:
            run(classify_stop, world.olga, downtime_id=downtime.pk, version=1, reason_id=reason(code).pk)
            answers.append("done")
        except CommandRefused as refusal:
            answers.append(refusal.code)
        finally:
            connection.close()

    people = [threading.Thread(target=explain, args=(code,)) for code in codes]
    for person in people:
        person.start()
    for person in people:
        person.join(20)
    assert sorted(answers) == ["done", "explained_already"]
    assert downtime.parts.get().history.exclude(reason=None).count() == 1
