"""What was told is read back from the ledger as it was told, with what it follows from."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import pytest
from pydantic import TypeAdapter

from apps.core import ledger
from apps.core.events import EVENTS
from tests.workflows.rules.bells import publish, ring, spec
from tests.workflows.testapp.effects import Rung
from tests.world import ledger as events_of

pytestmark = pytest.mark.django_db


def test_an_event_comes_back_with_its_causes_the_first_one_first():
    publish(spec())
    event_id = ring(loudness=3)
    alarm = next(row for row in events_of(Rung.kind) if row.subject_id == "alarm")
    heard = ledger.heard_again(alarm.pk)
    assert heard is not None
    assert [(cause.event_id, cause.event.kind) for cause in heard.causes] == [
        (event_id, Rung.kind),
        (alarm.cause_id, "workflows.rule_fired"),
    ]
    assert isinstance(heard.event, Rung)
    assert (heard.event.loudness, heard.event.tones, heard.occurred_at) == (9, ["ding", "dong"], alarm.occurred_at)
    assert heard.event.data() == alarm.data


def test_what_is_not_there_is_none():
    assert ledger.heard_again(0) is None


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_every_kind_of_event_can_be_read_back(kind):
    """That its fields have types which come back out of JSON."""
    assert is_dataclass(EVENTS[kind])
    assert {field.name for field in fields(EVENTS[kind])} >= {"subject_id", "site_id"}
    TypeAdapter(EVENTS[kind])
