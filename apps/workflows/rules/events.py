from __future__ import annotations

from apps.core.events import Event

# No rule follows what rules do themselves.
SUBJECT = "rule"


class RuleDraftCreated(Event, subject=SUBJECT):
    version_id: int
    copy_of_id: int | None


class RuleDraftSaved(Event, subject=SUBJECT):
    """`what` was done, in words of who did it; "- " before it: undone."""

    version_id: int
    checksum: str
    what: str = ""


class RuleReviewRequested(Event, subject=SUBJECT):
    version_id: int
    checksum: str


class RuleDraftReturned(Event, subject=SUBJECT):
    version_id: int


class RulePublished(Event, subject=SUBJECT):
    """`replaced_id`: the version that was in force before, retired with this; None as long as it holds beside it."""

    version_id: int
    number: int
    checksum: str
    editor_ids: list[int]
    replaced_id: int | None


class RuleReplaced(Event, subject=SUBJECT):
    """Out of force, since version `by_id` holds everywhere."""

    version_id: int
    by_id: int


class RuleTookEffect(Event, subject=SUBJECT):
    version_id: int


class RuleWidened(Event, subject=SUBJECT):
    version_id: int


class RuleRolledBack(Event, subject=SUBJECT):
    """`version_id` has the content of `back_to_id`."""

    version_id: int
    back_to_id: int


class RuleRetired(Event, subject=SUBJECT):
    version_id: int


class RuleDraftTried(Event, subject=SUBJECT):
    """On past events, in a simulation. One of `days` and `events` is 0."""

    version_id: int
    run_id: int
    checksum: str
    days: int
    events: int


class RuleFired(Event, subject=SUBJECT):
    """It has followed the event: `actions` are the codes of what it did, in order."""

    version_id: int
    number: int
    event_id: int
    event_kind: str
    work_center_id: int | None
    key: str
    actions: list[str]


class RuleFailed(Event, subject=SUBJECT):
    """It could not follow the event; `reason` is a FailureReason, the words are in the row `failure_id`."""

    version_id: int
    event_id: int
    event_kind: str
    work_center_id: int | None
    reason: str
    failure_id: int


class RuleSwitchedOff(Event, subject=SUBJECT):
    """By itself after `failures` of them, there; or by somebody, everywhere (`version_id` None)."""

    version_id: int | None
    work_center_id: int | None
    stop_id: int
    failures: int


class RuleSwitchedOn(Event, subject=SUBJECT):
    """Again, or its failures are looked at; `stop_id` None where it was not off."""

    version_id: int | None
    work_center_id: int | None
    stop_id: int | None
