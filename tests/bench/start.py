"""`make up` again: from the start of the supervisor until the first page answers, on a plant that was made before.

The baseline is the least that any start has to do: the same PostgreSQL and the same daphne, started one after the other
by hand, without supervisor, worker, locks or the question whether there is something to prepare.  Runs alternate.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from statistics import median

from tests.bench.figures import compared, load, told
from tests.bench.running import adopt, folder, product_in
from tests.supervisor.product import ROOT, Product, until

RUNS = 7
BARS = {"second_start_s": "<= 6"}


def main() -> None:
    with folder() as path:
        product = product_in(path)
        with product:
            print(f"first start {product.page():.2f} s until the first page, {load()}")
            product.running()
            product.stop()
        adopt(product)
        own: list[float] = []
        bare: list[float] = []
        for _ in range(RUNS):
            own.append(again(product))
            bare.append(by_hand(product))
            print(f"make up again {own[-1]:.2f} s, by hand {bare[-1]:.2f} s, {load()}", flush=True)
    compared("start", "s", own, bare, "by hand")
    told("start", {"second_start_s": median(own)}, BARS)


def again(product: Product) -> float:
    with product:
        taken = product.page()
        product.running()
        assert product.stop() == 0, product.said()
    return taken


def by_hand(product: Product) -> float:
    from mfgos.supervisor import places, server

    with places.locked(places.pg_dir(ROOT)):
        found = server.opened(ROOT, "run")
    web = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(product.port), "mfgos.asgi:application"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    begun = time.monotonic()
    with subprocess.Popen(found.command, cwd=os.sep, **quiet, **found.account.spawn) as database:
        try:
            until(lambda: server.answers(found.place), 60)
            with subprocess.Popen(web, cwd=ROOT, env=os.environ | {"MFGOS_DB_POOL": "1"}, **quiet) as daphne:
                try:
                    until(product.answers, 60)
                    return time.monotonic() - begun
                finally:
                    daphne.terminate()
        finally:
            database.send_signal(signal.SIGINT)
