"""A rule's life: draft, check, review, publication by somebody else; and that what is published never changes."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core.errors import CommandRefused
from apps.plant.models import Person
from apps.workflows.definition import parse_as
from apps.workflows.models import RuleStop, RuleVersion, VersionStatus
from apps.workflows.rules.check import check_rule
from apps.workflows.rules.commands import (
    copy_rule,
    draft_rule,
    return_rule_to_draft,
    save_rule_draft,
    submit_rule_for_review,
)
from apps.workflows.rules.definition import RuleSpec
from apps.workflows.rules.events import RulePublished
from apps.workflows.rules.publishing import publish_rule, retire_rule
from apps.workflows.rules.switching import resume_rule, settle_rule_failures, stop_rule
from tests.workflows.rules.bells import SYSTEM, alarms, engineer, publish, ring, spec
from tests.world import ledger, make_person, make_site, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def pia() -> Person:
    return engineer("pia")


@pytest.fixture
def paul() -> Person:
    return engineer("paul")


def code_of(command, who, **inputs) -> str:
    with pytest.raises(CommandRefused) as caught:
        run(command, who, **inputs)
    return caught.value.code


def in_review(who: Person, content: RuleSpec | None = None) -> int:
    version_id: int = run(draft_rule, who, spec=content or spec())
    run(submit_rule_for_review, who, version_id=version_id)
    return version_id


# ---- the way to a publication


def test_from_draft_to_publication_by_somebody_else(pia, paul):
    version_id = in_review(pia)
    run(publish_rule, paul, version_id=version_id, note="Alarm for soft bells.")
    version = RuleVersion.objects.get(pk=version_id)
    assert (version.status, version.author_id, version.approver_id) == ("published", pia.pk, paul.pk)
    [event] = ledger(RulePublished.kind)
    assert (event.actor_id, event.data["editor_ids"]) == (paul.pk, [pia.pk])
    ring()
    assert len(alarms()) == 1


def test_nobody_approves_own_work_whatever_their_rights(pia, paul):
    version_id = in_review(pia)
    assert code_of(publish_rule, pia, version_id=version_id, note="Mine.") == "own_work"
    pia.is_superuser = pia.is_staff = True
    pia.save()
    assert code_of(publish_rule, pia, version_id=version_id, note="Mine.") == "own_work"
    assert code_of(publish_rule, SYSTEM, version_id=version_id, note="Nobody's.") == "own_work"


def test_who_has_edited_a_draft_can_not_approve_it_either(pia, paul):
    version_id = run(draft_rule, pia, spec=spec())
    run(save_rule_draft, paul, version_id=version_id, spec=spec(per_minute=3))
    run(submit_rule_for_review, pia, version_id=version_id)
    assert code_of(publish_rule, paul, version_id=version_id, note="Looks good.") == "own_work"


def test_a_publication_says_what_changes(pia, paul):
    assert code_of(publish_rule, paul, version_id=in_review(pia), note=" ") == "note_missing"


def test_errors_keep_a_draft_from_review(pia):
    version_id = run(draft_rule, pia, spec=spec(event="nothing.of_this_name"))
    assert code_of(submit_rule_for_review, pia, version_id=version_id) == "check_failed"


def test_what_is_in_review_is_fixed_until_it_is_returned(pia, paul):
    version_id = in_review(pia)
    assert code_of(save_rule_draft, pia, version_id=version_id, spec=spec()) == "wrong_status"
    run(return_rule_to_draft, paul, version_id=version_id)
    run(save_rule_draft, pia, version_id=version_id, spec=spec(per_minute=3))


def test_two_who_edit_one_draft_do_not_overwrite_each_other(pia, paul):
    version_id = run(draft_rule, pia, spec=spec())
    seen = RuleVersion.objects.get(pk=version_id).checksum
    run(save_rule_draft, pia, version_id=version_id, spec=spec(per_minute=3), based_on=seen)
    late = {"version_id": version_id, "spec": spec(per_minute=4), "based_on": seen}
    assert code_of(save_rule_draft, paul, **late) == "changed_meanwhile"


def test_one_goes_back_by_publishing_the_old_content_anew(pia, paul):
    first = publish(spec())
    publish(spec(per_minute=3))
    again = run(copy_rule, pia, version_id=first.pk)
    run(submit_rule_for_review, pia, version_id=again)
    run(publish_rule, paul, version_id=again, note="Back.")
    version = RuleVersion.objects.published().get()
    assert (version.pk, version.number, version.checksum) == (again, 3, first.checksum)


def test_a_file_comes_back_as_it_went_and_its_checksum_does_not_hang_on_the_name():
    content = spec(scope=[{"line": "L3"}], window={"count": 3}, same=["line"])
    assert parse_as(RuleSpec, content.to_json()) == content
    assert content.checksum == content.model_copy(update={"name": "Otherwise"}).checksum


# ---- who may


def test_everything_asks_for_its_right(pia):
    nobody = make_person("nobody")
    published = publish(spec())
    draft = run(draft_rule, pia, spec=spec())
    site = make_site()
    for command, inputs in [
        (draft_rule, {"spec": spec()}),
        (copy_rule, {"version_id": published.pk}),
        (save_rule_draft, {"version_id": draft, "spec": spec()}),
        (submit_rule_for_review, {"version_id": draft}),
        (return_rule_to_draft, {"version_id": draft}),
        (publish_rule, {"version_id": draft, "note": "Yes."}),
        (retire_rule, {"version_id": published.pk}),
        (stop_rule, {"rule_id": published.rule_id, "reason": "No."}),
        (resume_rule, {"stop_id": 1}),
        (settle_rule_failures, {"version_id": published.pk, "site_id": site.pk}),
    ]:
        assert code_of(command, nobody, **inputs) == "not_allowed", command.name


def test_a_kill_switch_says_who_and_why(pia):
    version = publish(spec())
    assert code_of(stop_rule, pia, rule_id=version.rule_id, reason=" ") == "reason_missing"
    stop_id = run(stop_rule, pia, rule_id=version.rule_id, reason="Too loud.")
    stop = RuleStop.objects.get(pk=stop_id)
    assert (stop.stopped_by_id, stop.reason) == (pia.pk, "Too loud.")
    assert code_of(stop_rule, pia, rule_id=version.rule_id, reason="Too loud.") == "stopped_already"
    run(resume_rule, pia, stop_id=stop_id)
    assert code_of(resume_rule, pia, stop_id=stop_id) == "not_stopped"


# ---- below Python


@pytest.mark.parametrize(
    "change",
    [
        "content = '{}'",
        "event = 'x'",
        "checksum = 'x'",
        "status = 'draft'",
        "note = 'x'",
        "rule_id = rule_id + 1",
        "approver_id = 1",
    ],
)
def test_a_published_version_never_changes_in_the_database_either(change):
    version = publish(spec())
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE workflows_ruleversion SET {change} WHERE id = %s", [version.pk])


@pytest.mark.parametrize("change", ["content = '{}'", "event = 'x'", "checksum = 'x'", "editor_ids = '{}'"])
def test_what_is_reviewed_does_not_change_in_the_database_either(pia, change):
    version_id = in_review(pia)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE workflows_ruleversion SET {change} WHERE id = %s", [version_id])


def test_who_wrote_it_does_not_approve_it_in_the_database_either(pia):
    version_id = in_review(pia)
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleVersion.objects.filter(pk=version_id).update(
            status=VersionStatus.PUBLISHED, approver_id=pia.pk, published_at="2026-01-01T00:00Z"
        )


def test_a_rule_has_one_version_in_force_at_most(pia):
    publish(spec())
    version_id = in_review(pia)
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleVersion.objects.filter(pk=version_id).update(
            status=VersionStatus.PUBLISHED, approver_id=None, published_at="2026-01-01T00:00Z"
        )


def test_a_published_version_is_not_deleted():
    version = publish(spec())
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleVersion.objects.filter(pk=version.pk).delete()


# ---- the check


def wrong(**otherwise) -> str:
    """What the check says of it, as one text; it must say something."""
    problems = check_rule(spec(**otherwise))
    assert problems
    return "; ".join(str(problem) for problem in problems)


def test_the_check_passes_what_is_right_and_says_so_by_silence():
    assert check_rule(spec(same=["line", "event.reason"], window={"count": 3}, cool_down_minutes=5)) == []


def test_the_check_names_what_is_not_there():
    assert "workflows.no_such" in wrong(event="workflows.no_such")
    assert "no field to ask for" in wrong(conditions=[{"field": "loudness", "operator": "<", "value": 5}])
    assert "makes no sense" in wrong(conditions=[{"field": "event.loudness", "operator": "<", "value": "five"}])
    assert "no declared field" in wrong(expression="event.volume > 1.0")
    assert "not yes or no" in wrong(expression="event.loudness")
    assert "division by zero" in wrong(expression="int(event.loudness) / 0 == 1")
    assert "only one of" in wrong(expression="event.tones.all(a, event.tones.all(b, a == b))")
    assert "event.name" in wrong(expression="event == 1")
    assert "alike" in wrong(same=["event.tones"], cool_down_minutes=1)
    assert "L77" in wrong(scope=[{"line": "L77"}])
    assert "it does nothing" in wrong(actions=[])
    assert "no effect" in wrong(actions=[{"code": "explode", "parameters": {}}])
    assert "loudness" in wrong(actions=[{"code": "ring", "parameters": {"text": "x", "loudness": 11}}])


def test_no_rule_follows_what_rules_do():
    assert "no event" in wrong(event="workflows.rule_failed", conditions=[])
