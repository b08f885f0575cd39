"""Orders of an ERP: 10,000 of 5 operations and 8 components each come in over the API, then the same again unchanged.

One caller, one connection, 1,000 rows a call, each call with a key of its own; from the first byte sent until the last
answer is read.  What the orders are made of is sent before and does not count.  Every run sends other orders.
rss_growth_mb: the one web process, from after the first small delivery until after the last run.
The baseline writes the same rows (orders, operations, parts, history, blockers, ledger) by COPY in one transaction,
indexes, constraints and triggers included.  Runs alternate; `seconds` and `again_seconds` are medians.
"""

from __future__ import annotations

import io
import time
from statistics import median
from typing import Any

import psutil
import psycopg

from tests.bench.erp_calls import COMPONENTS, OPERATIONS, Calls, caller, orders, send_masters
from tests.bench.figures import compared, load, told
from tests.bench.running import own_wire, product
from tests.supervisor.product import ONE_WEB

RUNS, ORDERS, WARM_UP = 5, 10_000, 100
BARS = {"seconds": "<= 120", "again_seconds": "<= 20", "rss_growth_mb": "<= 100"}

# Table -> the columns that name a row of these tables; what the orders wrote, parents first.
WRITTEN: dict[str, tuple[str, ...]] = {
    "orders_workorder": ("id",),
    "orders_historicalworkorder": ("id",),
    "orders_orderplan": ("id", "work_order_id"),
    "orders_historicalorderplan": ("id", "work_order_id"),
    "orders_joborder": ("id", "work_order_id", "predecessor_id"),
    "orders_historicaljoborder": ("id", "work_order_id", "predecessor_id"),
    "orders_jobmaterial": ("id", "job_order_id"),
    "orders_historicaljobmaterial": ("id", "job_order_id"),
    "orders_blocker": ("id", "job_order_id"),
    "core_ledgerevent": (),
}
# Far from what the product's own sequences give.
FAR = 1_000_000_000


def main() -> None:
    with product(**ONE_WEB) as running:
        calls = caller(running.port, _site())
        print(f"{send_masters(calls)} rows of masters and stock")
        calls.send("work-orders", orders("warm", WARM_UP))
        web = psutil.Process(running.pid_of("daphne"))
        before = _mb(web)
        own: list[float] = []
        again: list[float] = []
        bare: list[float] = []
        for run in range(1, RUNS + 1):
            marks = _marks()
            own.append(_sent(calls, f"run{run}", "created"))
            again.append(_sent(calls, f"run{run}", "unchanged"))
            by_hand = ByHand(marks, run)
            bare.append(by_hand.write())
            print(
                f"{ORDERS} orders {own[-1]:.1f} s, again {again[-1]:.1f} s, {by_hand.rows} rows by COPY"
                f" {bare[-1]:.1f} s, web process {_mb(web):.0f} MB, {load()}",
                flush=True,
            )
        grown = _mb(web) - before
    print(f"web process {before:.0f} MB, and {grown:+.0f} MB after {RUNS} runs")
    compared("import", "s", own, bare, "bare COPY")
    told("erp_import", {"seconds": median(own), "again_seconds": median(again), "rss_growth_mb": grown}, BARS)


def _site() -> str:
    from apps.plant.models import WorkCenter

    return WorkCenter.objects.select_related("site").get(code="L3").site.code


def _mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def _sent(calls: Calls, prefix: str, outcome: str) -> float:
    rows = orders(prefix, ORDERS)
    begun = time.perf_counter()
    counts = calls.send("work-orders", rows)
    taken = time.perf_counter() - begun
    assert counts == {outcome: ORDERS}, counts
    return taken


def _marks() -> dict[str, int]:
    """The last row of each table by its own key."""
    with own_wire() as wire:
        query = "SELECT coalesce(max({key}), 0) FROM {table} WHERE {key} < {far}"
        return {table: _one(wire, query.format(key=_key(table), table=table, far=FAR)) for table in WRITTEN}


def _key(table: str) -> str:
    return "history_id" if "historical" in table else "id"


def _one(wire: psycopg.Connection[Any], query: str) -> Any:
    return (wire.execute(query).fetchone() or (None,))[0]


class ByHand:
    """The rows that came after the marks, once more under other keys."""

    def __init__(self, marks: dict[str, int], run: int) -> None:
        self.rows = 0
        with own_wire() as wire:
            self._born = wire.execute(
                "SELECT state, status FROM orders_historicaljoborder WHERE history_type = '+' LIMIT 1"
            ).fetchone()
            self._parts = [self._read(wire, table, mark, run) for table, mark in marks.items()]
        assert self.rows > ORDERS * (1 + OPERATIONS + COMPONENTS)

    def write(self) -> float:
        """Seconds, COMMIT included."""
        with own_wire() as wire:
            begun = time.perf_counter()
            wire.execute("SELECT set_config('mfgos.authority', 'erp:' || pg_current_xact_id(), true)")
            for statement, data in self._parts:
                with wire.cursor().copy(statement) as copy:
                    copy.write(data)
            wire.commit()
            return time.perf_counter() - begun

    def _read(self, wire: psycopg.Connection[Any], table: str, mark: int, run: int) -> tuple[str, bytes]:
        columns = [
            name
            for (name,) in wire.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
                [table],
            )
            if name != "history_id" and not (name == "id" and not WRITTEN[table])
        ]
        shown = ", ".join(self._other(table, name, run) for name in columns)
        where = f"{_key(table)} > {mark} AND {_key(table)} < {FAR}"
        out = io.BytesIO()
        with wire.cursor().copy(f"COPY (SELECT {shown} FROM {table} WHERE {where} ORDER BY 1) TO STDOUT") as copy:
            for data in copy:
                out.write(data)
        self.rows += out.getvalue().count(b"\n")
        return f"COPY {table} ({', '.join(columns)}) FROM STDIN", out.getvalue()

    def _other(self, table: str, column: str, run: int) -> str:
        if column in WRITTEN[table]:
            return f"{column} + {FAR * run}"
        if table == "orders_workorder" and column in ("number", "erp_key"):
            return f"{column} || '-copy'"
        if table == "orders_joborder" and column in ("state", "status"):
            # A new operation is born in the first state; the move on from there is left to the product alone.
            state, status = self._born or ("", "")
            return f"'{state if column == 'state' else status}'"
        return column
