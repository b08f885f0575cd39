"""Policies and playbooks are drafted, reviewed and published like workflows: by two people, and then never changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from apps.andon.commands import (
    acknowledge,
    draft_playbook,
    draft_step_from,
    publish_playbook,
    resolve,
    return_playbook,
    save_playbook_draft,
    submit_playbook,
)
from apps.andon.commands.policies import draft_policy, publish_policy, return_policy, save_policy_draft, submit_policy
from apps.andon.models import EscalationPolicy, ExceptionType, Playbook, PlaybookVersion, PolicyVersion
from apps.core.errors import CommandRefused
from apps.erp_sync.api.scopes import RESOURCES
from apps.plant.models import Person, Role
from tests.andon.floor import SYSTEM, Floor, make_floor
from tests.andon.test_playbooks import SWAP
from tests.world import give_role, ledger, run

pytestmark = pytest.mark.django_db


@dataclass
class Life:
    """pia, petr and pavel may set up exceptions everywhere."""

    floor: Floor
    kind: str
    versions: Any
    thing: Any
    draft_it: Callable[..., Any]
    save_it: Callable[..., Any]
    submit_it: Callable[..., Any]
    return_it: Callable[..., Any]
    publish_it: Callable[..., Any]
    step: dict[str, Any]
    more: dict[str, Any]

    def __post_init__(self) -> None:
        self.pia = self.floor.world.pia
        self.petr, self.pavel = (self.floor.member(name, "process_engineer") for name in ("petr", "pavel"))
        for person in (self.pia, self.petr, self.pavel):
            give_role(person, "process_engineer")

    @property
    def table(self) -> str:
        return f"andon_{self.kind}version"

    def draft(self) -> int:
        found: int = run(self.draft_it, self.pia, **{f"{self.kind}_id": self.thing.pk})
        return found

    def save(self, who: Person, version_id: int, **step: Any) -> None:
        run(self.save_it, who, version_id=version_id, steps=[self.step | step], **self.more)

    def in_review(self) -> int:
        version_id = self.draft()
        self.save(self.pia, version_id)
        run(self.submit_it, self.pia, version_id=version_id)
        return version_id

    def published(self) -> int:
        version_id = self.in_review()
        run(self.publish_it, self.petr, version_id=version_id, note="Seen at line 3.")
        return version_id

    def refused(self, command: Callable[..., Any], who: Any, **inputs: Any) -> str:
        with pytest.raises(CommandRefused) as caught:
            run(command, who, **inputs)
        return caught.value.code

    def status(self, version_id: int) -> str:
        found: str = self.versions.get(pk=version_id).status
        return found

    def page(self, version_id: int) -> str:
        return reverse(f"admin:{self.table}_change", args=[version_id])

    def press(self, who: Person, action: str, version_id: int, reason: str = "") -> str:
        where = reverse(f"admin:{self.table}_changelist")
        sent = {"action": action, "_selected_action": version_id, "reason": reason}
        return desk(who).post(where, sent, follow=True).content.decode()

    def type_in(self, who: Person, version_id: int, **first_step: Any) -> Any:
        """Sends the page of the draft back with its first step otherwise; the answer."""
        client = desk(who)
        page = client.get(self.page(version_id))
        form = page.context["adminform"].form
        formset = page.context["inline_admin_formsets"][0].formset
        sent = {name: "" if form[name].value() is None else form[name].value() for name in form.fields}
        sent |= {f"{formset.prefix}-{key}": value for key, value in formset.management_form.initial.items()}
        for row in formset.forms:
            typed = {name: row[name].value() for name in row.fields}
            sent |= {row.add_prefix(name): value for name, value in typed.items() if value not in (None, False)}
        sent |= {f"{formset.prefix}-0-{name}": value for name, value in first_step.items()} | {"informs": ""}
        return client.post(self.page(version_id), sent)


def desk(person: Person) -> Client:
    Person.objects.filter(pk=person.pk).update(is_staff=True)
    client = Client()
    client.force_login(person)
    return client


def of_a_policy(floor: Floor) -> Life:
    step = {"position": 1, "target": "role", "role_id": Role.objects.get(code="line_lead").pk}
    return Life(
        floor,
        "policy",
        PolicyVersion.objects,
        EscalationPolicy.objects.get(code="down"),
        draft_policy,
        save_policy_draft,
        submit_policy,
        return_policy,
        publish_policy,
        step,
        {"figures": {"response_minutes": 4}},
    )


def of_a_playbook(floor: Floor) -> Life:
    kind = ExceptionType.objects.get(code="downtime")
    return Life(
        floor,
        "playbook",
        PlaybookVersion.objects,
        Playbook.objects.create(code="stops", name="Stops", type=kind, site=floor.world.site),
        draft_playbook,
        save_playbook_draft,
        submit_playbook,
        return_playbook,
        publish_playbook,
        {"position": 1, **SWAP},
        {},
    )


@pytest.fixture(params=[of_a_policy, of_a_playbook], ids=["policy", "playbook"])
def life(request: pytest.FixtureRequest) -> Life:
    made: Life = request.param(make_floor())
    return made


OTHERWISE = {"policy": {"after_minutes": 2}, "playbook": {"labels": json.dumps({"en": "Swap it twice"})}}


# ---- two people


def test_from_draft_over_review_to_publication_by_somebody_else(life: Life) -> None:
    before = life.versions.filter(status="published", **{life.kind: life.thing}).first()
    version_id = life.published()
    version = life.versions.get(pk=version_id)
    assert (version.status, version.author_id, version.approver_id) == ("published", life.pia.pk, life.petr.pk)
    assert (version.editor_ids, version.note) == ([life.pia.pk], "Seen at line 3.")
    assert before is None or life.status(before.pk) == "retired"
    kinds = ["draft_begun", "draft_saved", "review_requested", f"{life.kind}_published"]
    events = [ledger(f"andon.{kind}")[-1] for kind in kinds]
    assert {(event.subject_kind, event.subject_id) for event in events} == {(f"{life.kind}_version", str(version_id))}
    assert events[-1].data["editor_ids"] == [life.pia.pk]


def test_who_once_edited_a_draft_can_not_publish_it_whoever_saved_it_last(life: Life) -> None:
    version_id = life.draft()
    life.save(life.petr, version_id)
    life.save(life.pia, version_id)
    run(life.submit_it, life.pia, version_id=version_id)
    for writer in (life.petr, life.pia):
        assert life.refused(life.publish_it, writer, version_id=version_id, note="Looks good.") == "own_work"
    run(life.publish_it, life.pavel, version_id=version_id, note="Looks good.")


def test_nor_who_once_edited_it_on_its_page(life: Life) -> None:
    version_id = life.draft()
    life.save(life.pia, version_id)
    assert life.type_in(life.petr, version_id, **OTHERWISE[life.kind]).status_code == 302
    assert life.type_in(life.pia, version_id).status_code == 302
    assert life.versions.get(pk=version_id).editor_ids == [life.pia.pk, life.petr.pk]
    life.press(life.pia, "submit", version_id)
    assert "Who has written it" in life.press(life.petr, "publish", version_id, "Mine.")
    assert life.status(version_id) == "in_review"
    life.press(life.pavel, "publish", version_id, "Good.")
    assert life.status(version_id) == "published"


def test_nobody_publishes_own_work_whatever_their_rights(life: Life) -> None:
    version_id = life.in_review()
    life.pia.is_superuser = life.pia.is_staff = True
    life.pia.save()
    assert life.refused(life.publish_it, life.pia, version_id=version_id, note="Mine.") == "own_work"
    assert life.refused(life.publish_it, SYSTEM, version_id=version_id, note="Nobody's.") == "own_work"


def test_who_has_only_submitted_the_draft_of_another_may_publish_it(life: Life) -> None:
    version_id = life.draft()
    life.save(life.pia, version_id)
    run(life.submit_it, life.petr, version_id=version_id)
    run(life.publish_it, life.petr, version_id=version_id, note="Good.")


def test_a_publication_says_what_changes(life: Life) -> None:
    assert life.refused(life.publish_it, life.petr, version_id=life.in_review(), note=" ") == "note_missing"


def test_a_draft_is_not_published_without_a_review(life: Life) -> None:
    version_id = life.draft()
    life.save(life.pia, version_id)
    assert "Submit it for review first." in life.press(life.petr, "publish", version_id, "Fast.")
    assert life.status(version_id) == "draft"


def test_who_may_not_set_up_exceptions_does_nothing_of_it(life: Life) -> None:
    sven, version_id = life.floor.sven, life.draft()
    assert life.refused(life.draft_it, sven, **{f"{life.kind}_id": life.thing.pk}) == "not_allowed"
    inputs = {"version_id": version_id, "steps": [life.step], **life.more}
    assert life.refused(life.save_it, sven, **inputs) == "not_allowed"
    for command, more in ((life.submit_it, {}), (life.return_it, {}), (life.publish_it, {"note": "x"})):
        assert life.refused(command, sven, version_id=version_id, **more) == "not_allowed"


# ---- one at a time, and nobody's work is written over


def test_two_drafts_of_one_are_refused_with_a_sentence(life: Life) -> None:
    version_id = life.draft()
    again = {f"{life.kind}_id": life.thing.pk}
    with pytest.raises(CommandRefused, match=f"There is a draft of this {life.kind} already. Change that one."):
        run(life.draft_it, life.petr, **again)
    life.save(life.pia, version_id)
    run(life.submit_it, life.pia, version_id=version_id)
    with pytest.raises(CommandRefused, match="is in review, so it can't be changed"):
        run(life.draft_it, life.petr, **again)
    with pytest.raises(IntegrityError, match=f"one_open_version_per_{life.kind}"), transaction.atomic():
        life.versions.create(number=99, created_at="2026-01-01T00:00Z", **again)


def test_of_two_who_edit_one_draft_the_second_reads_that_it_has_changed(life: Life) -> None:
    version_id = life.draft()
    seen = life.versions.get(pk=version_id).checksum
    life.save(life.petr, version_id)
    late = {"version_id": version_id, "steps": [life.step], "based_on": seen, **life.more}
    assert life.refused(life.save_it, life.pia, **late) == "changed_meanwhile"


def test_two_steps_at_one_place_and_a_field_that_makes_no_sense_are_refused_with_a_sentence(life: Life) -> None:
    version_id = life.draft()
    twice = {"version_id": version_id, "steps": [life.step, life.step], **life.more}
    assert life.refused(life.save_it, life.pia, **twice) == "twice"
    wrong = life.step | ({"target": "anybody"} if life.kind == "policy" else {"code": "no code"})
    assert life.refused(life.save_it, life.pia, version_id=version_id, steps=[wrong], **life.more) == "not_valid"


# ---- what is in review, and what is published, is fixed


def test_a_draft_in_review_can_not_be_changed_until_it_is_returned(life: Life) -> None:
    version_id = life.in_review()
    inputs = {"version_id": version_id, "steps": [life.step], **life.more}
    with pytest.raises(CommandRefused, match="Have it returned to the author first"):
        run(life.save_it, life.pia, **inputs)
    client = desk(life.pia)
    assert client.get(life.page(version_id)).context["has_change_permission"] is False
    assert client.post(life.page(version_id), {"based_on": "x"}).status_code == 403
    life.press(life.petr, "give_back", version_id)
    assert life.status(version_id) == "draft"
    run(life.save_it, life.pia, **inputs)


def test_what_was_written_past_the_commands_is_not_submitted(life: Life) -> None:
    version_id = life.draft()
    life.save(life.pia, version_id)
    life.versions.get(pk=version_id).steps.update(position=7)
    assert life.refused(life.submit_it, life.pia, version_id=version_id) == "checksum"


def sql(statement: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


CHANGES = ["note = 'x'", "checksum = 'x'", "editor_ids = '{}'", "author_id = 1", "status = 'draft'", "number = 77"]
OF_STEPS = {
    "policy": "andon_policystep (version_id, position, after_minutes, target, channel, condition, repeat_minutes)"
    " VALUES (%s, 9, 1, 'owner', '', 'unanswered', 1)",
    "playbook": "andon_playbookstep (version_id, position, code, labels, cure, inputs, acts_alone)"
    " VALUES (%s, 9, 'x', '{}', '', '{}', false)",
}


@pytest.mark.parametrize("change", CHANGES)
def test_sql_can_not_change_a_published_one(life: Life, change: str) -> None:
    version_id = life.published()
    with pytest.raises(IntegrityError):
        sql(f"UPDATE {life.table} SET {change} WHERE id = %s", version_id)


@pytest.mark.parametrize("change", ["checksum = 'x'", "editor_ids = '{}'", "author_id = 1", "number = 77"])
def test_sql_can_not_change_one_in_review(life: Life, change: str) -> None:
    version_id = life.in_review()
    with pytest.raises(IntegrityError):
        sql(f"UPDATE {life.table} SET {change} WHERE id = %s", version_id)


def test_sql_can_not_change_the_figures_of_a_policy_in_review() -> None:
    life = of_a_policy(make_floor())
    version_id = life.in_review()
    for change in ("response_minutes = 99", "informs = '{plant_manager}'"):
        with pytest.raises(IntegrityError, match="in review"):
            sql(f"UPDATE {life.table} SET {change} WHERE id = %s", version_id)


@pytest.mark.parametrize("state", ["in_review", "published"])
def test_sql_can_not_change_add_or_take_away_its_steps(life: Life, state: str) -> None:
    version_id = getattr(life, state)()
    step = f"andon_{life.kind}step"
    for statement in (
        f"UPDATE {step} SET position = 9 WHERE version_id = %s",
        f"DELETE FROM {step} WHERE version_id = %s",
        f"INSERT INTO {OF_STEPS[life.kind]}",
        f"DELETE FROM {life.table} WHERE id = %s",
    ):
        with pytest.raises(IntegrityError):
            sql(statement, version_id)


def test_sql_can_not_make_who_has_written_it_or_nobody_its_approver(life: Life) -> None:
    version_id = life.in_review()
    approved = f"UPDATE {life.table} SET status = 'published', published_at = now(), approver_id = %s WHERE id = %s"
    for nobody_else in (life.pia.pk, None):
        with pytest.raises(IntegrityError, match="not approved by who wrote it"):
            sql(approved, nobody_else, version_id)
    life.versions.in_force().filter(**{life.kind: life.thing}).update(status="retired")
    sql(approved, life.petr.pk, version_id)


def test_sql_can_not_strike_an_editor_of_a_draft_nor_hang_it_on_another(life: Life) -> None:
    version_id = life.draft()
    life.save(life.petr, version_id)
    for change in (f"editor_ids = '{{{life.pia.pk}}}'", "author_id = 1", f"{life.kind}_id = {life.thing.pk + 1}"):
        with pytest.raises(IntegrityError, match="keeps its"):
            sql(f"UPDATE {life.table} SET {change} WHERE id = %s", version_id)


def test_a_published_one_is_read_only_on_its_page(life: Life) -> None:
    version_id = life.published()
    client = desk(life.pavel)
    page = client.get(life.page(version_id))
    assert (page.status_code, page.context["has_change_permission"]) == (200, False)
    assert "Pia" in page.content.decode(), "who has written it"
    assert client.post(life.page(version_id), {"based_on": "x"}).status_code == 403
    for action in ("submit", "give_back", "publish"):
        assert "The version is published" in life.press(life.pavel, action, version_id, "Again.")


def test_no_other_system_reads_or_writes_them() -> None:
    """Whoever lets the API have them asks the same commands, and says so here."""
    assert not [name for name in RESOURCES if "polic" in name or "playbook" in name or "escalation" in name]


# ---- what has helped, by one tap


def test_what_has_helped_makes_its_teller_an_editor_and_waits_while_the_playbook_is_reviewed() -> None:
    life = of_a_playbook(make_floor())
    stop = life.floor.stop()
    run(acknowledge, life.pia, exception_id=stop.pk)
    run(resolve, life.pia, exception_id=stop.pk, resolution="repaired", cause="wear")
    version_id = life.draft()
    life.save(life.petr, version_id)
    run(life.submit_it, life.petr, version_id=version_id)
    assert life.refused(draft_step_from, life.floor.sven, exception_id=stop.pk) == "in_review"
    run(life.return_it, life.pavel, version_id=version_id)
    run(draft_step_from, life.floor.sven, exception_id=stop.pk)
    version = PlaybookVersion.objects.get(pk=version_id)
    assert version.editor_ids == [life.pia.pk, life.petr.pk, life.floor.sven.pk]
    assert list(version.steps.values_list("code", flat=True)) == ["swap", "repaired"]
    run(life.submit_it, life.petr, version_id=version_id)
    run(life.publish_it, life.pavel, version_id=version_id, note="Both help.")
