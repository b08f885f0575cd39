"""How a version of a rule comes to the floor: later, on one line first, on all; and the way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.plant.models import Person, WorkCenter
from apps.workflows.models import RuleFailure, RuleRollout, RuleStop, RuleTimer, RuleVersion
from apps.workflows.rules.commands import copy_rule, draft_rule, save_rule_draft, submit_rule_for_review
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import RulePublished, RuleReplaced, RuleRolledBack, RuleTookEffect, RuleWidened
from apps.workflows.rules.in_force import EVERYWHERE, rules_in_force
from apps.workflows.rules.publishing import publish_rule, retire_rule, roll_back_rule, rule_takes_effect, widen_rule
from apps.workflows.surroundings import FINDERS
from apps.workflows.tasks import look_again_where_due, take_effect_when_due
from tests.concurrency import at_once
from tests.workflows.rules.bells import SYSTEM, engineer, publish, ring, spec
from tests.workflows.testapp.effects import Rung
from tests.world import ledger, make_area, make_calendar, make_line, make_person, make_site, run

pytestmark = pytest.mark.django_db


def says(text: str, **otherwise) -> RuleSpec:
    return spec(actions=[{"code": "ring", "parameters": {"text": text, "loudness": 9}}], **otherwise)


def heard() -> list[str]:
    """What rules have rung, in order."""
    return [event.subject_id for event in ledger(Rung.kind) if event.data["loudness"] == 9]


def code_of(command, who, **inputs) -> str:
    with pytest.raises(CommandRefused) as caught:
        run(command, who, **inputs)
    return caught.value.code


def in_review(content: RuleSpec, who=SYSTEM) -> RuleVersion:
    version_id = run(draft_rule, who, spec=content)
    run(submit_rule_for_review, who, version_id=version_id)
    return RuleVersion.objects.get(pk=version_id)


def publish_ahead(content: RuleSpec, **when_and_where) -> RuleVersion:
    version = in_review(content)
    run(publish_rule, SYSTEM, version_id=version.pk, note="Tried first.", **when_and_where)
    version.refresh_from_db()
    return version


def statuses() -> list[str]:
    return list(RuleVersion.objects.order_by("number").values_list("status", flat=True))


@pytest.fixture
def lines() -> tuple[WorkCenter, WorkCenter]:
    area = make_area()
    return make_line(area, "L1"), make_line(area, "L2")


@pytest.fixture
def paul() -> Person:
    return engineer("paul")


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(hours: int) -> datetime:
    """So long after noon the clock stands; one hour after noon is answered."""
    clock.move_to(NOON + timedelta(hours=hours), rate=0)
    return NOON + timedelta(hours=1)


# ---- on some lines first


def test_a_version_is_tried_on_one_line_while_the_others_keep_the_one_before(lines):
    publish(says("old"))
    tried = publish_ahead(says("new"), first_on=[lines[0].pk])
    ring("L1")
    ring("L2")
    ring("elsewhere")
    assert heard() == ["new", "old", "old"]
    assert statuses() == ["published", "published"]
    [first, second] = ledger(RulePublished.kind)
    assert (first.data["replaced_id"], second.data["replaced_id"]) == (None, None)
    assert RuleRollout.objects.get(version=tried).took_effect_at == tried.published_at


def test_widened_it_takes_the_place_of_the_one_before_everywhere(lines, paul):
    old = publish(says("old"))
    tried = publish_ahead(says("new"), first_on=[lines[0].pk])
    run(widen_rule, paul, version_id=tried.pk)
    ring("L1")
    ring("L2")
    assert heard() == ["new", "new"]
    assert statuses() == ["retired", "published"]
    [widened], [replaced] = ledger(RuleWidened.kind), ledger(RuleReplaced.kind)
    assert (widened.actor_id, replaced.data) == (paul.pk, {"version_id": old.pk, "by_id": tried.pk})
    assert code_of(widen_rule, paul, version_id=tried.pk) == "everywhere_already"


def test_taken_back_from_its_line_the_one_before_holds_there_again(lines):
    publish(says("old"))
    tried = publish_ahead(says("new"), first_on=[lines[0].pk])
    run(retire_rule, SYSTEM, version_id=tried.pk)
    ring("L1")
    assert heard() == ["old"]


def test_a_first_version_of_a_rule_may_be_on_one_line_only(lines):
    publish_ahead(says("new"), first_on=[lines[0].pk])
    ring("L1")
    ring("L2")
    assert heard() == ["new"]


def test_only_one_version_of_a_rule_is_on_its_way(lines):
    publish(says("old"))
    publish_ahead(says("new"), first_on=[lines[0].pk])
    third = in_review(says("newest"))
    ahead = {"version_id": third.pk, "note": "As well.", "first_on": [lines[1].pk]}
    assert code_of(publish_rule, SYSTEM, **ahead) == "tried_already"
    run(publish_rule, SYSTEM, version_id=third.pk, note="For all.")
    ring("L1")
    ring("L2")
    assert heard() == ["newest", "newest"]
    assert statuses() == ["retired", "retired", "published"]


def test_lines_that_are_not_there_or_mean_nothing_are_refused(lines):
    version = in_review(says("new"))
    assert code_of(publish_rule, SYSTEM, version_id=version.pk, note="x", first_on=[0]) == "unknown_line"
    placeless = in_review(spec("placeless", event="workflows.edge_stopped", conditions=[]))
    asked = {"version_id": placeless.pk, "note": "x", "first_on": [lines[0].pk]}
    assert code_of(publish_rule, SYSTEM, **asked) == "no_lines"
    assert statuses()[-1] == "in_review"


def test_what_was_counted_before_goes_on_when_it_is_widened_each_thing_once(lines):
    window = {"count": 3, "days": 1, "of": "things"}
    publish(says("old", window=window))
    ring("one")
    ring("L1")
    tried = publish_ahead(says("new", window={**window, "count": 2}), first_on=[lines[0].pk])
    ring("L1")
    assert heard() == []
    run(widen_rule, SYSTEM, version_id=tried.pk)
    ring("one")
    assert heard() == ["new"], "L1, which both had counted, is one of the two"


# ---- later


def test_a_version_takes_effect_by_itself_when_its_hour_has_come(lines):
    later = at(0)
    publish(says("old"))
    waiting = publish_ahead(says("new"), effective_from=later)
    ring("a")
    assert take_effect_when_due.run() == 0
    at(1)
    ring("b")
    assert heard() == ["old", "new"], "its hour is asked of the clock, whether the worker has looked or not"
    assert take_effect_when_due.run() == 1
    assert take_effect_when_due.run() == 0
    assert statuses() == ["retired", "published"]
    assert [event.data["version_id"] for event in ledger(RuleTookEffect.kind)] == [waiting.pk]
    ring("c")
    assert heard() == ["old", "new", "new"]


def test_later_and_on_one_line_first(lines):
    later = at(0)
    publish(says("old"))
    waiting = publish_ahead(says("new"), effective_from=later, first_on=[lines[0].pk])
    ring("L1")
    at(1)
    assert take_effect_when_due.run() == 1
    ring("L1")
    ring("L2")
    assert heard() == ["old", "new", "old"]
    run(widen_rule, SYSTEM, version_id=waiting.pk)
    ring("L2")
    assert heard()[-1] == "new"


def test_widened_before_its_hour_it_holds_everywhere_from_then_on(lines):
    later = at(0)
    publish(says("old"))
    waiting = publish_ahead(says("new"), effective_from=later, first_on=[lines[0].pk])
    run(widen_rule, SYSTEM, version_id=waiting.pk)
    ring("L1")
    at(1)
    take_effect_when_due.run()
    ring("L2")
    assert heard() == ["old", "new"]
    assert statuses() == ["retired", "published"]


def test_with_the_next_shift_of_a_site():
    site = make_site()
    make_calendar(site)
    at(0)
    version = publish_ahead(says("new"), next_shift_of=site.pk)
    starts = RuleRollout.objects.get(version=version).starts_at
    assert starts.astimezone(site.zone).strftime("%H:%M") == "14:00"
    bare = make_site("S2")
    late = in_review(spec("other"))
    assert code_of(publish_rule, SYSTEM, version_id=late.pk, note="x", next_shift_of=bare.pk) == "no_shift"


# ---- the way back


def test_one_person_goes_back_to_what_two_have_approved_before(paul, lines):
    first = publish(says("old"))
    publish(says("new"))
    tried = publish_ahead(says("newest"), first_on=[lines[0].pk])
    again_id = run(roll_back_rule, paul, version_id=first.pk, reason="It rang all night.")
    again = RuleVersion.objects.get(pk=again_id)
    assert (again.number, again.checksum, again.note) == (4, first.checksum, "It rang all night.")
    assert (again.author_id, again.approver_id) == (paul.pk, paul.pk)
    ring("L1")
    assert heard() == ["old"], "also where another one was being tried"
    assert statuses() == ["retired", "retired", "retired", "published"]
    assert tried.pk in [event.data["version_id"] for event in ledger(RuleReplaced.kind)]
    [event] = ledger(RuleRolledBack.kind)
    assert event.data == {"version_id": again_id, "back_to_id": first.pk}


def test_the_way_back_says_why_and_leads_to_nothing_that_was_never_published(paul):
    published = publish(says("old"))
    draft = run(copy_rule, paul, version_id=published.pk)
    assert code_of(roll_back_rule, paul, version_id=published.pk, reason=" ") == "note_missing"
    assert code_of(roll_back_rule, paul, version_id=draft, reason="So.") == "wrong_status"
    assert code_of(roll_back_rule, make_person("nobody"), version_id=published.pk, reason="So.") == "not_allowed"
    assert code_of(widen_rule, make_person("noone"), version_id=published.pk) == "not_allowed"
    assert code_of(rule_takes_effect, make_person("no"), version_id=published.pk) == "not_allowed"


def test_the_database_lets_nobody_approve_a_content_of_their_own_that_was_never_published(paul):
    published = publish(says("old"))
    sly = RuleVersion.objects.create(
        rule=published.rule, number=2, author_id=paul.pk, created_at=clock.now(), checksum="0" * 64, content={}
    )
    with (
        pytest.raises(IntegrityError, match="not approved by who wrote it"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE workflows_ruleversion SET status = 'in_review' WHERE id = %s", [sly.pk])
        cursor.execute(
            "UPDATE workflows_ruleversion SET status = 'published', approver_id = %s, published_at = now()"
            " WHERE id = %s",
            [paul.pk, sly.pk],
        )


def test_at_most_one_version_of_a_rule_follows_an_event(lines, paul):
    """Whatever is published, tried, widened and taken back."""
    publish(says("1"))
    publish_ahead(says("2"), first_on=[lines[0].pk])
    third = run(copy_rule, paul, version_id=publish(says("3")).pk)
    run(save_rule_draft, paul, version_id=third, spec=says("4"))
    run(submit_rule_for_review, paul, version_id=third)
    run(publish_rule, engineer("anna"), version_id=third, note="x", first_on=[line.pk for line in lines])
    for where in ("L1", "L2", "L9"):
        ring(where)
    assert heard() == ["4", "4", "3"]
    rules = rules_in_force()[Rung.kind]
    assert [rule.number for rule in rules if rule.holds_at(EVERYWHERE, clock.now())] == [3]


# ---- what is under way when another version comes


def patient(text: str) -> RuleSpec:
    return says(text, conditions=[{"field": "subject.is_ringing", "operator": "=", "value": True}], after_seconds=3600)


@pytest.mark.django_db(transaction=True)
def test_what_a_version_that_is_taken_back_would_look_at_again_is_looked_at_by_the_one_beside_it(lines):
    at(0)
    publish(patient("old"))
    tried = publish_ahead(patient("bad"), first_on=[lines[0].pk])
    ring("L1")
    assert tried.timers.count() == 1
    run(retire_rule, SYSTEM, version_id=tried.pk)
    at(1)
    look_again_where_due.run()
    assert heard() == ["old"]


@pytest.mark.django_db(transaction=True)
def test_what_a_bad_version_would_look_at_again_is_looked_at_by_the_one_that_was_gone_back_to(paul):
    at(0)
    first = publish(patient("good"))
    publish(patient("bad"))
    ring()
    run(roll_back_rule, paul, version_id=first.pk, reason="Wrong alarm.")
    at(1)
    look_again_where_due.run()
    assert heard() == ["good"]


@pytest.mark.django_db(transaction=True)
def test_what_a_rule_that_is_retired_would_look_at_again_is_looked_at_by_nobody():
    at(0)
    version = publish(patient("old"))
    ring()
    run(retire_rule, SYSTEM, version_id=version.pk)
    assert not RuleTimer.objects.exists()


def test_what_was_counted_on_the_line_goes_back_with_it(lines):
    window = {"count": 2, "days": 1}
    publish(says("old", window=window))
    tried = publish_ahead(says("new", window=window), first_on=[lines[0].pk])
    ring("L1")
    run(retire_rule, SYSTEM, version_id=tried.pk)
    ring("L1")
    assert heard() == ["old"]


def test_another_version_rests_after_the_act_of_the_one_before():
    at(0)
    publish(says("old", cool_down_minutes=90))
    ring()
    publish(says("new", cool_down_minutes=90))
    at(1)
    ring()
    assert heard() == ["old"]
    at(2)
    ring()
    assert heard() == ["old", "new"]


def test_only_the_version_that_would_follow_fails_where_nobody_knows_the_line(lines, monkeypatch):
    later = at(0)
    held = publish(says("old"))
    publish_ahead(says("new"), effective_from=later)
    monkeypatch.setitem(FINDERS, "bell", lambda subject_id, data: 1 / 0)
    for _ in range(3):
        ring("L1")
    assert set(RuleFailure.objects.values_list("version", flat=True)) == {held.pk}
    assert set(RuleStop.objects.values_list("version", flat=True)) == {held.pk}


# ---- two at once


@pytest.mark.django_db(transaction=True)
def test_taken_back_in_the_moment_of_its_hour_one_version_is_left():
    later = at(0)
    old = publish(says("old"))
    waiting = publish_ahead(says("new"), effective_from=later)
    at(1)
    errors = at_once(
        lambda: run(retire_rule, SYSTEM, version_id=waiting.pk),
        lambda: run(rule_takes_effect, SYSTEM, version_id=waiting.pk),
    )
    assert errors == [None, None]
    old.refresh_from_db()
    if ledger(RuleTookEffect.kind):
        assert old.status == "retired", "it took effect, and then was retired by somebody who wanted that"
    else:
        assert old.status == "published"
        ring()
        assert heard() == ["old"]


@pytest.mark.django_db(transaction=True)
def test_of_two_that_are_published_at_once_the_one_that_comes_last_holds(paul):
    publish(says("1"))
    drafts = [in_review(says(text)) for text in ("2", "3")]
    publishes = [lambda version=version: run(publish_rule, paul, version_id=version.pk, note="x") for version in drafts]
    assert at_once(*publishes) == [None, None]
    [left] = RuleVersion.objects.published()
    ring()
    assert heard() == [left.content["actions"][0]["parameters"]["text"]]


def test_lines_first_means_that_some_are_chosen():
    version = in_review(says("new"))
    assert code_of(publish_rule, SYSTEM, version_id=version.pk, note="x", first_on=[]) == "no_line_chosen"


def test_there_is_no_way_back_to_what_never_held(paul):
    later = at(0)
    publish(says("old"))
    waiting = publish_ahead(says("new"), effective_from=later)
    assert code_of(roll_back_rule, paul, version_id=waiting.pk, reason="Now.") == "never_held"
    run(retire_rule, paul, version_id=waiting.pk)
    assert code_of(roll_back_rule, paul, version_id=waiting.pk, reason="Now.") == "never_held"
