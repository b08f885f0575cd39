"""What the engine asks the plant: who may, who is able, what people and reasons are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from apps.core.actors import Actor
from apps.core.one_look import read_once
from apps.core.prepared import Given, Prepared
from apps.core.rights import Scope
from apps.plant.access import person_known, qualified, roles_at
from apps.plant.models import Person, Purpose, ReasonCode, Role, Site, Skill
from apps.workflows.definition import SYSTEM_ROLE
from apps.workflows.telling import Names


def roles_of(actor: Actor, scope: Scope) -> frozenset[str]:
    """Codes of the roles the actor takes edges by at the place; one query. A part of the system has one of its own."""
    held = {SYSTEM_ROLE} if actor.is_system else set()
    if actor.person_id is not None:
        held |= roles_at(actor.person_id, scope)
    return frozenset(held)


def missing_skills(actor: Actor, codes: Collection[str], at: datetime) -> list[str]:
    """Those of the skills that are lacked; the system lacks none, a terminal where nobody signed in lacks all."""
    if not codes or (actor.is_system and actor.person_id is None):
        return []
    return list(codes) if actor.person_id is None else qualified(actor.person_id, list(codes), at)


def skill_names(codes: Collection[str]) -> str:
    names = dict(Skill.objects.filter(code__in=codes).values_list("code", "name"))
    return ", ".join(names.get(code, code) for code in sorted(codes))


def role_names(codes: Collection[str]) -> str:
    return ", ".join(map(_role_name, codes))


def _role_name(code: str) -> str:
    if code == SYSTEM_ROLE:
        return _("the system itself")
    role = _roles().get(code)
    return role.label() if role else code


@read_once
def _roles() -> dict[str, Role]:
    return {role.code: role for role in _ROLES()}


_ROLES = Prepared(lambda: Role.objects.order_by("code"))


def person_name(person_id: int | None) -> str:
    person = person_known(person_id) if person_id is not None else None
    return str(person) if person else ""


def person_names(ids: Collection[int]) -> dict[int, str]:
    """One query; whoever has been erased is not among them."""
    return {person.pk: str(person) for person in Person.objects.filter(pk__in=ids)}


def names() -> Names:
    """Of roles and skills; two queries."""
    return Names(
        roles={SYSTEM_ROLE: _("the system itself")} | {code: role.label() for code, role in _roles().items()},
        skills=dict(Skill.objects.values_list("code", "name")),
    )


def reasons(purposes: Iterable[str]) -> dict[str, dict[str, str]]:
    """purpose -> {code: label in the active language}; one query, none where nothing is asked."""
    found: dict[str, dict[str, str]] = {purpose: {} for purpose in sorted(set(purposes))}
    for reason in _REASONS(purposes=list(found)) if found else ():
        found[reason.purpose][reason.code] = reason.label()
    return found


_REASONS = Prepared(lambda: ReasonCode.objects.choosable().filter(purpose__any=Given("purposes")))


def known_roles() -> dict[str, frozenset[str]]:
    """code -> the actions it holds; one query. The system's own role holds none: it is asked for none."""
    held: defaultdict[str, set[str]] = defaultdict(set)
    for role, action in _ACTIONS():
        held[role].add(action or "")
    return {SYSTEM_ROLE: frozenset(), **{role: frozenset(actions) for role, actions in held.items()}}


def known_skills() -> frozenset[str]:
    return frozenset(code for (code,) in _SKILLS())


def known_purposes() -> frozenset[str]:
    return frozenset(Purpose.values)


def filled_purposes() -> frozenset[str]:
    """Purposes under which there is a reason to choose."""
    return frozenset(purpose for (purpose,) in _FILLED())


def known_places() -> dict[str, frozenset[str]]:
    """Site -> its lines, by their codes."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for site, line in _PLACES():
        found[site] |= {line} if line else set()
    return {site: frozenset(lines) for site, lines in found.items()}


_ACTIONS = Prepared(lambda: Role.objects.order_by().values_list("code", "actions__code"))
_SKILLS = Prepared(lambda: Skill.objects.order_by().values_list("code"))
_FILLED = Prepared(lambda: ReasonCode.objects.filter(active=True).order_by().values_list("purpose").distinct())
_PLACES = Prepared(lambda: Site.objects.order_by().values_list("code", "work_centers__code"))
