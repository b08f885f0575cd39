"""The page of the blocked orders: 5,000 blockers among 200,000 operations, against a bare SQL join of the same rows.

Timed in this process as mfgos_app: `ms` is the median of the first page from request to answer, with its cures and
with who may apply them; the join gives the same 25 rows with order, operation, line, cause, owner and deadline, and
nothing else.  Runs alternate.  `more_queries` is what the page asks more than it did with 60 blockers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any
from uuid import uuid4

from tests.bench.figures import compared, load, told
from tests.bench.running import own_wire, product

OPERATIONS, BLOCKERS, ITEMS, RUNS = 200_000, 5_000, 400, 20
BARS = {"ms": "<= 100", "queries": "<= 40", "more_queries": "<= 0"}

BARE = """
SELECT o.number, o.item_name, o.quantity, o.due_at, j.sequence, j.name, line.code, b.facts, b.from_quantity,
       owner.name, e.deadline_at
  FROM orders_blocker b
  JOIN andon_floorexception e ON e.id = b.exception_id
  JOIN orders_joborder j ON j.id = b.job_order_id
  JOIN orders_workorder o ON o.id = j.work_order_id
  JOIN plant_workcenter line ON line.id = j.work_center_id
  JOIN plant_person owner ON owner.id = e.owner_id
 WHERE b.closed_at IS NULL AND b.exception_id IS NOT NULL AND b.site_id = %s
 ORDER BY least(e.deadline_at, o.due_at) NULLS LAST, o.number
 LIMIT 25
"""

# Orders of two operations; the first operation of some of them lacks one of the items.
ORDERS = """
INSERT INTO orders_workorder (site_id, number, item_code, item_name, quantity, unit, due_at, priority, customer,
                              over_delivery_percent, erp_key, erp_version)
SELECT %(site)s, %(prefix)s || n, 'BENCH', 'Bench', 24, 'pcs', now() + n * interval '1 minute', 5, '', 0, '', ''
  FROM generate_series(1, %(orders)s) AS n
"""
JOBS = """
INSERT INTO orders_joborder (site_id, work_order_id, sequence, name, work_center_id, quantity, good_quantity,
                             scrap_quantity, is_count_point, workflow_version_id, state, status, erp_key, erp_version)
SELECT %(site)s, o.id, 10 * step, 'Step ' || step, %(line)s, 24, 0, 0, true, %(version)s, 'waiting', 'waiting', '', ''
  FROM orders_workorder o CROSS JOIN generate_series(1, 2) AS step WHERE o.number LIKE %(prefix)s || '%%'
"""
BLOCKED = """
INSERT INTO orders_blocker (site_id, job_order_id, kind, from_quantity, facts, cause_key, exception_id, opened_at)
SELECT %(site)s, job.id, 'material', job.id %% 24, jsonb_build_object('item', item.code, 'unit', 'u', 'short', '4'),
       item.id::text, e.id, now()
  FROM (SELECT j.id, row_number() OVER (ORDER BY j.id) AS n FROM orders_joborder j
          JOIN orders_workorder o ON o.id = j.work_order_id
         WHERE o.number LIKE %(prefix)s || '%%' AND j.sequence = 10 ORDER BY j.id LIMIT %(blockers)s) AS job
  JOIN (SELECT id, code, row_number() OVER (ORDER BY id) - 1 AS n
          FROM materials_item WHERE code LIKE 'BENCH-%%') AS item ON item.n = job.n %% %(items)s
  JOIN andon_floorexception e ON e.cause_kind = 'shortage' AND e.cause_key = item.id::text AND e.closed_at IS NULL
"""


def main() -> None:
    with product():
        site_id, page = prepared()
        fill("FEW-", operations=240, blockers=60)
        few = queries(page)
        fill("MANY-", operations=OPERATIONS, blockers=BLOCKERS)
        many = queries(page)
        wire = own_wire()
        wire.autocommit = True

        def bare() -> object:
            return wire.execute(BARE, [site_id]).fetchall()

        bare()
        own: list[float] = []
        by_hand: list[float] = []
        for _ in range(RUNS):
            own.append(timed(page))
            by_hand.append(timed(bare))
        print(f"{counted('joborder')} operations, {counted('blocker')} blockers, {many} queries, {load()}")
    compared("page", "ms", own, by_hand, "bare SQL join")
    told("blocked_page", {"ms": median(own), "queries": many, "more_queries": many - few}, BARS)


def prepared() -> tuple[int, Callable[[], object]]:
    """The demo's site with an exception for each item, and its page as the plant manager asks for it."""
    from django.db import transaction
    from django.test import Client

    from apps.andon.causes import Cause
    from apps.andon.raising import raise_exceptions
    from apps.core import clock
    from apps.core.actors import Actor
    from apps.core.commands import Context
    from apps.materials.models import Item, Unit
    from apps.plant.models import Person, WorkCenter

    line = WorkCenter.objects.get(code="L3")
    unit = Unit.objects.all()[0]
    items = [Item(code=f"BENCH-{n:04}", name=f"Bench {n}", unit=unit) for n in range(ITEMS)]
    items = Item.objects.bulk_create(items)

    place = {"site_id": line.site_id, "work_center_id": line.pk}
    now = clock.now()
    with transaction.atomic():
        raise_exceptions(
            Context("bench", Actor.system("bench"), uuid4(), now, now),
            [
                Cause(type="shortage", kind="shortage", key=str(i.pk), facts={"item": i.code, "unit": "u"}, **place)
                for i in items
            ],
        )
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(Person.objects.get(username="paula"))

    def page() -> object:
        answer = client.get(f"/blocked/{line.site.code}/")
        assert answer.status_code == 200
        return answer.content

    return line.site_id, page


def fill(prefix: str, *, operations: int, blockers: int) -> None:
    from django.db import connection, transaction

    from apps.plant.models import WorkCenter
    from apps.workflows.models import Version

    line = WorkCenter.objects.get(code="L3")
    inputs: dict[str, Any] = {
        "site": line.site_id,
        "line": line.pk,
        "version": Version.objects.filter(workflow__code="job_order", status="published").latest("pk").pk,
        "prefix": prefix,
        "orders": operations // 2,
        "blockers": blockers,
        "items": ITEMS,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (ORDERS, JOBS, BLOCKED):
            cursor.execute(statement, inputs)
    # Autovacuum would do it a minute later.
    with own_wire() as wire:
        wire.autocommit = True
        wire.execute("ANALYZE")


def queries(page: Callable[[], object]) -> int:
    """Besides the clock, which is read again every second."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    page()
    with CaptureQueriesContext(connection) as asked:
        page()
    return sum("core_sharedclock" not in query["sql"] for query in asked.captured_queries)


def counted(model: str) -> int:
    from django.apps import apps

    return apps.get_model("orders", model)._default_manager.count()


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1e3


if __name__ == "__main__":
    main()
