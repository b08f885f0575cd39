"""A product for one bench, with the demo plant, and this process beside it as one more client of its database."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import psycopg

from tests.environment import FOREIGN, OURS
from tests.supervisor.product import ROOT, TWO_WEBS, Product

# For the first start: it makes a database and a plant, perhaps on a machine that others use too.
PATIENCE_SECONDS = 240


@contextmanager
def folder() -> Iterator[Path]:
    """Open to the account that runs PostgreSQL, removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix="mfgos-bench-", dir="/tmp"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def product_in(path: Path, **extra: str) -> Product:
    return Product(path, **{"MFGOS_DEMO": "1", **TWO_WEBS, **extra})


@contextmanager
def product(**extra: str) -> Iterator[Product]:
    """Prepared and running, with fsync, as `make up` has it; Django in this process reaches it as mfgos_app.

    `extra` goes into the environment of all its processes.
    """
    with folder() as path, product_in(path, **extra) as started:
        started.running(PATIENCE_SECONDS)
        adopt(started)
        django.setup()
        try:
            yield started
        finally:
            started.stop()


def adopt(running: Product) -> None:
    """From here on this process, and what it starts, means the product's database; not the tests' environment."""
    for name in (*FOREIGN, *OURS, "MFGOS_TEST_DATABASE_URL"):
        os.environ.pop(name, None)
    os.environ.update(environment(running))


def environment(running: Product) -> dict[str, str]:
    """For a process that uses the product's database with the rights of the web."""
    own = {"DJANGO_SETTINGS_MODULE": "mfgos.settings", "MFGOS_CLUSTER": "run", "MFGOS_DB_ROLE": "app"}
    return {name: value for name, value in running.environment.items() if name != "MFGOS_TEST_DATABASE_URL"} | own


def own_wire() -> psycopg.Connection[Any]:
    """To the product's database as mfgos_app, past Django; commit yourself."""
    from django.db import connection

    connection.ensure_connection()
    parameters = {**connection.get_connection_params(), "autocommit": False}
    for name in ("context", "cursor_factory", "prepare_threshold", "pool"):
        parameters.pop(name, None)
    return psycopg.connect(**parameters)


def helper(module: str, *arguments: object) -> subprocess.Popen[str]:
    """Another module of this package in a process of its own; spoken to by lines."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
