"""What happens to exceptions. People by id only, and with every step the old and the new owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.core.events import Event


class ExceptionRaised(Event, subject="exception"):
    type: str
    cause_kind: str
    cause_key: str
    severity: int
    impact: str
    work_center_id: int | None
    work_unit_id: int | None
    owner_id: int
    owner_level: str
    owner_role: str
    policy_version_id: int
    parent_id: int | None


class ExceptionJoined(Event, subject="exception"):
    """The same cause was reported again."""

    person_id: int | None


class OwnerChanged(Event, subject="exception"):
    """`why` is "taken", "given", "cannot", or what ended the old owner's duty."""

    old_owner_id: int
    new_owner_id: int
    owner_level: str
    owner_role: str
    why: str


class Escalated(Event, subject="exception"):
    """A step of the policy was due; nobody could be reached where `person_ids` is empty."""

    step: int
    level: int
    person_ids: list[int]
    owner_id: int


class ClockWarned(Event, subject="exception"):
    clock: str
    percent: int
    owner_id: int


class ClockBreached(Event, subject="exception"):
    clock: str
    due_at: datetime
    owner_id: int


class ClockPaused(Event, subject="exception"):
    reason: str
    until: datetime
    owner_id: int


class ClockResumed(Event, subject="exception"):
    owner_id: int


class AnswerRefused(Event, subject="exception"):
    """Somebody who was called said that they can't come."""

    person_id: int
    reason: str
    owner_id: int


class RungAgain(Event, subject="exception"):
    """Who had called asked again; `person_ids` were told again."""

    level: int
    person_ids: list[int]
    owner_id: int


class OnTheWay(Event, subject="exception"):
    owner_id: int
    arrives_at: datetime | None


class Remarked(Event, subject="exception"):
    """Somebody said something in the thread; what they said is erasable, so it is not here."""

    person_id: int | None
    owner_id: int


class ExceptionsMerged(Event, subject="exception"):
    into_id: int
    owner_id: int


class ExceptionSplit(Event, subject="exception"):
    from_id: int
    owner_id: int


class CauseEnded(Event, subject="exception"):
    owner_id: int


class CureApplied(Event, subject="exception"):
    """`inputs` are ids and plain values; what somebody typed beside them is not here."""

    cure: str
    part_id: int | None
    inputs: dict[str, Any]
    step_id: int | None
    owner_id: int


class InstructionFollowed(Event, subject="exception"):
    step_id: int
    owner_id: int


class ActedAlone(Event, subject="exception"):
    """A step of a playbook was tried by the system; `outcome` is "done", "failed" or "needless"."""

    step_id: int
    outcome: str


class HandoverAccepted(Event, subject="exception"):
    owner_id: int


class ProblemOpened(Event, subject="problem"):
    cause_kind: str
    cause_key: str
    owner_id: int
    cases: int


class ProblemClosed(Event, subject="problem"):
    owner_id: int
    cases: int


class ProblemChanged(Event, subject="problem"):
    """Given to somebody, due at another time, or noted about; what was noted is not here."""

    old_owner_id: int
    owner_id: int
    due_at: datetime
    noted: bool


class PolicyPublished(Event, subject="policy_version"):
    policy_id: int
    number: int


class PlaybookPublished(Event, subject="playbook_version"):
    playbook_id: int
    number: int


class ChannelAdded(Event, subject="person"):
    """Somebody is told in one way more; the address is theirs and not here."""

    channel: str


class ChannelRemoved(Event, subject="person"):
    channel: str


class ChannelProven(Event, subject="person"):
    """A test message arrived, the person says."""

    channel: str
