from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.core.events import Event


class StateChanged(Event, subject="workflow_item"):
    """An item has moved along an edge. Its subject is the item itself: ("job_order", 17).

    guard_inputs  what the guards read      inputs  what was typed or chosen, but for free texts: they may name somebody
    """

    item_kind: str
    edge: str
    from_state: str
    to_state: str
    from_status: str
    to_status: str
    from_phase: str
    to_phase: str
    version_id: int
    guard_inputs: Mapping[str, Any]
    inputs: Mapping[str, Any]

    def __post_init__(self) -> None:
        # One event class, so that one subscription hears all kinds; the ledger's subject is the item's own kind.
        object.__setattr__(self, "subject_kind", self.item_kind)


class DraftCreated(Event, subject="workflow_version"):
    workflow_id: int
    copy_of_id: int | None


class DraftSaved(Event, subject="workflow_version"):
    """`what`: the step in words, in the language of who did it; "-" before it when it was undone."""

    checksum: str
    what: str = ""


class ReviewRequested(Event, subject="workflow_version"):
    checksum: str


class DraftReturned(Event, subject="workflow_version"):
    pass


class VersionPublished(Event, subject="workflow_version"):
    workflow_id: int
    number: int
    checksum: str
    editor_ids: list[int]


class VersionRetired(Event, subject="workflow_version"):
    workflow_id: int


class EdgeStopped(Event, subject="workflow"):
    edge: str
    stop_id: int


class EdgeResumed(Event, subject="workflow"):
    edge: str
    stop_id: int
