"""Types of exceptions, owners, escalation policies and a push key out of the box; a plant's own are left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from django.conf import settings

from apps.andon.commands.channels import make_plant_key
from apps.andon.commands.policies import install_policy
from apps.andon.models import EscalationPolicy, ExceptionType, OwnerRule, PushKey
from apps.core.actors import Actor
from apps.plant.models import Role

FILE = settings.BASE_DIR / "fixtures" / "andon.json"


def seed() -> list[str]:
    """A line for each that was added."""
    given = json.loads(FILE.read_text(encoding="utf-8"))
    return [*_policies(given["policies"]), *_types(given["types"]), *_push_key()]


def _push_key() -> Iterator[str]:
    if not PushKey.objects.exists() and make_plant_key(actor=Actor.system("seed"), command_id=uuid4()):
        yield "push key made"


def _policies(entries: list[dict[str, Any]]) -> Iterator[str]:
    known = set(EscalationPolicy.objects.values_list("code", flat=True))
    for entry in entries:
        if entry["code"] not in known:
            install_policy(
                actor=Actor.system("seed"),
                command_id=uuid4(),
                code=entry["code"],
                name=entry["name"],
                figures=entry["version"],
                steps=entry["steps"],
            )
            yield f"escalation policy {entry['code']} added"


def _types(entries: list[dict[str, Any]]) -> Iterator[str]:
    policies = {policy.code: policy for policy in EscalationPolicy.objects.all()}
    for entry in entries:
        fields: Mapping[str, Any] = {key: value for key, value in entry.items() if key not in ("code", "role")}
        row, created = ExceptionType.objects.get_or_create(
            code=entry["code"], defaults={**fields, "policy": policies[entry["policy"]]}
        )
        if created:
            OwnerRule.objects.create(type=row, role=Role.objects.get(code=entry["role"]))
            yield f"type of exception {entry['code']} added"
