"""A version's life: draft, review, publication by somebody else, retirement; and that a published one never changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core import clock
from apps.core.errors import CommandRefused
from apps.workflows.commands import (
    create_draft,
    import_draft,
    publish,
    resume_edge,
    retire,
    return_to_draft,
    save_draft,
    stop_edge,
    submit_for_review,
)
from apps.workflows.definition import Definition, parse
from apps.workflows.models import Edge, EdgeStop, State, Version, Workflow
from apps.workflows.rows import to_definition
from apps.workflows.seeds import install
from tests.workflows.testapp.models import Thing
from tests.workflows.workshop import SYSTEM, make_shop, move, refused, thing_workflow
from tests.world import give_role, last_event, ledger, make_person, make_role, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def pia():
    return engineer("pia")


@pytest.fixture
def paul():
    return engineer("paul")


def engineer(name: str):
    person = make_person(name)
    make_role("engineer", "workflows.edit", "workflows.publish", "workflows.stop_edge")
    give_role(person, "engineer")
    return person


def code_of(command, who, **inputs) -> str:
    with pytest.raises(CommandRefused) as caught:
        run(command, who, **inputs)
    return caught.value.code


def in_review(shop, pia, definition: Definition | None = None) -> int:
    draft = run(create_draft, pia, version_id=shop.version.pk)
    if definition:
        run(save_draft, pia, version_id=draft, definition=definition)
    run(submit_for_review, pia, version_id=draft)
    return draft


WITHOUT_PAUSE = thing_workflow(
    lambda content: content["edges"].remove(next(e for e in content["edges"] if e["code"] == "pause")),
    lambda content: content["edges"].remove(next(e for e in content["edges"] if e["code"] == "resume")),
    lambda content: content["states"].remove(next(s for s in content["states"] if s["code"] == "paused")),
    hold={"sources": ["ready", "running"]},
)

# ---- the way to a publication


def test_from_copy_to_publication(shop, pia, paul):
    draft = run(create_draft, pia, version_id=shop.version.pk)
    assert to_definition(Version.objects.get(pk=draft)) == to_definition(shop.version)
    run(save_draft, pia, version_id=draft, definition=WITHOUT_PAUSE)
    run(submit_for_review, pia, version_id=draft)
    run(publish, paul, version_id=draft, note="Nobody pauses here. Ask Karl.")
    version = Version.objects.get(pk=draft)
    assert (version.number, version.status, version.approver_id) == (2, "published", paul.pk)
    assert (version.author_id, version.editor_ids) == (pia.pk, [pia.pk])
    assert version.checksum == WITHOUT_PAUSE.checksum
    assert to_definition(version) == WITHOUT_PAUSE
    event = last_event()
    assert (event.kind, event.subject_id) == ("workflows.version_published", str(draft))
    assert "Karl" not in str(event.data)


def test_two_versions_side_by_side(shop, pia, paul):
    old = shop.thing("running")
    draft = in_review(shop, pia, WITHOUT_PAUSE)
    run(publish, paul, version_id=draft, note="Nobody pauses here.")
    newest = Version.objects.in_force(at=clock.now()).first()
    new = Thing.objects.create(workflow_version=newest, site_id=shop.site_id)
    for who, edge in ((SYSTEM, "make_ready"), (shop.olga, "start")):
        move(who, new, edge)
    assert refused(shop.olga, new, "pause", {"reason": "lunch"}).code == "unknown_edge"
    assert move(shop.olga, old, "pause", reason="lunch").state == "paused"
    assert old.workflow_version_id != newest.pk


def test_in_force_from_a_date(shop, pia, paul):
    draft, now = in_review(shop, pia), clock.now()
    run(publish, paul, version_id=draft, note="From tomorrow.", effective_from=now + timedelta(days=1))
    assert Version.objects.in_force(at=now).first() == shop.version
    assert Version.objects.in_force(at=now + timedelta(days=2)).first().pk == draft


def test_author_does_not_approve(shop, pia):
    draft = in_review(shop, pia)
    assert code_of(publish, pia, version_id=draft, note="Mine is fine.") == "own_work"
    assert Version.objects.get(pk=draft).status == "in_review"


def test_no_right_makes_the_author_the_approver(shop, pia):
    draft = in_review(shop, pia)
    pia.is_superuser = pia.is_staff = True
    pia.save()
    assert code_of(publish, pia, version_id=draft, note="I may do everything.") == "own_work"
    assert Version.objects.get(pk=draft).status == "in_review"


def test_nobody_who_has_written_approves(shop, pia, paul):
    draft = run(create_draft, pia, version_id=shop.version.pk)
    run(save_draft, paul, version_id=draft, definition=WITHOUT_PAUSE)
    run(submit_for_review, pia, version_id=draft)
    assert code_of(publish, paul, version_id=draft, note="Only a bit was mine.") == "own_work"


def test_the_system_does_not_approve_what_a_person_has_written(shop, pia):
    draft = in_review(shop, pia)
    assert code_of(publish, SYSTEM, version_id=draft, note="Looks right.") == "own_work"


def test_install_is_no_way_round_the_review(shop, pia):
    assert code_of(install, pia, definition=WITHOUT_PAUSE) == "own_work"
    assert Version.objects.count() == 1


def test_note_is_needed(shop, pia, paul):
    draft = in_review(shop, pia)
    assert code_of(publish, paul, version_id=draft, note="  ") == "note_missing"


def test_errors_keep_it_from_review(shop, pia):
    draft = run(create_draft, pia, version_id=shop.version.pk)
    run(save_draft, pia, version_id=draft, definition=thing_workflow(start={"roles": ["pilot"]}))
    with pytest.raises(CommandRefused, match="there is no role pilot"):
        run(submit_for_review, pia, version_id=draft)


def test_what_was_right_at_review_is_checked_again_at_publication(shop, pia, paul):
    role = make_role("helper")
    draft = in_review(shop, pia, thing_workflow(start={"roles": ["helper"]}))
    role.delete()
    assert code_of(publish, paul, version_id=draft, note="Helpers may start.") == "check_failed"


def test_order_of_steps(shop, pia, paul):
    draft = run(create_draft, pia, version_id=shop.version.pk)
    assert code_of(publish, paul, version_id=draft, note="At once.") == "wrong_status"
    run(submit_for_review, pia, version_id=draft)
    assert code_of(save_draft, pia, version_id=draft, definition=WITHOUT_PAUSE) == "wrong_status"
    run(return_to_draft, paul, version_id=draft)
    run(save_draft, pia, version_id=draft, definition=WITHOUT_PAUSE)
    assert code_of(submit_for_review, pia, version_id=shop.version.pk) == "wrong_status"


def test_two_editors(shop, pia, paul):
    draft = run(create_draft, pia, version_id=shop.version.pk)
    seen = Version.objects.get(pk=draft).checksum
    run(save_draft, pia, version_id=draft, definition=WITHOUT_PAUSE, based_on=seen)
    theirs = thing_workflow(start={"roles": []})
    assert code_of(save_draft, paul, version_id=draft, definition=theirs, based_on=seen) == "changed_meanwhile"
    assert to_definition(Version.objects.get(pk=draft)) == WITHOUT_PAUSE


def test_rights(shop, pia):
    version = shop.version.pk
    for command, inputs in (
        (create_draft, {"version_id": version}),
        (import_draft, {"definition": WITHOUT_PAUSE}),
        (save_draft, {"version_id": version, "definition": WITHOUT_PAUSE}),
        (submit_for_review, {"version_id": version}),
        (return_to_draft, {"version_id": version}),
        (publish, {"version_id": version, "note": "x"}),
        (retire, {"version_id": version}),
        (stop_edge, {"workflow_id": shop.version.workflow_id, "edge": "start", "reason": "x"}),
        (resume_edge, {"stop_id": 1}),
        (install, {"definition": WITHOUT_PAUSE}),
    ):
        assert code_of(command, shop.lena, **inputs) == "not_allowed", command.name


def test_import_of_a_new_workflow(pia):
    definition = thing_workflow(lambda content: content.update(code="other", name="Other things"))
    draft = Version.objects.get(pk=run(import_draft, pia, definition=definition))
    assert (draft.workflow.code, draft.number, draft.status) == ("other", 1, "draft")


def test_draft_of_another_workflow(shop, pia):
    draft = run(create_draft, pia, version_id=shop.version.pk)
    other = thing_workflow(lambda content: content.update(code="other"))
    assert code_of(save_draft, pia, version_id=draft, definition=other) == "other_workflow"


def test_what_rows_cannot_hold(shop, pia):
    draft = run(create_draft, pia, version_id=shop.version.pk)
    for edges in ({"start": {"target": "sky"}}, {"start": {"sources": ["ready", "ready"]}}):
        assert code_of(save_draft, pia, version_id=draft, definition=thing_workflow(**edges)) == "not_a_graph"


# ---- retirement


def test_retire(shop, pia, paul):
    assert code_of(retire, paul, version_id=shop.version.pk) == "only_one"
    thing = shop.thing("running")
    run(publish, paul, version_id=in_review(shop, pia), note="A copy.")
    assert code_of(retire, paul, version_id=shop.version.pk) == "items_on_it"
    move(shop.olga, thing, "complete")
    move(SYSTEM, thing, "close")
    run(retire, paul, version_id=shop.version.pk)
    shop.version.refresh_from_db()
    assert shop.version.status == "retired"
    with pytest.raises(IntegrityError, match="initial state"), transaction.atomic():
        Thing.objects.create(workflow_version=shop.version)


def test_rollback_is_a_copy_under_a_new_number(shop, pia, paul):
    run(publish, paul, version_id=in_review(shop, pia, WITHOUT_PAUSE), note="No pause.")
    back = in_review(shop, pia)
    run(publish, paul, version_id=back, note="With pause again.")
    newest = Version.objects.in_force(at=clock.now()).first()
    assert (newest.number, newest.checksum) == (3, shop.version.checksum)


# ---- published is immutable, on every surface


def test_orm_writes_on_a_published_version(shop):
    edge, state = shop.version.edges.first(), shop.version.states.first()
    attacks = [
        lambda: Edge.objects.filter(pk=edge.pk).update(roles=[]),
        lambda: (setattr(edge, "roles", []), edge.save()),
        lambda: Edge.objects.bulk_update([edge], ["roles"]),
        edge.delete,
        lambda: Edge.objects.filter(version=shop.version).delete(),
        lambda: State.objects.filter(pk=state.pk).update(status="closed"),
        state.delete,
        lambda: State.objects.create(version=shop.version, code="extra", status="ready", position=99),
        lambda: Edge.objects.create(
            version=shop.version, code="extra", source=state, target=state, position=99
        ),
        shop.version.delete,
        lambda: Version.objects.filter(pk=shop.version.pk).update(note="other"),
        lambda: Version.objects.filter(pk=shop.version.pk).update(status="draft"),
        lambda: Version.objects.filter(pk=shop.version.pk).update(checksum="0"),
        lambda: Version.objects.filter(pk=shop.version.pk).update(status="retired", note="other"),
        lambda: Version.objects.create(
            workflow=shop.version.workflow, number=7, status="published", checksum="1", created_at=clock.now(),
            published_at=clock.now(), effective_from=clock.now(),
        ),
    ]  # fmt: skip
    before = to_definition(shop.version)
    for number, attack in enumerate(attacks):
        with pytest.raises(IntegrityError), transaction.atomic():
            attack()
            pytest.fail(f"attack {number} went through")
    assert to_definition(Version.objects.get(pk=shop.version.pk)) == before


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE workflows_edge SET roles = '[]'",
        "UPDATE workflows_edge SET version_id = version_id + 1",
        "DELETE FROM workflows_edge",
        "DELETE FROM workflows_state",
        "UPDATE workflows_state SET status = 'closed'",
        "UPDATE workflows_version SET status = 'in_review'",
        "UPDATE workflows_version SET effective_from = now()",
        "DELETE FROM workflows_version",
    ],
)
def test_sql_on_a_published_version(shop, sql):
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_edges_are_not_smuggled_in_from_a_draft(shop, pia):
    draft = Version.objects.get(pk=run(create_draft, pia, version_id=shop.version.pk))
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        draft.edges.update(version=shop.version)


def test_in_review_is_fixed_too(shop, pia, paul):
    draft = in_review(shop, pia)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Edge.objects.filter(version=draft).update(roles=[])
    with pytest.raises(IntegrityError, match="in review"), transaction.atomic():
        Version.objects.filter(pk=draft).update(editor_ids=[])
    with pytest.raises(IntegrityError, match="who wrote it"), transaction.atomic():
        Version.objects.filter(pk=draft).update(
            status="published", approver_id=pia.pk, published_at=clock.now(), effective_from=clock.now()
        )


def test_drafts_can_be_deleted(shop, pia):
    draft = Version.objects.get(pk=run(create_draft, pia, version_id=shop.version.pk))
    draft.delete()
    assert Version.objects.count() == 1


# ---- the kill switch


def test_stop_needs_an_edge_and_a_reason(shop, paul):
    workflow = shop.version.workflow_id
    assert code_of(stop_edge, paul, workflow_id=workflow, edge="fly", reason="x") == "unknown_edge"
    assert code_of(stop_edge, paul, workflow_id=0, edge="start", reason="x") == "unknown_edge"
    assert code_of(stop_edge, paul, workflow_id=workflow, edge="start", reason=" ") == "reason_missing"


def test_stop_and_resume_leave_a_trace(shop, paul):
    workflow = shop.version.workflow_id
    stop = run(stop_edge, paul, workflow_id=workflow, edge="start", reason="Crack.")
    assert code_of(stop_edge, paul, workflow_id=workflow, edge="start", reason="Again.") == "stopped_already"
    run(resume_edge, paul, stop_id=stop)
    assert code_of(resume_edge, paul, stop_id=stop) == "not_stopped"
    run(stop_edge, paul, workflow_id=workflow, edge="start", reason="Crack again.")
    assert EdgeStop.objects.count() == 2
    assert [e.data["edge"] for e in ledger("workflows.edge_stopped") + ledger("workflows.edge_resumed")] == [
        "start"
    ] * 3


# ---- the file form


def test_file_and_rows_are_the_same(shop):
    definition = thing_workflow()
    assert parse(definition.to_json()) == definition == to_definition(shop.version)
    assert parse(definition.to_json()).to_json() == definition.to_json()


def test_order_of_keys_and_sources_counts_nothing():
    shuffled = thing_workflow(hold={"sources": ["paused", "ready", "running"]})
    assert shuffled.checksum == thing_workflow().checksum
    assert thing_workflow(hold={"sources": ["ready"]}).checksum != thing_workflow().checksum


def test_one_code_may_leave_different_states_differently(pia):
    definition = thing_workflow(
        lambda content: content["edges"].append(
            {**next(e for e in content["edges"] if e["code"] == "cancel"), "sources": ["held"], "reason_required": True}
        )
    )
    draft = Version.objects.get(pk=run(import_draft, pia, definition=definition))
    assert to_definition(draft) == definition


def test_a_wrong_file_says_where():
    with pytest.raises(CommandRefused, match=r"edges\.0\.target"):
        parse('{"kind": "thing", "code": "x", "name": "X", "states": [], "edges": [{"code": "a", "labels": {}, '
              '"sources": ["b"]}]}')  # fmt: skip
    with pytest.raises(CommandRefused, match="speed"):
        parse('{"kind": "thing", "code": "x", "name": "X", "states": [], "edges": [], "speed": 1}')


def test_workflow_survives(shop):
    assert Workflow.objects.get(code="thing").versions.count() == 1
