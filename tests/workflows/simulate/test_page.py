"""An engineer tries a draft on last week's work, on its page: figures, table, file, and what has become old."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

import pytest
from django.urls import reverse

from apps.core import clock
from apps.core.csv_export import csv_file, harmless
from apps.core.errors import CommandRefused
from apps.workflows.commands import create_draft, save_draft
from apps.workflows.models import SimulationRun, Version
from apps.workflows.simulate import runs
from apps.workflows.tasks import simulate
from tests.workflows.checking.test_graph_and_edges import row
from tests.workflows.simulate.past import later
from tests.workflows.test_admin import signed_in
from tests.workflows.workshop import Shop, make_shop, move, thing_workflow
from tests.world import ledger, make_holder, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    clock.move_to(clock.now(), rate=0)
    return make_shop()


@pytest.fixture
def draft(shop) -> Version:
    """Only things of more than five start."""
    pia = make_holder("workflows.edit")
    version_id = run(create_draft, pia, version_id=shop.version.pk)
    run(save_draft, pia, version_id=version_id, definition=thing_workflow(start=row("quantity", ">", 5, "Too few.")))
    return Version.objects.get(pk=version_id)


def worked(shop: Shop, times: int = 2) -> None:
    for _ in range(times):
        later()
        move(shop.olga, shop.thing(name="=cmd()"), "start")


def page(version: Version) -> str:
    return reverse("admin:workflows_version_simulate", args=[version.pk])


def tried(client, version: Version, span: str = "days:7") -> str:
    later(0.1)
    client.post(page(version), {"span": span, "command_id": str(uuid4())})
    return client.get(page(version)).content.decode()


@pytest.fixture
def engineer():
    return signed_in("pia", "workflows.view", "workflows.simulate")[1]


def test_the_page_says_what_would_have_been_stopped(shop, draft, engineer):
    worked(shop)
    assert "has not been tried" in engineer.get(page(draft)).content.decode()
    shown = tried(engineer, draft)
    for text in ("Replay: 2 of 2 would have been stopped at “Start”", "Too few.", "estimated", "version 1"):
        assert text in shown, text
    assert "was not read then: taken 2 times from the row of that time" in shown
    assert SimulationRun.objects.get().status == "done"


def test_what_stops_nothing_says_so(shop, draft, engineer):
    move(shop.olga, shop.thing(quantity=9), "start")
    assert "none of 1 would have been stopped" in tried(engineer, draft)


def test_the_file_has_all_and_runs_nothing(shop, draft, engineer):
    worked(shop)
    tried(engineer, draft)
    answer = engineer.get(page(draft), {"csv": ""})
    assert answer["Content-Type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(lines) == 3
    assert lines[1][3:7] == ["Ready", "Start", "the guard says no", "Too few."]
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)


@pytest.mark.parametrize("typed", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_stays_a_text(typed):
    assert harmless(typed) == f"'{typed}"
    assert harmless(-1) == "-1"
    assert b"'" in csv_file("x", ["a"], [[typed]]).content


def test_a_draft_that_was_changed_since_makes_the_result_old(shop, draft, engineer):
    worked(shop)
    assert "has been changed since" not in tried(engineer, draft)
    run(save_draft, make_holder("workflows.edit"), version_id=draft.pk, definition=thing_workflow())
    shown = engineer.get(page(draft)).content.decode()
    assert "The draft has been changed since" in shown


def test_what_takes_long_is_the_workers(shop, draft, engineer, monkeypatch):
    monkeypatch.setattr(runs, "PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr("apps.workflows.simulate.past.SEGMENT", 3)
    worked(shop, 3)
    assert "Under way" in tried(engineer, draft)
    waiting = engineer.get(page(draft))
    assert waiting["Refresh"] == "2"
    assert SimulationRun.objects.get().status == "waiting"
    assert simulate.run() == 1
    assert simulate.run() == 0
    assert "would have been stopped" in engineer.get(page(draft)).content.decode()


def test_a_run_whose_process_died_is_taken_up_again(shop, draft, engineer):
    worked(shop)
    tried(engineer, draft)
    SimulationRun.objects.update(status="running", result=None, beat_at=clock.now())
    assert simulate.run() == 0
    later(3)
    assert simulate.run() == 1
    assert SimulationRun.objects.get().status == "done"


def test_who_may_not_try_it_sees_results_and_no_button(shop, draft):
    _, visitor = signed_in("vera", "workflows.view")
    assert 'name="span"' not in visitor.get(page(draft)).content.decode()
    visitor.post(page(draft), {"span": "days:7", "command_id": str(uuid4())})
    assert not SimulationRun.objects.exists()
    [attempt] = ledger("core.attempt_refused")
    assert attempt.data["code"] == "not_allowed"


@pytest.mark.parametrize("span", [{}, {"days": 7, "moves": 7}, {"days": 400}, {"moves": 2_000_000}, {"days": -1}])
def test_a_span_that_makes_no_sense_is_refused(shop, span):
    with pytest.raises(CommandRefused) as refused:
        run(runs.simulate, make_holder("workflows.simulate"), version_id=shop.version.pk, **span)
    assert refused.value.code == "wrong_span"


def test_asked_twice_is_done_once(shop, draft):
    pia = make_holder("workflows.simulate")
    first = run(runs.simulate, pia, version_id=draft.pk, days=7)
    assert run(runs.simulate, pia, version_id=draft.pk, days=7) == first
    assert run(runs.simulate, pia, version_id=draft.pk, days=8) != first


def test_only_the_latest_results_are_kept(shop, draft):
    pia = make_holder("workflows.simulate")
    for days in range(1, runs.KEPT + 4):
        run(runs.simulate, pia, version_id=draft.pk, days=days)
    assert SimulationRun.objects.count() == runs.KEPT


def test_a_simulation_that_fails_says_why(shop, draft, engineer, caplog):
    """A definition that can't be laid over the past: no state of its edges is there."""
    worked(shop)
    pia = make_holder("workflows.simulate")
    run_id = run(runs.simulate, pia, version_id=draft.pk, days=7)
    Version.objects.get(pk=draft.pk).workflow.__class__.objects.filter(pk=draft.workflow_id).update(kind="gone")
    assert runs.carry_out(run_id)
    assert "The simulation has failed." in engineer.get(page(draft)).content.decode()
