"""Whether preparing would change anything: a hash of what it reads, and a mark of the database it wrote to."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import psycopg

# Code too, not the migrations alone: seeds, the demo and the system checks are code.
READ = ("apps", "mfgos", "static", "fixtures", "requirements.lock")


def inputs(base_dir: Path) -> str:
    """A hash over the content of everything that preparing reads."""
    found = hashlib.sha256(os.environ.get("MFGOS_DEMO", "").encode())
    found.update(str((base_dir / "staticfiles" / "staticfiles.json").exists()).encode())
    for top in READ:
        for path in sorted((base_dir / top).rglob("*")) if (base_dir / top).is_dir() else [base_dir / top]:
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(os.fsencode(path.relative_to(base_dir)) + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def database(url: str) -> str:
    """Tells this database in this state of migration from any other; "" where it can't be asked.

    The same address may lead to another database tomorrow: dropped and made again, or restored from a dump.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            identity = connection.execute(
                "SELECT system_identifier, oid FROM pg_control_system(), pg_database WHERE datname = current_database()"
            ).fetchone()
            migrations = connection.execute("SELECT count(*), max(id) FROM django_migrations").fetchone()
    except psycopg.Error:
        return ""
    return f"{identity} {migrations}"
