"""What happens to people, rights and terminals; ids only: names and badges must stay erasable."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from apps.core.events import Event, declare_words


class SignedIn(Event, subject="person", label=_("Somebody signs in")):
    """`by` is "badge" or "password"."""

    by: str


class SignInUnderAttack(Event, subject="sign_in_throttle", label=_("Sign-in under attack")):
    """So many wrong tries that somebody should look; the subject is "person:12" or "terminal:3"."""

    failures: int


class PersonCreated(Event, subject="person", label=_("Person added")):
    pass


class PersonChanged(Event, subject="person", label=_("Person changed")):
    """Names of the fields that changed, without their values."""

    fields: tuple[str, ...]


class PinSet(Event, subject="person", label=_("PIN set")):
    pass


class PasswordSet(Event, subject="person", label=_("Password set")):
    pass


class PersonDeactivating(Event, subject="person", label=_("Person about to be deactivated")):
    """Told before it happens: a subscriber refuses where the person can't be spared."""


class PersonDeactivated(Event, subject="person", label=_("Person deactivated")):
    pass


class PersonReactivated(Event, subject="person", label=_("Person active again")):
    pass


class RoleAssigned(Event, subject="role_assignment", label=_("Role given")):
    person_id: int
    role: str
    place: str


class RoleAssignmentEnded(Event, subject="role_assignment", label=_("Role taken away")):
    person_id: int
    role: str
    place: str


class RoleAdded(Event, subject="role", label=_("Role added")):
    code: str


class SkillAdded(Event, subject="skill", label=_("Skill added")):
    code: str


class ReasonCodeAdded(Event, subject="reason_code", label=_("Reason code added")):
    purpose: str
    code: str


class RoleActionsSet(Event, subject="role", label=_("Rights of a role set")):
    added: tuple[str, ...]
    removed: tuple[str, ...]


class TerminalEnrolled(Event, subject="terminal", label=_("Screen enrolled")):
    place: str


class TerminalRevoked(Event, subject="terminal", label=_("Screen revoked")):
    pass


class QualificationLost(Event, subject="person_skill", label=_("Qualification lost")):
    """A skill was taken away, or its days were changed so that it no longer holds today."""

    person_id: int
    skill: str


class PresenceBegan(Event, subject="presence", label=_("Somebody comes to work")):
    person_id: int
    work_center_id: int | None


class WentOffDuty(Event, subject="person", label=_("Somebody goes off duty")):
    """Said by the person, or for that person: told before the presence ends, so that what hangs on it ends first."""


class PresenceEnded(Event, subject="presence", label=_("Somebody has gone")):
    """`ended_by` is "person" or "rule"; a rule ends it at the last thing done, which lies in the past."""

    person_id: int
    work_center_id: int | None
    ended_by: str
    started_at: datetime
    ended_at: datetime


class DutyRostered(Event, subject="duty", label=_("Duty rostered")):
    person_id: int
    role: str
    place: str
    starts_at: datetime
    ends_at: datetime


class DutySwapped(Event, subject="duty", label=_("Duty swapped")):
    """The subject is the entry of the new person; of one that ran already, the old entry ends where this begins."""

    old_person_id: int
    new_person_id: int
    role: str
    place: str
    starts_at: datetime
    ends_at: datetime


class DutyEntryEnded(Event, subject="duty", label=_("Duty ended early")):
    person_id: int
    role: str
    place: str
    starts_at: datetime
    ends_at: datetime


class AbsenceReported(Event, subject="absence", label=_("Absence reported")):
    """`ends_at` None: until further notice."""

    person_id: int
    deputy_id: int | None
    starts_at: datetime
    ends_at: datetime | None


class AbsenceEnded(Event, subject="absence", label=_("Absence ended")):
    person_id: int
    ended_at: datetime


declare_words(
    {
        "added": _("added"),
        "by": _("by what"),
        "code": _("code"),
        "ended_at": _("ended at"),
        "ended_by": _("ended by what"),
        "ends_at": _("ends at"),
        "failures": _("failed attempts"),
        "fields": _("what was changed"),
        "place": _("place"),
        "purpose": _("purpose"),
        "removed": _("removed"),
        "role": _("role"),
        "skill": _("qualification"),
        "started_at": _("began at"),
        "starts_at": _("begins at"),
    }
)
