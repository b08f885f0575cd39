"""Undo and redo of a draft, by whoever edits it, until it is published."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from apps.core.errors import CommandRefused
from apps.core.models import LedgerEvent
from apps.workflows.commands import create_draft, publish, redo_step, save_draft, submit_for_review, undo_step
from apps.workflows.models import DraftStep, Version
from apps.workflows.rows import to_definition
from apps.workflows.studio.steps import labels_since, steps_of
from tests.workflows.workshop import make_shop, thing_workflow
from tests.world import give_role, make_person, make_role, run

pytestmark = pytest.mark.django_db

GO = thing_workflow(start={"labels": {"en": "Go"}})
STOP = thing_workflow(start={"labels": {"en": "Go"}}, hold={"labels": {"en": "Stop"}})


def engineer(name: str):
    person = make_person(name)
    give_role(person, make_role(f"role_of_{name}", "workflows.view", "workflows.edit", "workflows.publish"))
    return person


@pytest.fixture
def pia():
    return engineer("pia")


@pytest.fixture
def draft(pia):
    return Version.objects.get(pk=run(create_draft, pia, version_id=make_shop().version.pk))


def save(who, draft, definition, label, **more):
    return run(save_draft, who, version_id=draft.pk, definition=definition, label=label, **more)


def now(draft):
    return to_definition(Version.objects.get(pk=draft.pk))


def offered(draft):
    steps = steps_of(draft)
    return tuple(step and step.label for step in (steps.last, steps.undone))


def test_each_step_goes_back_and_comes_again(pia, draft):
    save(pia, draft, GO, "start renamed")
    save(pia, draft, STOP, "hold renamed")
    assert offered(draft) == ("hold renamed", None)
    run(undo_step, pia, version_id=draft.pk)
    assert (now(draft), offered(draft)) == (GO, ("start renamed", "hold renamed"))
    run(undo_step, pia, version_id=draft.pk)
    assert (now(draft), offered(draft)) == (thing_workflow(), (None, "start renamed"))
    run(redo_step, pia, version_id=draft.pk)
    checksum = run(redo_step, pia, version_id=draft.pk)
    assert (now(draft), offered(draft)) == (STOP, ("hold renamed", None))
    assert checksum == STOP.checksum


def test_at_the_ends_it_is_said_that_there_is_no_more(pia, draft):
    with pytest.raises(CommandRefused, match="nothing to undo"):
        run(undo_step, pia, version_id=draft.pk)
    save(pia, draft, GO, "start renamed")
    with pytest.raises(CommandRefused, match="nothing to redo"):
        run(redo_step, pia, version_id=draft.pk)


def test_an_edit_after_undo_is_the_new_end(pia, draft):
    save(pia, draft, GO, "start renamed")
    run(undo_step, pia, version_id=draft.pk)
    save(pia, draft, STOP, "both renamed")
    assert offered(draft) == ("both renamed", None)
    run(undo_step, pia, version_id=draft.pk)
    assert now(draft) == thing_workflow()


def test_saving_what_is_there_already_is_no_step(pia, draft):
    save(pia, draft, thing_workflow(), "nothing")
    assert not DraftStep.objects.exists()


def test_undo_is_an_edit_too_it_is_refused_on_a_draft_that_somebody_has_changed(pia, draft):
    seen = save(pia, draft, GO, "start renamed")
    save(engineer("paul"), draft, STOP, "hold renamed")
    for command in (undo_step, redo_step):
        with pytest.raises(CommandRefused, match="meanwhile"):
            run(command, pia, version_id=draft.pk, based_on=seen)
    assert labels_since(draft, seen) == ["hold renamed"]


def test_who_undoes_has_written_it_too(pia, draft):
    save(pia, draft, GO, "start renamed")
    paul = engineer("paul")
    run(undo_step, paul, version_id=draft.pk)
    draft.refresh_from_db()
    assert draft.editor_ids == [pia.pk, paul.pk]


def test_only_who_may_edit(pia, draft):
    save(pia, draft, GO, "start renamed")
    vera = make_person("vera")
    give_role(vera, make_role("reader", "workflows.view"))
    for command in (undo_step, redo_step):
        with pytest.raises(CommandRefused, match="You may not"):
            run(command, vera, version_id=draft.pk)


def test_the_ledger_tells_the_steps(pia, draft):
    save(pia, draft, GO, "start renamed")
    run(undo_step, pia, version_id=draft.pk)
    told = LedgerEvent.objects.filter(kind="workflows.draft_saved", subject_id=str(draft.pk)).order_by("pk")
    assert [event.data["what"] for event in told] == ["start renamed", "- start renamed"]


def test_once_published_the_steps_are_history(pia, draft):
    save(pia, draft, GO, "start renamed")
    run(submit_for_review, pia, version_id=draft.pk)
    with pytest.raises(CommandRefused, match="in review"):
        run(undo_step, pia, version_id=draft.pk)
    run(publish, engineer("paul"), version_id=draft.pk, note="Shorter.")
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        draft.steps.update(label="forged")
    assert [step.label for step in draft.steps.all()] == ["", "start renamed"]
