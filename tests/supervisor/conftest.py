"""Folders for products: some open to every account of the system, some private."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervisor.folders import folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with folder(0o755, "mfgos test ") as path:
        yield path


@pytest.fixture
def private_folder() -> Iterator[Path]:
    with folder(0o700, "mfgos private ") as path:
        yield path


@pytest.fixture
def pg_dir(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Clusters of this test lie here, not in the checkout."""
    monkeypatch.setenv("MFGOS_PG_DIR", str(open_folder / "pg"))
    return open_folder / "pg"


@pytest.fixture
def as_root() -> bool:
    return os.geteuid() == 0
