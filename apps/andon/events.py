"""What happens to exceptions. People by id only, and with every step the old and the new owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event, declare_words


class ExceptionRaised(Event, subject="exception", label=_("Exception raised"), codes_of={"type": "exception_type"}):
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


class CaseNamed(
    Event,
    subject="exception",
    label=_("What an exception is a case of is known"),
    dated_by="raised_at",
    codes_of={"type": "exception_type"},
):
    """What it is a case of, when it was raised or said later, and again when that turns out otherwise: the same
    `recurs_as` of one type and kind of cause is the same again; "": nothing that could happen again.

    in_problem  it belongs to one, as there is one open    facts  for the name of one
    """

    type: str
    cause_kind: str
    recurs_as: str
    raised_at: datetime
    in_problem: bool
    facts: dict[str, Any]


class ExceptionJoined(Event, subject="exception", label=_("Exception reported again")):
    """The same cause was reported again."""

    person_id: int | None


class OwnerChanged(Event, subject="exception", label=_("Exception has another owner")):
    """`why` is "taken", "given", "cannot", or what ended the old owner's duty."""

    old_owner_id: int
    new_owner_id: int
    owner_level: str
    owner_role: str
    why: str


class Escalated(Event, subject="exception", label=_("Exception escalated")):
    """A step of the policy was due; nobody could be reached where `person_ids` is empty."""

    step: int
    level: int
    person_ids: list[int]
    owner_id: int


class ClockWarned(Event, subject="exception", label=_("Time of an exception nearly over")):
    clock: str
    percent: int
    owner_id: int


class ClockBreached(Event, subject="exception", label=_("Time of an exception is over")):
    clock: str
    due_at: datetime
    owner_id: int


class ClockPaused(Event, subject="exception", label=_("Time of an exception paused")):
    reason: str
    until: datetime
    owner_id: int


class ClockResumed(Event, subject="exception", label=_("Time of an exception runs again")):
    owner_id: int


class AnswerRefused(Event, subject="exception", label=_("Somebody who was called can't come")):
    """Somebody who was called said that they can't come."""

    person_id: int
    reason: str
    owner_id: int


class RungAgain(Event, subject="exception", label=_("Somebody was called again")):
    """Who had called asked again; `person_ids` were told again."""

    level: int
    person_ids: list[int]
    owner_id: int


class OnTheWay(Event, subject="exception", label=_("Somebody is on the way")):
    owner_id: int
    arrives_at: datetime | None


class Remarked(Event, subject="exception", label=_("Remark on an exception")):
    """Somebody said something in the thread; what they said is erasable, so it is not here."""

    person_id: int | None
    owner_id: int


class ExceptionsMerged(Event, subject="exception", label=_("Exceptions merged")):
    into_id: int
    owner_id: int


class ExceptionSplit(Event, subject="exception", label=_("Exception split")):
    from_id: int
    owner_id: int


class CauseEnded(Event, subject="exception", label=_("Cause of an exception has ended")):
    owner_id: int


class CureApplied(Event, subject="exception", label=_("Exception cured from its page")):
    """`inputs` are ids and plain values; what somebody typed beside them is not here."""

    cure: str
    part_id: int | None
    inputs: dict[str, Any]
    step_id: int | None
    owner_id: int


class InstructionFollowed(Event, subject="exception", label=_("Instruction of a playbook followed")):
    step_id: int
    owner_id: int


class ActedAlone(Event, subject="exception", label=_("Playbook has acted by itself")):
    """A step of a playbook was tried by the system; `outcome` is "done", "failed" or "needless"."""

    step_id: int
    outcome: str


class HandoverAccepted(Event, subject="exception", label=_("Handover of exceptions accepted")):
    owner_id: int


class ProblemOpened(Event, subject="problem", label=_("Problem opened")):
    cause_kind: str
    cause_key: str
    owner_id: int
    cases: int


class ProblemClosed(Event, subject="problem", label=_("Problem closed")):
    owner_id: int
    cases: int


class ProblemChanged(Event, subject="problem", label=_("Problem changed")):
    """Given to somebody, due at another time, or noted about; what was noted is not here."""

    old_owner_id: int
    owner_id: int
    due_at: datetime
    noted: bool


class OfVersion:
    """What happens to versions of policies and of playbooks: the ledger's subject is the version's own kind."""

    version_kind: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "subject_kind", self.version_kind)


class DraftBegun(OfVersion, Event, subject="version", label=_("Policy or playbook: draft made")):
    version_kind: str
    copy_of_id: int | None


class DraftSaved(OfVersion, Event, subject="version", label=_("Policy or playbook: draft saved")):
    version_kind: str
    checksum: str


class ReviewRequested(OfVersion, Event, subject="version", label=_("Policy or playbook: review requested")):
    version_kind: str
    checksum: str


class DraftReturned(OfVersion, Event, subject="version", label=_("Policy or playbook: returned to draft")):
    version_kind: str


class PolicyPublished(Event, subject="policy_version", label=_("Escalation policy published")):
    policy_id: int
    number: int
    checksum: str
    editor_ids: list[int]


class PlaybookPublished(Event, subject="playbook_version", label=_("Playbook published")):
    playbook_id: int
    number: int
    checksum: str
    editor_ids: list[int]


class ChannelAdded(Event, subject="person", label=_("Way to reach somebody added")):
    """Somebody is told in one way more; the address is theirs and not here."""

    channel: str


class ChannelRemoved(Event, subject="person", label=_("Way to reach somebody removed")):
    channel: str


class ChannelProven(Event, subject="person", label=_("Way to reach somebody proven")):
    """A test message arrived, the person says."""

    channel: str


declare_words(
    {
        "arrives_at": _("there at"),
        "cases": _("cases"),
        "cause_key": _("cause"),
        "cause_kind": _("kind of cause"),
        "channel": _("channel"),
        "clock": _("clock"),
        "cure": _("remedy"),
        "due_at": _("due at"),
        "impact": _("impact"),
        "in_problem": _("belongs to an open problem"),
        "level": _("level of the path"),
        "noted": _("a note was written"),
        "outcome": _("outcome"),
        "owner_level": _("how the owner was found"),
        "owner_role": _("role of the owner"),
        "percent": _("percent of the time"),
        "raised_at": _("raised at"),
        "reason": _("reason"),
        "recurs_as": _("what it is a case of"),
        "severity": _("severity"),
        "step": _("step of the path"),
        "type": _("kind of exception"),
        "until": _("until"),
        "version_kind": _("kind of version"),
        "why": _("why"),
    }
)
