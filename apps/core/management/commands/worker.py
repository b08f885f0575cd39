"""The process beside the web that delivers, sweeps and tidies."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.module_loading import autodiscover_modules

from apps.core.worker import SERVICES, TASKS, Worker


class Command(BaseCommand):
    help = "Runs all tasks until it is told to stop (SIGTERM, SIGINT)."

    def handle(self, *_: Any, **__: Any) -> None:
        autodiscover_modules("tasks")
        worker = Worker(list(TASKS.values()), list(SERVICES.values()))

        def stop(_signal: int, _frame: FrameType | None) -> None:
            worker.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        worker.run()
