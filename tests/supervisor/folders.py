"""Folders for products, removed with what they led to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
