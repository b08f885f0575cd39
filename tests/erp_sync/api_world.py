"""Another system with a token, and the rows it begins with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from pydantic import SecretStr

from apps.core import clock
from apps.core.actors import Actor
from apps.erp_sync.api.commands import create_token
from apps.erp_sync.api.scopes import SCOPES, of_all_sites
from apps.erp_sync.api.secret_texts import new_secret
from apps.erp_sync.models import ApiToken
from apps.plant.models import Site
from tests.world import run

PIECE = {"key": "unit,1", "code": "u", "name": "piece", "category": "count", "factor": "1", "digits": 0}
KG = {"key": "unit,2", "code": "kg", "name": "kilogram", "category": "mass", "factor": "1000", "digits": 3}
PUMP = {
    "key": "p,1",
    "version": "1",
    "version_at": "2026-11-22T12:00:00Z",
    "code": "PUMP",
    "name": "Pump",
    "unit": "unit,1",
    "kind": "made",
}
ROTOR = {**PUMP, "key": "p,2", "code": "ROTOR", "name": "Rotor"}
DUE = "2030-01-07T14:00:00Z"


@dataclass
class System:
    """What it says and hears."""

    secret: str
    token: ApiToken

    def headers(self, key: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", "Idempotency-Key": key or str(uuid4())}

    def send(self, name: str, *rows: Any, query: str = "", key: str = "", **body: Any) -> Any:
        return self.post(f"{name}/{query}", {**body, "rows": list(rows)}, key=key)

    def post(self, path: str, body: Any, *, key: str = "", content_type: str = "application/json") -> Any:
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return Client().post(f"/api/v1/{path}", text, content_type=content_type, headers=self.headers(key))

    def get(self, path: str) -> Any:
        return Client().get(f"/api/v1/{path}", headers=self.headers())


def make_system(site: Site | None = None, *, scopes: list[str] | None = None, name: str = "") -> System:
    secret = new_secret()
    given = scopes or sorted(SCOPES - set(of_all_sites(SCOPES) if site else []))
    pk = run(
        create_token,
        Actor.system("tests"),
        name=name or f"erp {uuid4().hex[:8]}",
        site_id=site.pk if site else None,
        scopes=given,
        expires_at=clock.now() + timedelta(days=30),
        secret=SecretStr(secret),
    )
    return System(secret, ApiToken.objects.get(pk=pk))


def outcomes(answer: Any) -> list[str]:
    return [row["outcome"] for row in answer.json()["results"]]


def rejected(answer: Any) -> list[tuple[int, str]]:
    return [(row["index"], row["field"]) for row in answer.json()["results"] if row["outcome"] == "rejected"]
