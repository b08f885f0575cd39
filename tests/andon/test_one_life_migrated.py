"""Policies and playbooks from before there were reviews go through, with who has written them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from apps.andon.commands.drafts import checksum_now
from apps.andon.models import PlaybookVersion, PolicyVersion
from apps.andon.models.types import Category, Impact, Severity

pytestmark = pytest.mark.django_db
BEFORE = [("andon", "0016_approval_hours_go"), ("workflows", "0055_simulations_of_rules")]
AFTER = [("andon", "0017_one_version_life")]
LONG_AGO = "2026-01-01T00:00Z"
PIA, PETR, PAUL = 901, 902, 903


@pytest.fixture
def migrate() -> Iterator[Callable[..., Any]]:
    """To these migrations, as the owner, in the transaction of the test; answers the models as they are there."""

    def to(targets: list[tuple[str, str]]) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        executor = MigrationExecutor(connection)
        executor.migrate(targets)
        return executor.loader.project_state(targets).apps

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        role = cursor.fetchone()[0]
        cursor.execute("RESET ROLE")
    yield to
    with connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{role}"')


def publish(version: Any, status: str = "published") -> None:
    version.status, version.published_at, version.approver_id, version.note = "published", LONG_AGO, PAUL, "Yes."
    version.save()
    if status != "published":
        version.status = status
        version.save()


def policies(apps: Any) -> dict[str, int]:
    """A retired version, one in force, and a draft that Petr has saved after Pia."""
    policy = apps.get_model("andon", "EscalationPolicy").objects.create(code="down", name="Down")
    versions, steps = (apps.get_model("andon", name).objects for name in ("PolicyVersion", "PolicyStep"))
    made = {}
    for number, (status, author) in enumerate((("retired", PIA), ("published", None), ("draft", PETR)), start=1):
        version = versions.create(policy=policy, number=number, author_id=author, informs=["planner"])
        for position, minutes in ((2, 5), (1, 0)):
            steps.create(version=version, position=position, target="owner", after_minutes=minutes)
        if status != "draft":
            publish(version, status)
        made[status] = version.pk
    people = apps.get_model("plant", "Person").objects
    kind = ContentType.objects.get_for_model(PolicyVersion)
    for person in (PIA, PETR):
        people.create(pk=person, username=str(person), name=str(person))
        saved = {"user_id": person, "content_type_id": kind.pk, "object_id": str(made["draft"]), "action_flag": 2}
        apps.get_model("admin", "LogEntry").objects.create(**saved)
    return made


def playbooks(apps: Any) -> dict[str, int]:
    policy = apps.get_model("andon", "EscalationPolicy").objects.get()
    kind = apps.get_model("andon", "ExceptionType").objects.create(
        code="downtime",
        names={"en": "Stop"},
        category=Category.values[0],
        severity=Severity.values[0],
        impact=Impact.values[0],
        policy=policy,
    )
    playbook = apps.get_model("andon", "Playbook").objects.create(code="stops", name="Stops", type=kind)
    versions, steps = (apps.get_model("andon", name).objects for name in ("PlaybookVersion", "PlaybookStep"))
    made = {}
    for number, status in enumerate(("published", "draft"), start=1):
        version = versions.create(playbook=playbook, number=number, author_id=PIA, editor_ids=[PETR])
        steps.create(version=version, position=1, code="swap", labels={"de": "Tauschen", "en": "Swap"})
        if status == "published":
            publish(version)
        made[status] = version.pk
    return made


def test_what_was_drafted_and_published_goes_through_with_its_writers_and_is_guarded(migrate: Any) -> None:
    apps = migrate([*BEFORE, ("admin", "0003_logentry_add_action_flag_choices")])
    of_policies, of_playbooks = policies(apps), playbooks(apps)
    migrate(AFTER)
    lives = {name: PolicyVersion.objects.get(pk=pk) for name, pk in of_policies.items()}
    assert {name: version.status for name, version in lives.items()} == {name: name for name in lives}
    assert [lives[name].editor_ids for name in ("retired", "published", "draft")] == [[PIA], [], [PIA, PETR]]
    books = {name: PlaybookVersion.objects.get(pk=pk) for name, pk in of_playbooks.items()}
    assert [version.editor_ids for version in books.values()] == [[PIA, PETR], [PIA, PETR]]
    for version in (*lives.values(), *books.values()):
        assert version.checksum == checksum_now(version), "as the commands would have saved it"
    assert lives["published"].created_at == lives["published"].published_at
    for version in (lives["published"], lives["retired"], books["published"]):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            type(version)._base_manager.filter(pk=version.pk).update(note="Another.")


def test_the_way_back_makes_drafts_of_what_is_in_review(migrate: Any) -> None:
    apps = migrate([*BEFORE, ("admin", "0003_logentry_add_action_flag_choices")])
    of_policies, of_playbooks = policies(apps), playbooks(apps)
    migrate(AFTER)
    PolicyVersion.objects.filter(pk=of_policies["draft"]).update(status="in_review")
    PlaybookVersion.objects.filter(pk=of_playbooks["draft"]).update(status="in_review")
    apps = migrate(BEFORE)
    for name, made in (("PolicyVersion", of_policies), ("PlaybookVersion", of_playbooks)):
        rows = apps.get_model("andon", name).objects
        assert {row.pk: row.status for row in rows.all()} == {pk: status for status, pk in made.items()}
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            rows.filter(pk=made["published"]).update(note="Another.")
    migrate(AFTER)
    assert PolicyVersion.objects.get(pk=of_policies["draft"]).status == "draft"
