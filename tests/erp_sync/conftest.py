from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from apps.erp_sync import delivery
from tests.erp_sync.outbox_world import Outbox, make_outbox


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of milliseconds instead of seconds."""
    monkeypatch.setattr(delivery, "back_off", lambda attempts: timedelta(milliseconds=10))
    monkeypatch.setattr(delivery, "POLL", timedelta(milliseconds=10))
    monkeypatch.setattr(delivery, "WAIT_FOR_ANOTHER", timedelta(milliseconds=10))


@pytest.fixture
def outbox(tmp_path: Path, transactional_db: None) -> Outbox:
    return make_outbox(tmp_path / "stub.sqlite")
