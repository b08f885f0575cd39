"""Books pieces on a running operation at a steady rate: `python -m tests.bench.writer JOB PERSON RATE COUNT`.

Each booking is the command of the floor.  Prints one JSON line: per booking the good count that it led to and the time
just before its COMMIT was sent, by the monotonic clock that all processes share.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from uuid import uuid4

import django

django.setup()

from django.db import connections  # noqa: E402

from apps.core.actors import Actor  # noqa: E402
from apps.orders.commands import confirm_quantity  # noqa: E402


def book(job_order_id: int, person_id: int, rate: float, count: int) -> list[tuple[int, float]]:
    """Keeps to the timetable even where one booking was late, so that the rate holds."""
    database = connections["default"]
    committing = [0.0]
    commit = database._commit

    def stamped() -> None:
        committing[0] = time.monotonic()
        commit()

    database._commit = stamped  # type: ignore[method-assign]
    actor, booked = Actor(person_id=person_id), []
    start = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        state = confirm_quantity(actor, uuid4(), job_order_id=job_order_id, good=Decimal(1))
        booked.append((int(state.good), committing[0]))
    return booked


if __name__ == "__main__":
    job, person, rate_, count_ = sys.argv[1:]
    print(json.dumps(book(int(job), int(person), float(rate_), int(count_))), flush=True)
