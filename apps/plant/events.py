"""What happens to people, rights and terminals; ids only: names and badges must stay erasable."""

from __future__ import annotations

from apps.core.events import Event


class SignedIn(Event, subject="person"):
    """`by` is "badge" or "password"."""

    by: str


class SignInUnderAttack(Event, subject="sign_in_throttle"):
    """So many wrong tries that somebody should look; the subject is "person:12" or "terminal:3"."""

    failures: int


class PersonCreated(Event, subject="person"):
    pass


class PersonChanged(Event, subject="person"):
    """Names of the fields that changed, without their values."""

    fields: tuple[str, ...]


class PinSet(Event, subject="person"):
    pass


class PasswordSet(Event, subject="person"):
    pass


class PersonDeactivated(Event, subject="person"):
    pass


class PersonReactivated(Event, subject="person"):
    pass


class RoleAssigned(Event, subject="role_assignment"):
    person_id: int
    role: str
    place: str


class RoleAssignmentEnded(Event, subject="role_assignment"):
    person_id: int
    role: str
    place: str


class RoleActionsSet(Event, subject="role"):
    added: tuple[str, ...]
    removed: tuple[str, ...]


class TerminalEnrolled(Event, subject="terminal"):
    place: str


class TerminalRevoked(Event, subject="terminal"):
    pass
