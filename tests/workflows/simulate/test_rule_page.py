"""An engineer tries a draft of a rule on last week's events, on its page: figures, differences, file."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.workflows.models import RuleVersion, SimulationRun
from apps.workflows.rules.commands import draft_rule, save_rule_draft
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import RuleDraftTried
from apps.workflows.simulate import runs
from apps.workflows.tasks import simulate
from tests.workflows.rules.bells import SYSTEM, publish, ring, spec
from tests.workflows.simulate.past import later
from tests.workflows.test_admin import signed_in
from tests.world import ledger, make_holder, run

pytestmark = pytest.mark.django_db

LOUDER = [{"field": "event.loudness", "operator": ">", "value": 3}]


@pytest.fixture(autouse=True)
def now() -> None:
    clock.move_to(clock.now(), rate=0)


@pytest.fixture
def engineer() -> Client:
    client: Client = signed_in("pia", "workflows.view", "workflows.simulate")[1]
    return client


def draft(content: RuleSpec) -> RuleVersion:
    return RuleVersion.objects.get(pk=run(draft_rule, SYSTEM, spec=content))


def page(version: RuleVersion) -> str:
    return reverse("admin:workflows_ruleversion_simulate", args=[version.pk])


def shown(client: Client, version: RuleVersion) -> str:
    answer = client.get(page(version))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def tried(client: Client, version: RuleVersion, span: str = "days:7") -> str:
    later(0.1)
    client.post(page(version), {"span": span, "command_id": str(uuid4())})
    return shown(client, version)


def rang() -> RuleVersion:
    """By a rule in force for soft bells; the draft is for louder ones."""
    publish(spec())
    for loudness, name in [(1, "=cmd()"), (2, "L3"), (8, "L3")]:
        later()
        ring(name, loudness=loudness)
    return draft(spec(conditions=LOUDER))


def test_the_page_says_what_would_be_done_and_what_no_more(engineer: Client) -> None:
    version = rang()
    assert "has not been tried" in shown(engineer, version)
    told = tried(engineer, version)
    for text in (
        "it would have acted on 3 of 5 events, version 1 on 2",
        "would act no more",
        "this version: the condition does not hold",
        "version 1: the condition does not hold",
        "Ring a bell",
        "Exact for 3 events, estimated for 2",
        "acted",
    ):
        assert text in told, text
    [event] = ledger(RuleDraftTried.kind)
    assert (event.data["version_id"], event.data["days"], event.data["events"]) == (version.pk, 7, 0)


def test_the_way_there_is_on_the_page_of_the_rule(engineer: Client) -> None:
    version = rang()
    rule = engineer.get(reverse("admin:workflows_ruleversion_change", args=[version.pk])).content.decode()
    assert f'href="{page(version)}"' in rule
    assert reverse("admin:workflows_ruleversion_change", args=[version.pk]) in shown(engineer, version)


def test_the_file_has_all_and_runs_nothing(engineer: Client) -> None:
    version = rang()
    tried(engineer, version, "moves:1000")
    answer = engineer.get(page(version), {"csv": ""})
    assert answer["Content-Type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(lines) == 6
    assert [line[6] for line in lines[1:]].count("would act no more") == 2
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)
    [run_] = SimulationRun.objects.all()
    assert (run_.moves, run_.days, run_.rule_version_id) == (1000, 0, version.pk)


def test_a_draft_that_was_changed_since_makes_the_result_old(engineer: Client) -> None:
    version = rang()
    assert "has been changed since" not in tried(engineer, version)
    run(save_rule_draft, SYSTEM, version_id=version.pk, spec=spec(conditions=LOUDER, per_minute=3))
    assert "has been changed since" in shown(engineer, version)


def test_what_takes_long_is_the_workers(engineer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr("apps.workflows.simulate.past.SEGMENT", 2)
    version = rang()
    assert "Under way: " in tried(engineer, version)
    assert engineer.get(page(version))["Refresh"] == "2"
    assert simulate.run() == 1
    assert "it would have acted on 3 of 5 events" in shown(engineer, version)


def test_who_may_not_try_it_sees_results_and_no_button() -> None:
    version = rang()
    _, visitor = signed_in("vera", "workflows.view")
    assert 'name="span"' not in shown(visitor, version)
    visitor.post(page(version), {"span": "days:7", "command_id": str(uuid4())})
    assert not SimulationRun.objects.exists()
    [attempt] = ledger("core.attempt_refused")
    assert attempt.data["code"] == "not_allowed"


def test_who_may_not_see_rules_does_not_see_what_they_would_do() -> None:
    version = rang()
    _, stranger = signed_in("sam", "plant.view_plant")
    assert stranger.get(page(version)).status_code == 403


@pytest.mark.parametrize("span", [{}, {"days": 7, "events": 7}, {"days": 400}, {"events": 2_000_000}, {"days": -1}])
def test_a_span_that_makes_no_sense_is_refused(span: dict[str, int]) -> None:
    with pytest.raises(CommandRefused) as refused:
        run(runs.simulate_rule, make_holder("workflows.simulate"), version_id=draft(spec()).pk, **span)
    assert refused.value.code == "wrong_span"


@pytest.mark.parametrize("span", ["", "days", "days:x", "years:7", "days:400"])
def test_a_span_that_nobody_offers_is_refused_in_words(engineer: Client, span: str) -> None:
    version = draft(spec())
    answer = engineer.post(page(version), {"span": span, "command_id": str(uuid4())}, follow=True)
    assert "Choose up to 366 days" in answer.content.decode() or "Reload the page" in answer.content.decode()
    assert not SimulationRun.objects.exists()


def test_a_draft_with_errors_is_refused_with_what_is_wrong_and_one_that_does_nothing_yet_is_tried() -> None:
    pia = make_holder("workflows.simulate")
    broken = draft(spec("broken", conditions=[{"field": "event.nothing", "operator": ">", "value": 3}]))
    with pytest.raises(CommandRefused) as refused:
        run(runs.simulate_rule, pia, version_id=broken.pk, days=7)
    assert "event.nothing" in refused.value.sentence
    assert run(runs.simulate_rule, pia, version_id=draft(spec("idle", actions=[])).pk, days=7)


def test_asked_twice_is_done_once_and_only_the_latest_are_kept() -> None:
    pia, version = make_holder("workflows.simulate"), draft(spec())
    first = run(runs.simulate_rule, pia, version_id=version.pk, days=7)
    assert run(runs.simulate_rule, pia, version_id=version.pk, days=7) == first
    for days in range(1, runs.KEPT + 4):
        run(runs.simulate_rule, pia, version_id=version.pk, days=days)
    assert SimulationRun.objects.count() == runs.KEPT


def test_a_run_is_of_a_rule_or_of_a_workflow() -> None:
    with pytest.raises(IntegrityError, match="workflows_simulation_of_one"), transaction.atomic():
        SimulationRun.objects.create(checksum="x", days=7, asked_at=clock.now() - timedelta(days=1))
