"""Answers the one question of apps.core.rights from roles, and tells who speaks through a browser.

A terminal shows its boards to whoever stands there; to act, a person signs in at it with badge and PIN, which gives the
rights of the floor only, and lapses when nothing is done. At a desk a person signs in with a password.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import OuterRef, Q
from django.utils.crypto import constant_time_compare

from apps.core import clock, rights
from apps.core.actors import Actor
from apps.core.models import LedgerEvent
from apps.core.one_look import read_once
from apps.core.prepared import Given, Prepared
from apps.core.rights import EVERYWHERE, Action, Scope
from apps.plant.events import SignedIn
from apps.plant.models.people import Person, PersonSkill, PersonSkillQuerySet
from apps.plant.models.roles import Role, RoleAction, RoleAssignment, place_of
from apps.plant.models.terminals import Terminal

TERMINAL_COOKIE = "mfgos_terminal"

# What a terminal may do with nobody signed in, at its own place.
TERMINAL_ACTIONS = frozenset({"floor.view_board", "floor.view_station"})

# How long after badge and PIN (or password) were given somebody may sign by them.
PROOF_HOLDS = timedelta(seconds=60)

# Keys of a session that a badge and PIN opened; apps.plant.sessions writes them.
SIGN_IN, BY_PIN, AT_TERMINAL, LAST_ACT = "sign_in", "pin", "terminal_id", "last_act"


class PlantAuthorizer:
    def may(self, actor: Actor, action: Action, scope: Scope) -> bool:
        """One query, within one look once for all that is asked."""
        held = self.places(actor, action)
        return bool(held & scope) or held >= EVERYWHERE

    def places(self, actor: Actor, action: Action) -> Scope:
        """One query, within one look once for all that is asked."""
        if actor.person_id is not None:
            held = _roles_held(actor.person_id)
            return frozenset(role.place for role in held if action.code in role.actions)
        if actor.terminal_id is not None and action.code in TERMINAL_ACTIONS:
            terminal = terminal_known(actor.terminal_id)
            return frozenset({terminal.place}) if terminal else frozenset()
        return frozenset()

    def holders(self, action: Action) -> list[str]:
        """One query, within one look once for an action."""
        return [role.label() for role in _roles_with(action.code)]

    def identify(self, session: SessionBase, cookies: Mapping[str, str]) -> Actor | None:
        """Two queries at most, besides that of the session itself."""
        terminal = terminal_of(cookies)
        person = _signed_in(session)
        if person is not None and session.get(SIGN_IN) != BY_PIN:
            return Actor(person_id=person.pk, terminal_id=terminal.pk if terminal else None)
        if terminal is None:
            return None
        if person is not None and _is_fresh(session, terminal):
            return floor_actor(person.pk, terminal.pk)
        return Actor(terminal_id=terminal.pk)


def floor_actor(person_id: int, terminal_id: int) -> Actor:
    """Who has proved to be there with badge and PIN."""
    return Actor(person_id=person_id, terminal_id=terminal_id, restricted_to=floor_actions())


def floor_actions() -> frozenset[str]:
    """All that a badge and PIN can give."""
    return frozenset(action.code for action in rights.ACTIONS.values() if not action.desk)


def terminal_of(cookies: Mapping[str, str]) -> Terminal | None:
    """The enrolled terminal that these cookies prove to be, or None."""
    key, _separator, secret = cookies.get(TERMINAL_COOKIE, "").partition(".")
    if not (secret and key.isascii() and key.isdigit() and len(key) < 19):
        return None
    terminal = terminal_known(int(key))
    return terminal if terminal and terminal.secret_matches(secret) else None


@read_once
def terminal_known(terminal_id: int) -> Terminal | None:
    """None for one that is unknown or revoked. One query."""
    return _TERMINAL.first(pk=terminal_id)


_TERMINAL = Prepared(lambda: Terminal.objects.active().select_related("work_unit").filter(pk=Given("pk")))


@read_once
def person_known(person_id: int) -> Person | None:
    """Active or not. One query."""
    return _PERSON.first(pk=person_id)


_PERSON = Prepared(lambda: Person.objects.get_queryset().filter(pk=Given("pk")))


def roles_at(person_id: int, scope: Scope) -> set[str]:
    """Codes of the roles that a person holds now for one of the places in `scope`. One query."""
    return {role.code for role in _roles_held(person_id) if role.place in scope or role.place in EVERYWHERE}


def has_role(actor: Actor, codes: Collection[str], scope: Scope) -> bool:
    return actor.person_id is not None and not roles_at(actor.person_id, scope).isdisjoint(codes)


def people_with_role(codes: Collection[str], scope: Scope) -> set[int]:
    """Ids of the people who hold one of the roles now for one of the places in `scope`."""
    return set(nearest_places(codes, scope, clock.now()))


def nearest_places(codes: Collection[str], scope: Scope, at: datetime) -> dict[int, str]:
    """Whoever is active and holds one of the roles at `at` for one of the places in `scope`: id -> nearest of these."""
    found: dict[int, str] = {}
    for person_id, everywhere, site_id, area_id, line_id in _HOLDERS(codes=sorted(codes), now=at):
        place = place_of(everywhere, site_id, area_id, line_id)
        if place in scope and (person_id not in found or nearness(place) < nearness(found[person_id])):
            found[person_id] = place
    return found


def nearness(place: str) -> int:
    """The nearer a place, the smaller: line, area, site, everywhere."""
    return _NEAREST_FIRST.index(place.partition(":")[0])


def all_qualified(skill_codes: Collection[str], at: datetime) -> set[int]:
    """Ids of the active people who hold every one of the skills on the day of `at` in its own time zone; one query."""
    held: defaultdict[int, set[str]] = defaultdict(set)
    for person_id, code in _holding(at).filter(skill__code__in=skill_codes).values_list("person", "skill__code"):
        held[person_id].add(code)
    return {person_id for person_id, codes in held.items() if codes.issuperset(skill_codes)}


def qualified(person_id: int, skill_codes: Collection[str], at: datetime) -> list[str]:
    """Those of the skills that the person does not hold on the day of `at` in its own time zone; empty: qualified."""
    held = _holding(at).filter(person=person_id, skill__code__in=skill_codes)
    return sorted(set(skill_codes) - set(held.values_list("skill__code", flat=True)))


def has_proved(person_id: int, proof: UUID, at: datetime, *, by_badge: bool = False) -> bool:
    """The command `proof` was this person's sign-in by badge and PIN, or password, no longer ago than a signature may
    take. One query.

    by_badge  it has to be badge and PIN: whoever gives these is there
    """
    signed_in = LedgerEvent.objects.filter(command_id=proof, kind=SignedIn.kind, subject_id=str(person_id))
    if by_badge:
        signed_in = signed_in.filter(data__by="badge")
    return signed_in.filter(occurred_at__gt=at - PROOF_HOLDS).exists()


def _holding(at: datetime) -> PersonSkillQuerySet:
    day = at.date()
    return PersonSkill.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gte=day), person__is_active=True, valid_from__lte=day
    )


@dataclass(frozen=True)
class _RoleHeld:
    """A role at a place, and the codes of what it may do there."""

    code: str
    place: str
    actions: frozenset[str]


@read_once
def _roles_with(action: str) -> list[Role]:
    return list(Role.objects.filter(actions__code=action))


@read_once
def _roles_held(person_id: int) -> tuple[_RoleHeld, ...]:
    """All that an active person holds now; one query."""
    rows = _ROLES_HELD(person=person_id, now=clock.now())
    return tuple(_RoleHeld(code, place_of(*place), frozenset(actions)) for code, actions, *place in rows)


_ROLES_HELD = Prepared(
    lambda: (
        RoleAssignment.objects.valid_at(Given("now"))
        .filter(person=Given("person"), person__is_active=True)
        .order_by()
        .values_list(
            "role__code",
            ArraySubquery(RoleAction.objects.order_by().filter(role=OuterRef("role")).values("code")),
            "everywhere",
            "site_id",
            "area_id",
            "work_center_id",
        )
    )
)
_HOLDERS = Prepared(
    lambda: (
        RoleAssignment.objects.valid_at(Given("now"))
        .filter(person__is_active=True, role__code__any=Given("codes"))
        .values_list("person_id", "everywhere", "site_id", "area_id", "work_center_id")
    )
)
_NEAREST_FIRST = ("line", "area", "site", "everywhere")


def _signed_in(session: SessionBase) -> Person | None:
    """The active person of the session; a password or PIN changed since, or a deactivation, has ended it."""
    key = str(session.get(SESSION_KEY, ""))
    if not key.isdigit():
        return None
    person = person_known(int(key))
    if person is None or not person.is_active:
        return None
    hashes = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
    proof = str(session.get(HASH_SESSION_KEY, ""))
    return person if any(constant_time_compare(proof, expected) for expected in hashes) else None


def _is_fresh(session: SessionBase, terminal: Terminal) -> bool:
    """Whether the PIN was given at this terminal, and something was done since within its time."""
    last_act = session.get(LAST_ACT)
    if session.get(AT_TERMINAL) != terminal.pk or not isinstance(last_act, int | float):
        return False
    return clock.now().timestamp() - last_act <= terminal.auto_lock_seconds
