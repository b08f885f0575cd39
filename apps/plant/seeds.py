"""Roles and reason codes out of the box: adds what is missing, never overwrites what the plant has made of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.conf import settings

from apps.core import rights
from apps.core.actors import Actor
from apps.plant.commands import set_role_actions
from apps.plant.models.reasons import ReasonCode
from apps.plant.models.roles import Role, SeededRoleAction

FIXTURES = settings.BASE_DIR / "fixtures"


def seed() -> list[str]:
    """What was added or left out, a line each; nothing when all is there."""
    return [*_roles(), *_reasons()]


def _roles() -> Iterator[str]:
    missing: defaultdict[str, list[str]] = defaultdict(list)
    for entry in json.loads((FIXTURES / "roles.json").read_text()):
        role, created = Role.objects.get_or_create(
            code=entry["code"], defaults={"names": entry["names"], "description": entry["description"]}
        )
        if created:
            yield f"role {role.code} added"
        for code in entry["actions"]:
            if code not in rights.ACTIONS:
                missing[code].append(role.code)
        yield from _give(role, [code for code in entry["actions"] if code in rights.ACTIONS])
    for code, roles in missing.items():
        yield f"action {code} is not there yet: left out of {', '.join(roles)}"


def _give(role: Role, codes: list[str]) -> Iterator[str]:
    """Each action once in the life of the role: what a plant has taken away is not given back."""
    given = set(SeededRoleAction.objects.filter(role=role).values_list("code", flat=True))
    new = tuple(code for code in codes if code not in given)
    if new:
        set_role_actions(Actor.system("seed"), uuid4(), role=role.code, add=new)
        SeededRoleAction.objects.bulk_create([SeededRoleAction(role=role, code=code) for code in new])
        yield f"role {role.code} may {', '.join(new)}"


def _reasons() -> Iterator[str]:
    for purpose, entries in json.loads((FIXTURES / "reason_codes.json").read_text()).items():
        added = sum(_reason(purpose, entry, None) for entry in entries)
        if added:
            yield f"{added} reason codes for {purpose} added"


def _reason(purpose: str, entry: dict[str, Any], parent: ReasonCode | None) -> int:
    """How many were added: this one and those below it."""
    row, created = ReasonCode.objects.get_or_create(
        purpose=purpose, code=entry["code"], defaults={"labels": entry["labels"], "parent": parent}
    )
    return created + sum(_reason(purpose, child, row) for child in entry.get("children", []))
