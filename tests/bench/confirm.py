"""One booking: the command that the floor uses, against the same rows written by bare SQL.

Timed in this process, from the call until it returns, COMMIT with fsync included, one after another as mfgos_app.  Both
write a receipt with its answer, a confirmation, the sums of the operation, its history row and a ledger event, note
that the person is at work (at the operation, and at the site), and announce three topics, in one transaction under the
lock of the operation (the command notes it after the transaction).  The command also asks for the right, checks the
quantities and looks for a receipt with the same id.  Runs alternate; ratio_bare_sql is of the medians.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg

from tests.bench.figures import compared, load, percentile, told
from tests.bench.running import own_wire, product
from tests.supervisor.product import Product

RUNS, BOOKINGS = 10, 100
BARS = {"p50_ms": "<= 15", "p99_ms": "<= 60", "ratio_bare_sql": "<= 4"}
WRITTEN = ("core_commandreceipt", "orders_confirmation", "orders_historicaljoborder", "core_ledgerevent")


def main() -> None:
    with product() as running:
        by_command, by_hand = both(running)
        own: list[list[float]] = []
        bare: list[list[float]] = []
        for _ in range(RUNS):
            own.append(timed(by_command))
            bare.append(timed(by_hand))
            print(f"command p50 {median(own[-1]):6.2f} ms, bare SQL p50 {median(bare[-1]):6.2f} ms, {load()}")
    ratio = compared("booking", "ms", [median(run) for run in own], [median(run) for run in bare], "bare SQL")
    every = [taken for run in own for taken in run]
    told(
        "confirm",
        {"p50_ms": percentile(every, 50), "p99_ms": percentile(every, 99), "ratio_bare_sql": ratio},
        BARS,
    )


def timed(book: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(BOOKINGS):
        begun = time.perf_counter()
        book()
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


def both(running: Product) -> tuple[Callable[[], object], Callable[[], object]]:
    """The two ways to book one piece on the same operation; tried once, and what they write is compared."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from apps.core.actors import Actor
    from apps.orders.commands import confirm_quantity
    from apps.orders.models import JobOrder
    from tests.bench.live_push import prepare

    watched = prepare(running)
    actor = Actor(person_id=watched.person_id)

    def by_command() -> object:
        return confirm_quantity(actor, uuid4(), job_order_id=watched.job_id, good=Decimal(1))

    columns = ", ".join(field.column for field in JobOrder._meta.concrete_fields)
    by_hand = ByHand(own_wire(), watched.job_id, watched.person_id, columns)
    with CaptureQueriesContext(connection) as queries:
        written = grown(by_command)
    assert written == grown(by_hand) == [1, 1, 1, 1, 1], "the two do not write the same"
    mine = [query["sql"] for query in queries if "count(*)" not in query["sql"] and "max(last" not in query["sql"]]
    print(f"{len(mine)} statements in the command, {by_hand.statements} by hand (BEGIN and COMMIT included)")
    return by_command, by_hand


def grown(book: Callable[[], object]) -> list[int]:
    """How many rows more there are, of each table; and whether the person was seen at work."""
    before, seen = counts(), last_seen_at_work()
    book()
    more = [after - count for after, count in zip(counts(), before, strict=True)]
    return [*more, int(last_seen_at_work() > seen)]


def counts() -> list[int]:
    from django.db import connection

    found = []
    with connection.cursor() as cursor:
        for table in WRITTEN:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found.append(cursor.fetchone()[0])
    return found


def last_seen_at_work() -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least((SELECT max(last_evidence_at) FROM labor_timeentry WHERE ended_at IS NULL), "
            "(SELECT max(last_evidence_at) FROM plant_presence WHERE ended_at IS NULL))"
        )
        return cursor.fetchone()[0]


@dataclass
class ByHand:
    """What somebody would write who wanted these rows and nothing else."""

    wire: psycopg.Connection[Any]
    job_id: int
    person_id: int
    columns: str
    statements: int = 0

    def __call__(self) -> None:
        with self.wire.cursor() as cursor:
            self._book(cursor)
        self.wire.commit()
        self.statements = 11

    def _book(self, cursor: psycopg.Cursor[Any]) -> None:
        command_id, good = uuid4(), Decimal(1)
        cursor.execute(
            "SELECT j.site_id, j.work_order_id, j.work_center_id, j.work_unit_id, o.number, now() "
            "FROM orders_joborder j JOIN orders_workorder o ON o.id = j.work_order_id "
            "WHERE j.id = %s FOR UPDATE OF j",
            [self.job_id],
        )
        site, order, line, unit, number, now = cursor.fetchone() or ()
        cursor.execute(
            "INSERT INTO orders_confirmation (site_id, job_order_id, good, scrap, person_id, command_id, occurred_at) "
            "VALUES (%s, %s, %s, 0, %s, %s, %s) RETURNING id",
            [site, self.job_id, good, self.person_id, command_id, now],
        )
        (confirmation,) = cursor.fetchone() or ()
        cursor.execute(
            "UPDATE orders_joborder SET good_quantity = good_quantity + %s WHERE id = %s "
            "RETURNING good_quantity, scrap_quantity, state, status",
            [good, self.job_id],
        )
        total, scrap, state, status = cursor.fetchone() or ()
        cursor.execute(
            f"INSERT INTO orders_historicaljoborder ({self.columns}, history_date, history_type) "
            f"SELECT {self.columns}, now(), '~' FROM orders_joborder WHERE id = %s",
            [self.job_id],
        )
        event = {
            "confirmation_id": confirmation,
            "work_order_id": order,
            "work_center_id": line,
            "good": str(good),
            "scrap": "0",
            "scrap_reason_id": None,
        }
        cursor.execute(
            "INSERT INTO core_ledgerevent (kind, site_id, subject_kind, subject_id, thread, actor_id, agent, origin, "
            "occurred_at, command_id, erp_reference, data) "
            "VALUES ('orders.quantity_confirmed', %s, 'job_order', %s, %s, %s, '', 'chosen', %s, %s, %s, %s)",
            [site, str(self.job_id), f"work_order:{order}", self.person_id, now, command_id, number, json.dumps(event)],
        )
        answer = {
            "job_order_id": self.job_id,
            "state": state,
            "status": status,
            "good": str(total),
            "scrap": str(scrap),
        }
        cursor.execute(
            "INSERT INTO core_commandreceipt (command_id, name, digest, answer) "
            "VALUES (%s, 'orders.confirm_quantity', %s, %s)",
            [command_id, "0" * 64, json.dumps(answer)],
        )
        cursor.execute(
            "UPDATE labor_timeentry SET last_evidence_at = %s WHERE person_id = %s AND ended_at IS NULL",
            [now, self.person_id],
        )
        cursor.execute(
            "UPDATE plant_presence SET last_evidence_at = %s WHERE person_id = %s AND ended_at IS NULL",
            [now, self.person_id],
        )
        topics = [f"line:{line}", f"work_order:{order}", f"station:{unit}"]
        cursor.execute("SELECT pg_notify('mfgos_live', topic) FROM unnest(%s::text[]) AS topic", [topics])
