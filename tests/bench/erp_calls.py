"""Another system that sends: a token, one connection that is kept, and the rows that a plant's ERP begins with."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

ROWS_A_CALL = 1000
ITEMS, PARTS, OPERATIONS, COMPONENTS = 100, 200, 5, 8
VERSION = {"version": "1", "version_at": "2026-01-01T00:00:00Z"}
Row = dict[str, Any]


@dataclass
class Calls:
    wire: http.client.HTTPConnection
    secret: str
    site: str

    def send(self, name: str, rows: Iterable[Row], *, per_site: bool = True, **body: Any) -> dict[str, int]:
        """How many rows became what, over as many calls as it takes.  Each is a write of its own: a new key."""
        counts: dict[str, int] = {}
        for batch in batches(rows):
            sent = {"rows": batch, **body} | ({"site": self.site} if per_site else {})
            for outcome, count in self._call(f"/api/v1/{name}/", sent)["counts"].items():
                counts[outcome] = counts.get(outcome, 0) + count
        return counts

    def _call(self, path: str, body: Any) -> Any:
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Idempotency-Key": str(uuid4()),
            "Content-Type": "application/json",
        }
        self.wire.request("POST", path, json.dumps(body), headers)
        answer = self.wire.getresponse()
        said = answer.read()
        assert answer.status == 200, (path, answer.status, said[:500])
        return json.loads(said)


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, ROWS_A_CALL)):
        yield batch


def caller(port: int, site: str) -> Calls:
    """With a token of all sites, as an IT administrator gives it."""
    from pydantic import SecretStr

    from apps.core import clock
    from apps.core.actors import Actor
    from apps.erp_sync.api.commands import create_token
    from apps.erp_sync.api.scopes import SCOPES
    from apps.erp_sync.api.secret_texts import new_secret

    secret = new_secret()
    create_token(
        Actor.system("bench"),
        uuid4(),
        name="bench",
        scopes=sorted(SCOPES),
        expires_at=clock.now() + timedelta(days=1),
        secret=SecretStr(secret),
    )
    return Calls(http.client.HTTPConnection("127.0.0.1", port), secret, site)


def send_masters(calls: Calls) -> int:
    """What orders are made of; the parts of every second item are on stock.  How many rows that were."""
    lines = [{"key": f"wc,{n}", "code": f"BENCH{n}", "name": f"Line {n}"} for n in range(1, OPERATIONS + 1)]
    stock = [
        {"item": f"part,{n}", "location": "loc,1", "quantity": "1000000", "unit": "unit,1"}
        for n in range(PARTS)
        if n % 2 == 0
    ]
    counts = [
        calls.send("units", [_unit()], per_site=False),
        calls.send("items", _items(), per_site=False),
        calls.send("boms", [_bom(n) for n in range(ITEMS)], per_site=False),
        calls.send("work-centers", lines),
        calls.send("routings", [_routing(n) for n in range(ITEMS)]),
        calls.send("locations", [{"key": "loc,1", "code": "BENCH", "name": "Store", "kind": "storage", **VERSION}]),
        calls.send("stock", stock, as_of="2026-01-01T00:00:00Z", complete=False),
    ]
    assert not any(count.get("rejected") for count in counts), counts
    return sum(sum(count.values()) for count in counts)


def orders(prefix: str, count: int) -> list[Row]:
    return [
        {
            "key": f"{prefix},{n}",
            "number": f"{prefix}-{n}",
            "item": f"item,{n % ITEMS}",
            "quantity": str(10 + n % 90),
            "due_at": f"2030-01-{1 + n % 28:02}T14:00:00Z",
            "priority": 1 + n % 9,
            "customer": f"Customer {n % 50}",
            **VERSION,
        }
        for n in range(count)
    ]


def _unit() -> Row:
    return {"key": "unit,1", "code": "bench", "name": "piece", "category": "bench", "factor": "1", "digits": 0}


def _items() -> list[Row]:
    common = {"unit": "unit,1", **VERSION}
    made = [
        {"key": f"item,{n}", "code": f"B-{n:04}", "name": f"Pump {n}", "kind": "made", **common} for n in range(ITEMS)
    ]
    bought = [
        {"key": f"part,{n}", "code": f"P-{n:04}", "name": f"Part {n}", "kind": "bought", **common} for n in range(PARTS)
    ]
    return made + bought


def _bom(n: int) -> Row:
    """Two parts each go into the first three operations, one each into the last two."""
    lines = [
        {
            "item": f"part,{(n + 2 * position) % PARTS}",
            "quantity": str(1 + position % 3),
            "unit": "unit,1",
            "position": position + 1,
            "operation_sequence": 10 * (1 + position % OPERATIONS),
        }
        for position in range(COMPONENTS)
    ]
    return {"key": f"bom,{n}", "item": f"item,{n}", "code": f"B-{n}", "quantity": "1", "lines": lines, **VERSION}


def _routing(n: int) -> Row:
    steps = [
        {"sequence": 10 * step, "name": f"Step {step}", "work_center": f"wc,{step}"}
        for step in range(1, OPERATIONS + 1)
    ]
    return {"key": f"routing,{n}", "item": f"item,{n}", "code": f"R-{n}", "steps": steps, **VERSION}
