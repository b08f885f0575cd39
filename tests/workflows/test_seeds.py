"""The shipped workflows arrive published, once, and leave alone what the plant has made of them."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from apps.core.actors import Actor
from apps.plant import seeds as plant_seeds
from apps.workflows import seeds
from apps.workflows.check import check, errors_in
from apps.workflows.definition import parse
from apps.workflows.kinds import KINDS
from apps.workflows.models import Rule, RuleVersion, Version, Workflow
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.publishing import retire_rule
from tests.workflows.rules.bells import spec
from tests.workflows.workshop import thing_workflow
from tests.world import make_reason, make_role, run

pytestmark = pytest.mark.django_db


def test_shipped_workflows_are_published_once():
    plant_seeds.seed()
    assert "workflow job_order is published" in seeds.seed()
    version = Version.objects.get(workflow__code="job_order")
    assert (version.number, version.status, version.author_id, version.approver_id) == (1, "published", None, None)
    assert seeds.seed() == []
    assert Version.objects.filter(workflow__code="job_order").count() == 1


def test_every_shipped_workflow_is_clean_on_a_seeded_plant():
    plant_seeds.seed()
    for file in sorted(seeds.FOLDER.glob("*.json")):
        definition = parse(file.read_bytes())
        assert errors_in(check(definition, KINDS[definition.kind])) == []


def test_the_command_seeds_them(capsys):
    call_command("seed")
    assert "workflow job_order is published" in capsys.readouterr().out


def test_shipped_rules_are_published_once_and_a_plants_own_are_left_alone():
    plant_seeds.seed()
    lines = seeds.seed()
    shipped = ("approval_waits", "machine_stands", "recurring_cause")
    assert {f"rule {code} is published" for code in shipped} <= set(lines)
    version = RuleVersion.objects.get(rule__code="recurring_cause")
    assert (version.number, version.status, version.author_id, version.approver_id) == (1, "published", None, None)
    run(retire_rule, Actor.system("tests"), version_id=version.pk)
    assert seeds.seed() == []


def test_every_shipped_rule_is_clean():
    for file in sorted(seeds.RULES.glob("*.json")):
        assert check_rule(RuleSpec.model_validate_json(file.read_bytes())) == []


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(seeds, "FOLDER", tmp_path)
    monkeypatch.setattr(seeds, "RULES", tmp_path / "rules")
    (tmp_path / "rules").mkdir()
    return tmp_path


def test_what_does_not_fit_the_plant_is_said_and_leaves_nothing(folder):
    (folder / "thing.json").write_text(thing_workflow().to_json())
    [line] = seeds.seed()
    assert line.startswith("workflow thing is not published: The check has found")
    assert not Workflow.objects.filter(code="thing").exists()


def test_a_kind_that_nobody_declares_is_passed_over(folder):
    other = thing_workflow(lambda content: content.update(kind="unheard_of"))
    (folder / "other.json").write_text(other.to_json())
    assert seeds.seed() == []


def test_a_plants_own_workflow_of_that_name_is_left_alone(folder):
    Workflow.objects.create(kind="thing", code="thing", name="Ours")
    (folder / "thing.json").write_text(thing_workflow().to_json())
    assert seeds.seed() == []


def test_clean_once_the_plant_has_the_words(folder):
    make_role("operator")
    make_role("line_lead")
    make_reason("pause", "lunch")
    (folder / "thing.json").write_text(thing_workflow().to_json())
    assert seeds.seed() == ["workflow thing is published"]


def test_a_rule_that_does_not_fit_is_said_and_leaves_nothing(folder):
    (folder / "rules" / "bells.json").write_text(spec(event="nothing.of_this_name").to_json())
    [line] = seeds.seed()
    assert line.startswith("rule loud_bells is not published: The check has found")
    assert not Rule.objects.exists()
