"""What happens has a name: for the ledger one, for people another."""

from __future__ import annotations

from apps.core.events import EVENTS
from apps.workflows.rules.events import SUBJECT


def test_engineers_are_offered_every_event_by_a_name_of_its_own() -> None:
    ours = {kind: event for kind, event in EVENTS.items() if event.__module__.startswith("apps.")}
    nameless = {kind for kind, event in ours.items() if not event.label}
    assert nameless == {kind for kind, event in ours.items() if event.subject_kind == SUBJECT}
    names = [str(event.label) for event in ours.values() if event.label]
    assert len(names) == len(set(names)) > 100
