"""What a step or a rule has the ERP told: a note on the order there, once, that nothing else waits for."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from apps.erp_sync import payloads
from apps.erp_sync.commands import disconnect_erp
from apps.erp_sync.comparing import is_open
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.events import PostingConfirmed
from apps.erp_sync.models import Posting, PostingState
from apps.orders.events import QuantityConfirmed
from apps.workflows.definition import Definition
from apps.workflows.models import RuleFailure, Version
from apps.workflows.rows import to_definition
from apps.workflows.seeds import install
from tests.erp_sync.outbox_world import SYSTEM, Outbox, deliver_all
from tests.workflows.rules.bells import publish, spec
from tests.world import run

pytestmark = pytest.mark.django_db(transaction=True)
SAY = {"en": "Scrap was found", "de": "Ausschuss gefunden"}
NOTE = {"code": "post_to_erp", "parameters": {"say": SAY}}


def scrap_is_told(*actions: dict[str, Any]) -> None:
    some = [{"field": "event.good", "operator": ">", "value": 0}]
    publish(spec("scrap_told", name="Scrap", event=QuantityConfirmed.kind, conditions=some, actions=actions or [NOTE]))


def notes() -> list[erp.NotePosting]:
    return [payloads.load(one) for one in Posting.objects.filter(kind="note").order_by("pk")]  # type: ignore[misc]


def test_it_says_what_and_why_and_when_on_the_order(outbox: Outbox) -> None:
    scrap_is_told()
    job = outbox.order(2)
    outbox.start(job)
    outbox.book(job)
    (note,) = notes()
    assert note.order == erp.ErpRef("stub", "production", "1")
    said, when = note.text.split("\n")
    assert said == "Scrap was found (rule “Scrap”)"
    assert when.endswith(f" {outbox.world.line.code} 10")
    outbox.book(job)
    deliver_all()
    assert Posting.objects.filter(kind="note", state=PostingState.POSTED).count() == 2
    outbox.is_right()


def test_of_a_step_each_operation_has_its_own_in_the_plants_language(outbox: Outbox) -> None:
    definition = to_definition(Version.objects.get(workflow__code="job_order")).model_dump(mode="json")
    next(edge for edge in definition["edges"] if edge["code"] == "start")["effects"] = [NOTE]
    run(install, SYSTEM, definition=Definition.model_validate(definition))
    first, second = outbox.order(1), outbox.order(1)
    with translation.override("de"):
        outbox.start(first)
        outbox.start(second)
    assert [note.order.id for note in notes()] == ["1", "2"]
    assert {note.text.split("\n")[0] for note in notes()} == {"Scrap was found (Start)"}
    assert all(note.text.endswith(" 10") for note in notes())
    deliver_all()
    outbox.is_right()


def test_a_note_does_not_follow_from_a_note(outbox: Outbox) -> None:
    publish(spec("told_again", name="Again", event=PostingConfirmed.kind, conditions=[], actions=[NOTE]))
    job = outbox.order(1)
    outbox.start(job)
    deliver_all()
    kinds = Posting.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["start", "note"]
    assert not RuleFailure.objects.exists()


def test_the_same_said_twice_about_one_event_is_one_and_another_is_another(outbox: Outbox) -> None:
    other = {"code": "post_to_erp", "parameters": {"say": {"en": "Look at the lot", "de": "Los ansehen"}}}
    scrap_is_told(NOTE, NOTE, other)
    job = outbox.order(2)
    outbox.start(job)
    outbox.book(job)
    assert [note.text.split(" (")[0] for note in notes()] == ["Scrap was found", "Look at the lot"]
    assert not RuleFailure.objects.exists()


def test_what_the_erp_does_not_know_or_no_erp_gets_is_left_alone(outbox: Outbox) -> None:
    scrap_is_told()
    own = outbox.order(2, who=SYSTEM, erp_key="", item_id=None)
    outbox.start(own)
    outbox.book(own)
    theirs = outbox.order(2)
    outbox.start(theirs)
    deliver_all()
    run(disconnect_erp, SYSTEM, link_id=outbox.link.pk)
    outbox.book(theirs)
    assert notes() == []
    assert not RuleFailure.objects.exists()


def test_a_note_that_the_erp_refuses_keeps_nothing_else_back(outbox: Outbox) -> None:
    scrap_is_told()
    job = outbox.order(1)
    outbox.start(job)
    outbox.book(job)
    note = Posting.objects.get(kind="note")
    outbox.erp.configure(rejects=[str(note.key)])
    outbox.complete(job)
    deliver_all()
    note.refresh_from_db()
    assert note.state == PostingState.PARKED
    assert set(Posting.objects.exclude(pk=note.pk).values_list("state", flat=True)) == {"posted"}
    assert not is_open(job.work_order_id)
