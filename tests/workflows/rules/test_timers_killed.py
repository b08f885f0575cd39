"""Workers are killed at any moment: what rules look at again is looked at once, by whoever is left, and soon."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from apps.core import clock
from apps.workflows.models import RuleFailure, RuleFiring, RuleTimer
from tests.killing import wait_for, workers
from tests.workflows.rules.bells import alarms, publish, ring, spec

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
KILLS = 100 if os.environ.get("LONG") else 20
MANY = KILLS * 10


def test_killed_again_and_again_each_timer_is_acted_on_once_and_soon() -> None:
    clock.move_to(datetime.now(UTC), rate=1)
    publish(spec(after_seconds=3600, per_minute=600))
    events = [ring(f"bell {number}") for number in range(MANY)]
    now = clock.now()
    timers = list(RuleTimer.objects.all())
    for timer in timers:
        timer.due_at = now + timedelta(seconds=random.uniform(1, KILLS * 0.4))
    RuleTimer.objects.bulk_update(timers, ["due_at"])
    due = {timer.event_id: timer.due_at for timer in timers}
    with workers(2, "workflows.rule_timers") as crew:
        for _ in range(KILLS):
            wait_for(lambda: len(crew.alive) == 2)
            time.sleep(random.uniform(0, 0.4))
            crew.kill_one()
        wait_for(lambda: not RuleTimer.objects.exists())
    acts = Counter(event.cause_id for event in alarms())
    late = sorted((firing.at - due[firing.event_id]).total_seconds() for firing in RuleFiring.objects.all())
    figures = {
        "kills": KILLS,
        "timers": MANY,
        "acts": sum(acts.values()),
        "p99_s": round(late[int(len(late) * 0.99)], 3),
    }
    print(json.dumps({"bench": "rule_timers_kill", "figures": figures}))
    assert not RuleFailure.objects.exists()
    assert set(RuleFiring.objects.values_list("event_id", flat=True)) == set(events)
    assert (len(acts), sum(acts.values())) == (MANY, MANY)
    assert figures["p99_s"] <= 30
