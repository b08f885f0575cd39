"""Workers that do one task, each a process: `python -m tests.timer_workers <database> <how many> <task>`.

This process forks them, forks another for each that dies, and says their ids, a line each time one is there.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module

import django
from django.conf import settings

import tests.environment  # noqa: F401  # sets the environment


def work(task: str) -> None:
    from apps.core.worker import TASKS

    import_module(f"apps.{task.partition('.')[0]}.tasks")  # declares it
    while True:
        if not TASKS[task].run():
            time.sleep(0.05)


def fork(task: str) -> int:
    child = os.fork()
    if child == 0:
        work(task)
    print(child, flush=True)
    return child


if __name__ == "__main__":
    name, count = sys.argv[1], int(sys.argv[2])
    database = settings.DATABASES["default"]
    database["NAME"] = name
    database["OPTIONS"]["assume_role"] = "mfgos_app"
    django.setup()
    for _ in range(count):
        fork(sys.argv[3])
    while True:
        os.wait()
        fork(sys.argv[3])
