"""A worker as a process of its own, with all that it does for machines: `... worker_process <database>`."""

from __future__ import annotations

import sys

import django
from django.conf import settings

import tests.environment  # noqa: F401  # sets the environment

if __name__ == "__main__":
    database = settings.DATABASES["default"]
    database["NAME"] = sys.argv[1]
    database["OPTIONS"]["assume_role"] = "mfgos_app"
    django.setup()

    from apps.core.worker import SERVICES, TASKS, Worker
    from apps.equipment import tasks  # noqa: F401  # declares them

    Worker([task for task in TASKS.values() if task.name.startswith("equipment.")], list(SERVICES.values())).run()
