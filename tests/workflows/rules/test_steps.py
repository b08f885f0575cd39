"""Each save of a rule's draft is undone and done again, by whoever edits it, until it is published."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core.errors import CommandRefused
from apps.plant.models import Person
from apps.workflows.models import RuleVersion
from apps.workflows.rules.commands import (
    copy_rule,
    draft_rule,
    redo_rule_step,
    save_rule_draft,
    submit_rule_for_review,
    undo_rule_step,
)
from apps.workflows.rules.comparing import compare_rules, step_between
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.story import story_of_rule
from apps.workflows.studio.steps import steps_of
from tests.workflows.rules.bells import LOUD, engineer, publish, ring, spec
from tests.world import make_person, run

pytestmark = pytest.mark.django_db

FEW, FEWER = spec(per_minute=3), spec(per_minute=3, conditions=[])


@pytest.fixture
def pia() -> Person:
    return engineer("pia")


@pytest.fixture
def draft(pia) -> RuleVersion:
    return RuleVersion.objects.get(pk=run(draft_rule, pia, spec=spec()))


def save(who: Person, draft: RuleVersion, content: RuleSpec, label: str) -> str:
    checksum: str = run(save_rule_draft, who, version_id=draft.pk, spec=content, label=label)
    return checksum


def now(draft: RuleVersion) -> RuleSpec:
    return RuleSpec.model_validate(RuleVersion.objects.get(pk=draft.pk).content)


def offered(draft: RuleVersion) -> tuple[str | None, ...]:
    steps = steps_of(draft)
    return tuple(step and step.label for step in (steps.last, steps.undone))


def test_each_step_goes_back_and_comes_again(pia, draft):
    save(pia, draft, FEW, "fewer acts")
    save(pia, draft, FEWER, "asks nothing")
    assert offered(draft) == ("asks nothing", None)
    run(undo_rule_step, pia, version_id=draft.pk)
    assert (now(draft), offered(draft)) == (FEW, ("fewer acts", "asks nothing"))
    run(undo_rule_step, pia, version_id=draft.pk)
    assert (now(draft), offered(draft)) == (spec(), (None, "fewer acts"))
    run(redo_rule_step, pia, version_id=draft.pk)
    assert run(redo_rule_step, pia, version_id=draft.pk) == FEWER.checksum
    assert (now(draft), offered(draft)) == (FEWER, ("asks nothing", None))


def test_at_the_ends_it_is_said_that_there_is_no_more(pia, draft):
    with pytest.raises(CommandRefused, match="nothing to undo"):
        run(undo_rule_step, pia, version_id=draft.pk)
    save(pia, draft, FEW, "fewer acts")
    with pytest.raises(CommandRefused, match="nothing to redo"):
        run(redo_rule_step, pia, version_id=draft.pk)


def test_what_somebody_else_has_done_is_undone_by_whoever_edits_and_who_has_edited_stays_an_editor(pia, draft):
    paul = engineer("paul")
    save(paul, draft, FEW, "fewer acts")
    run(undo_rule_step, pia, version_id=draft.pk)
    assert now(draft) == spec()
    draft.refresh_from_db()
    assert set(draft.editor_ids) == {pia.pk, paul.pk}


def test_undo_asks_for_the_right_to_edit_and_for_what_was_seen(pia, draft):
    save(pia, draft, FEW, "fewer acts")
    with pytest.raises(CommandRefused) as caught:
        run(undo_rule_step, make_person("nobody"), version_id=draft.pk)
    assert caught.value.code == "not_allowed"
    with pytest.raises(CommandRefused) as caught:
        run(undo_rule_step, pia, version_id=draft.pk, based_on=spec().checksum)
    assert caught.value.code == "changed_meanwhile"


def test_the_steps_of_what_is_in_review_are_fixed_in_the_database_too(pia, draft):
    save(pia, draft, FEW, "fewer acts")
    run(submit_rule_for_review, pia, version_id=draft.pk)
    with pytest.raises(CommandRefused) as caught:
        run(undo_rule_step, pia, version_id=draft.pk)
    assert caught.value.code == "wrong_status"
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_rulestep SET label = 'x' WHERE version_id = %s", [draft.pk])


# ---- what differs, in words


def test_a_version_is_told_apart_field_by_field_in_words():
    old = spec(window={"count": 3}, same=["line"])
    new = spec(
        window={"count": 2, "minutes": 30, "of": "things"},
        scope=[{"line": "L3"}],
        cool_down_minutes=10,
        actions=[LOUD, {"code": "ring", "parameters": {"text": "again"}}],
        name="Louder bells",
    )
    told = {change.what: [f"{line.sign}{line.text}" for line in change.lines] for change in compare_rules(old, new)}
    assert told == {
        "name": ["-Loud bells", "+Louder bells"],
        "where": ["+line L3"],
        "what is the same": ["-line"],
        "how often": ["-3 times within the shift", "+2 times within 30 minutes", "+each thing once"],
        "rest in minutes": ["+10"],
        "then": [" Ring a bell (text: alarm, loudness: 9)", "+Ring a bell (text: again)"],
    }
    assert compare_rules(old, old) == []
    assert step_between(old, spec(window={"count": 3}, same=["line"], event="workflows.edge_stopped")) == (
        "when this happens"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Other"},
        {"event": "workflows.edge_stopped"},
        {"conditions": []},
        {"expression": "event.loudness > 1.0"},
        {"after_seconds": 5},
        {"scope": [{"site": "S1"}]},
        {"same": ["line"]},
        {"window": {"count": 2}},
        {"cool_down_minutes": 1},
        {"per_minute": 1},
        {"actions": []},
    ],
)
def test_no_field_changes_in_silence(change):
    [found] = compare_rules(spec(), spec(**change))
    assert found.name in change
    assert any(line.sign != " " for line in found.lines)


def test_every_field_of_a_rule_is_tried_above():
    tried = {"name", "event", "conditions", "expression", "after_seconds", "scope", "same", "window"}
    tried |= {"cool_down_minutes", "per_minute", "actions"}
    assert set(RuleSpec.model_fields) - tried == {"format", "code"}, "neither of which a version can change"


# ---- what has happened to it


def test_its_story_tells_who_did_what_and_nothing_of_what_the_rule_did(pia):
    first = publish(spec())
    ring()
    draft = RuleVersion.objects.get(pk=run(copy_rule, pia, version_id=first.pk))
    save(pia, draft, FEW, "fewer acts")
    save(pia, draft, FEWER, "asks nothing")
    run(undo_rule_step, pia, version_id=draft.pk)
    told = [(entry.what, entry.details, entry.who) for entry in story_of_rule(draft)]
    assert told == [
        ("saved", ("undone: asks nothing", "asks nothing", "fewer acts"), pia.pk),
        ("created as a copy of version 1", (), pia.pk),
    ]
    assert [entry.what for entry in story_of_rule(first)] == ["published", "submitted for review", "created"]
