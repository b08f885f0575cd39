"""Workers that fire timers, each a process: `python -m tests.andon.timer_workers <database> <how many>`.

This process forks them, forks another for each that dies, and says their ids, a line each time one is there.
"""

from __future__ import annotations

import os
import sys
import time

import django
from django.conf import settings

import tests.environment  # noqa: F401  # sets the environment


def work() -> None:
    from apps.andon.tasks import fire_timers

    while True:
        if not fire_timers.run():
            time.sleep(0.05)


def fork() -> int:
    child = os.fork()
    if child == 0:
        work()
    print(child, flush=True)
    return child


if __name__ == "__main__":
    name, count = sys.argv[1], int(sys.argv[2])
    database = settings.DATABASES["default"]
    database["NAME"] = name
    database["OPTIONS"]["assume_role"] = "mfgos_app"
    django.setup()
    for _ in range(count):
        fork()
    while True:
        os.wait()
        fork()
