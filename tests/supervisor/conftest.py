"""Folders for products: some open to every account of the system, some private, all removed with what they led to."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mfgos.supervisor.places import SYSTEM_STATE


@contextmanager
def folder(mode: int, name: str) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=name, dir="/tmp"))
    path.chmod(mode)
    try:
        yield path
    finally:
        for home in path.rglob("home"):
            elsewhere = Path(home.read_text().strip())
            if elsewhere.is_relative_to(SYSTEM_STATE):
                shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.rmtree(path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with folder(0o755, "mfgos test ") as path:
        yield path


@pytest.fixture
def private_folder() -> Iterator[Path]:
    with folder(0o700, "mfgos private ") as path:
        yield path


@pytest.fixture(scope="session")
def used_folder() -> Iterator[Path]:
    """Shared by tests that start one after another: its database is made once, later starts find it prepared."""
    with folder(0o755, "mfgos used ") as path:
        yield path


@pytest.fixture
def pg_dir(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Clusters of this test lie here, not in the checkout."""
    monkeypatch.setenv("MFGOS_PG_DIR", str(open_folder / "pg"))
    return open_folder / "pg"


@pytest.fixture
def as_root() -> bool:
    return os.geteuid() == 0
