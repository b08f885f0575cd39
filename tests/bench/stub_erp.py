"""An ERP that answers in 5 ms and notes in a file what it was told: an app of its own, so that the worker knows it too.

The link's database is the file: a line per effect, the key of the posting.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from django.apps import AppConfig

APP = "tests.bench.stub_erp.StubErpConfig"
SYSTEM, PASSWORD_ENV = "bench", "BENCH_ERP_PASSWORD"
ANSWER_SECONDS = 0.005


class StubErpConfig(AppConfig):
    name = "tests.bench"
    label = "bench_erp"

    def ready(self) -> None:
        from apps.erp_sync import registry

        registry.CONNECTORS[SYSTEM] = lambda link, _password: StubErp(link.database)  # type: ignore[assignment,return-value]


class StubErp:
    """Of a connector only what a delivery calls."""

    def __init__(self, file: str) -> None:
        # One write per line: lines of several lanes never mix, and their order is that of the effects.
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def _post(self, posting: object) -> object:
        from apps.erp_sync.connectors import interface as erp

        time.sleep(ANSWER_SECONDS)
        key = str(posting.key)  # type: ignore[attr-defined]  # every posting has one
        os.write(self._file, f"{key}\n".encode())
        return erp.Posted((erp.ErpRef(SYSTEM, "document", key),))

    set_order_state = confirm = move = ensure_lot = post_labor = note = _post

    def consumed_by(self, _order: object) -> tuple[()]:
        """It takes nothing off its stock when an order starts."""
        return ()

    def changes(self, kind: object, _cursor: str) -> object:
        from apps.erp_sync.connectors import interface as erp

        raise erp.ErpReadRefusedError(f"{kind}: this ERP is only told")

    def find_by_key(self, _posting: object) -> object:
        """Nothing fails here, so nothing is asked for twice."""
        raise AssertionError("a posting was sent again")


def effects(file: Path) -> list[str]:
    return file.read_text().split()
