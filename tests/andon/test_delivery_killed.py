"""A worker dies while it tells somebody; another one tells them, with the same key, and nobody is left untold."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.andon.models import DeliveryAttempt, NoticeState, Notification
from apps.core import clock
from tests.andon.channels.servers import Web, web
from tests.andon.floor import make_floor
from tests.andon.reach import hook_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
ROOT = Path(__file__).resolve().parents[2]
KILLS = 40 if os.environ.get("LONG") else 5


def start_worker() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.andon.delivery_process", str(connection.settings_dict["NAME"])]
    return subprocess.Popen(command, cwd=ROOT)


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.01)


def keys(receiver: Web) -> Counter[str]:
    return Counter(asked.headers["Idempotency-Key"] for asked in receiver.asked)


def test_a_killed_worker_leaves_nobody_untold_and_repeats_at_most_what_it_had_in_hand() -> None:
    floor = make_floor()
    chance = random.Random(7)
    with web() as receiver:
        hook_of(floor.mia, receiver.url)
        stop = floor.stop()
        Notification.objects.all().delete()
        told = {"site": floor.world.site, "exception": stop, "person": floor.mia, "channels": ["webhook"]}
        moments = {"created_at": clock.now(), "due_at": clock.now(), "occasion": "informed"}
        Notification.objects.bulk_create([Notification(**told, **moments) for _ in range(60 * KILLS)])
        receiver.delay_seconds = 0.03
        for _ in range(KILLS):
            before = len(receiver.asked)
            worker = start_worker()
            try:
                wait_for(lambda before=before: len(receiver.asked) > before + 3)  # type: ignore[misc]
                time.sleep(chance.uniform(0, 0.1))
            finally:
                worker.kill()
                worker.wait()
            # Instead of waiting a minute for each.
            Notification.objects.exclude(lease_token=None).update(leased_until=Now())
        receiver.delay_seconds = 0
        last = [start_worker(), start_worker()]
        try:
            wait_for(lambda: not Notification.objects.queued().exists())
        finally:
            for worker in last:
                worker.kill()
                worker.wait()
    asked = keys(receiver)
    assert set(Notification.objects.values_list("state", flat=True)) == {NoticeState.SENT}
    assert set(asked) == {n.key for n in Notification.objects.all()}, "nobody is left untold"
    assert sum(asked.values()) - len(asked) <= KILLS, "only what a worker had in hand when it died is told again"
    assert DeliveryAttempt.objects.filter(worked=True).count() == len(asked)
