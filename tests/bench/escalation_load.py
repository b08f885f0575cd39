"""10,000 open exceptions at one line, and 1,000 of their timers due at one instant: until the last one has fired.

seconds   from the instant at which they are due until the last one's firing is committed, by the worker of `make up`
doubled   steps taken twice, by the ledger      missed  steps not taken
The baseline takes the same timers by bare SQL, one thread, 20 at a time: claim with SKIP LOCKED, mark, one row of the
ledger, one notification and one new timer for each, and nothing else (nobody is looked for, no plan is made).
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any
from uuid import uuid4

import psutil

from tests.bench.figures import compared, load, told
from tests.bench.running import own_wire, product
from tests.supervisor.product import until

OPEN, DUE, RUNS, AT_ONCE, PORTION = 10_000, 1_000, 5, 20, 500
BARS = {"seconds": "<= 10", "doubled": "<= 0", "missed": "<= 0"}

CLAIM = """
SELECT timer.id, timer.exception_id, exception.site_id, exception.owner_id, timer.step
FROM andon_timer AS timer JOIN andon_floorexception AS exception ON exception.id = timer.exception_id
WHERE timer.fired_at IS NULL AND timer.due_at <= now() ORDER BY timer.failures, timer.due_at, timer.id
LIMIT %s FOR UPDATE OF timer, exception SKIP LOCKED
"""
FIRED = "UPDATE andon_timer SET fired_at = now(), outcome = 'done' WHERE id = ANY(%s)"
LEDGER = """
INSERT INTO core_ledgerevent
       (kind, site_id, subject_kind, subject_id, thread, agent, origin, occurred_at, erp_reference, data)
VALUES ('bench.escalated', %s, 'exception', %s, '', 'bench', 'rule', now(), '', '{}')
"""
TOLD = """
INSERT INTO andon_notification (site_id, exception_id, person_id, timer_id, occasion, severity, level, channels, tried,
                                failures, state, created_at, due_at, story, context)
VALUES (%s, %s, %s, %s, 'step', 3, 1, '{banner}', 0, 0, 'sent', now(), now(), '', '{}')
"""
NEXT = """
INSERT INTO andon_timer (exception_id, kind, step, round, due_at, outcome, failures)
VALUES (%s, 'step', %s, 99, now() + interval '1 day', '', 0)
"""


def main() -> None:
    with product() as running:
        raise_all()
        worker = psutil.Process(running.pid_of("worker"))
        own: list[float] = []
        bare: list[float] = []
        for turn in range(RUNS):
            own.append(fired_by_the_worker(turn))
            bare.append(by_hand(worker, turn))
            print(f"mfgos {own[-1]:6.2f} s, bare SQL {bare[-1]:6.2f} s, {load()}", flush=True)
        doubled, missed = counted()
    compared("1,000 timers", "s", own, bare, "bare SQL")
    told("escalation_load", {"seconds": median(own), "doubled": doubled, "missed": missed}, BARS)


def raise_all() -> None:
    from apps.core.actors import Actor
    from apps.plant.models import WorkCenter
    from tests.bench.raising import raise_some

    line = WorkCenter.objects.get(code="L3")
    where = {"site_id": line.site_id, "line_id": line.pk, "type_code": "missing_skill"}
    begun = time.monotonic()
    for first in range(0, OPEN, PORTION):
        raise_some(Actor.system("bench"), uuid4(), first=first, count=PORTION, **where)
    print(f"{OPEN} exceptions raised, {PORTION} at once, in {time.monotonic() - begun:.1f} s", flush=True)
    with own_wire() as wire:
        wire.execute("UPDATE andon_timer SET due_at = now() + interval '1 day' WHERE fired_at IS NULL")
        wire.commit()


def make_due(wire: Any, turn: int, seconds: float) -> list[int]:
    """The first steps of the next thousand exceptions."""
    rows = wire.execute(
        "UPDATE andon_timer SET due_at = now() + make_interval(secs => %s) WHERE id IN ("
        "SELECT timer.id FROM andon_timer AS timer JOIN andon_floorexception AS e ON e.id = timer.exception_id "
        "WHERE timer.kind = 'step' AND timer.fired_at IS NULL AND timer.round = e.round AND e.next_step = 0 "
        "AND timer.step = 0 AND e.cause_kind = 'bench' ORDER BY timer.id LIMIT %s) RETURNING id",
        [seconds, DUE],
    ).fetchall()
    wire.commit()
    assert len(rows) == DUE, f"turn {turn}: {len(rows)} timers are left"
    return [row[0] for row in rows]


def fired_by_the_worker(turn: int) -> float:
    with own_wire() as wire:
        ids = make_due(wire, turn, 1)
        due = time.monotonic() + 1

        def done() -> bool:
            left = wire.execute("SELECT count(*) FROM andon_timer WHERE id = ANY(%s) AND fired_at IS NULL", [ids])
            (count,) = left.fetchone() or (0,)
            wire.commit()
            return bool(count == 0)

        until(done, 120)
        return time.monotonic() - due


def by_hand(worker: psutil.Process, turn: int) -> float:
    """While the worker of the product stands."""
    worker.suspend()
    try:
        with own_wire() as wire:
            make_due(wire, turn, 0)
            begun, left = time.monotonic(), DUE
            while left > 0:
                rows = wire.execute(CLAIM, [AT_ONCE]).fetchall()
                if not rows:
                    break
                for timer_id, exception_id, site_id, person_id, step in rows:
                    wire.execute(LEDGER, [site_id, str(exception_id)])
                    wire.execute(TOLD, [site_id, exception_id, person_id, timer_id])
                    wire.execute(NEXT, [exception_id, step + 1])
                wire.execute(FIRED, [[row[0] for row in rows]])
                wire.commit()
                left -= len(rows)
            return time.monotonic() - begun
    finally:
        worker.resume()


def counted() -> tuple[float, float]:
    with own_wire() as wire:
        doubled = wire.execute(
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM core_ledgerevent "
            "WHERE kind = 'andon.escalated' GROUP BY subject_id, data ->> 'step') AS steps"
        ).fetchone()
        taken = wire.execute("SELECT count(*) FROM core_ledgerevent WHERE kind = 'andon.escalated'").fetchone()
    assert doubled
    assert taken
    return float(doubled[0]), float(max(0, RUNS * DUE - taken[0]))
