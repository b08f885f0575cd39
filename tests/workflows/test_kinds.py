"""Kinds: declared once, found by model; and the words of a definition in the reader's language."""

from __future__ import annotations

import dataclasses

import pytest
from django.utils import translation

from apps.core.models import LedgerEvent
from apps.workflows.definition import word
from apps.workflows.kinds import KINDS, declare, kind_of
from tests.workflows.testapp.kinds import THING
from tests.workflows.testapp.models import Thing


def test_found_by_code_and_by_model():
    assert KINDS["thing"] is THING is kind_of(Thing)
    assert THING.model is Thing
    with pytest.raises(LookupError, match="no declared kind"):
        kind_of(LedgerEvent)


@pytest.mark.parametrize("changed", [{"code": "other"}, {"model_name": "testapp.Other"}])
def test_declared_once(changed):
    with pytest.raises(ValueError, match="declared twice"):
        declare(dataclasses.replace(THING, **changed))


def test_staying_in_a_status_is_always_allowed():
    assert THING.allows("running", "running")
    assert THING.allows("ready", "running")
    assert not THING.allows("waiting", "running")
    assert not THING.allows("closed", "waiting")


@pytest.mark.parametrize(
    ("texts", "language", "expected"),
    [
        ({"en": "Start", "de": "Los"}, "de", "Los"),
        ({"en": "Start", "de": "Los"}, "de-at", "Los"),
        ({"en": "Start"}, "de", "Start"),
        ({"de": "Los"}, "en", "Los"),
        ({}, "en", "start"),
    ],
)
def test_word(texts, language, expected):
    with translation.override(language):
        assert word(texts, "start") == expected
