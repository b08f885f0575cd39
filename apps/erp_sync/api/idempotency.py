"""The same key from the same token at the same address: the effect once, the answer as often as it is asked for.

The effect is claimed in its own transaction by the receipt of its command, whose id is made of the key; the answer is
kept after it. A crash between the two costs nothing: the receipt gives the command's answer again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from django.db import connection
from django.utils.translation import gettext as _
from rest_framework.request import Request

from apps.erp_sync.api.problems import Problem
from apps.erp_sync.models import ApiCall

HEADER, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
NAMESPACE = UUID("6f3c5c1e-6a52-4f0e-9a43-6f2f4c1b7a10")
LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class Claim:
    token_id: int
    method: str
    path: str
    key: str
    body_hash: str

    @property
    def command_id(self) -> UUID:
        return uuid5(NAMESPACE, json.dumps([self.token_id, self.method, self.path, self.key]))


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    body: dict[str, Any]


def key_of(request: Request) -> str:
    """Raises Problem."""
    key = request.headers.get(HEADER, "").strip()
    if not key or len(key) > LONGEST or "\0" in key:
        raise Problem(
            "idempotency_key_missing", 400, _("Send an Idempotency-Key of 1 to 200 characters with every write.")
        )
    return key


def hash_of(body: Any, query: Mapping[str, Any]) -> str:
    """Of the canonical body, and of what the address says about it (mode, dry run)."""
    text = json.dumps([body, sorted(query.items())], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@contextmanager
def running(claim: Claim) -> Iterator[None]:
    """Nobody else answers the same claim meanwhile; the lock is the connection's, so it ends with it.

    Raises Problem when somebody does already.
    """
    number = claim.command_id.int >> 65
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise Problem("still_running", 409, _("The first call with this key is still at work. Ask again."))
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def find(claim: Claim) -> Answer | None:
    """What was answered before.  Raises Problem when the key was used for another body."""
    stored = ApiCall.objects.filter(
        token_id=claim.token_id, method=claim.method, path=claim.path, key=claim.key
    ).first()
    if stored is None:
        return None
    if stored.body_hash != claim.body_hash:
        raise Problem("idempotency_key_reused", 422, _("This key was used for another body. Take a new one."))
    return Answer(status=stored.status, body=stored.answer)


def keep(claim: Claim, answer: Answer) -> None:
    """Not for answers that the next try may change."""
    if answer.status >= 500 or answer.status == 429:
        return
    row = ApiCall(
        token_id=claim.token_id,
        method=claim.method,
        path=claim.path,
        key=claim.key,
        body_hash=claim.body_hash,
        status=answer.status,
        answer=answer.body,
    )
    ApiCall.objects.bulk_create([row], ignore_conflicts=True)
