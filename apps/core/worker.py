"""What runs beside the web: tasks that are woken by a topic and, should the word be lost, by a sweep.

    @task("erp_sync.deliver", every_seconds=1, topics=["outbox"])     # in an app's tasks.py
    def deliver() -> int: ...                                          # how many it did; called again until it is 0

    @service("equipment.signals")                                      # in the same file
    def listen(stop: threading.Event) -> None: ...                     # comes back when `stop` is set, or fails

A service holds a connection to the outside and is called again when it fails.
Tasks are crash-only: what they work on are rows, claimed in the database, so a worker may die at any line.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import psycopg
from django.db import connection

from apps.core.hub import listener_parameters
from apps.core.live import CHANNEL

log = logging.getLogger(__name__)

# After a failure a task rests, longer each time, up to this many seconds.
LONGEST_REST_SECONDS = 60.0


@dataclass(frozen=True)
class Task:
    name: str
    run: Callable[[], int]
    every_seconds: float
    topics: frozenset[str]


TASKS: dict[str, Task] = {}


def task(name: str, *, every_seconds: float, topics: Collection[str] = ()) -> Callable[[Callable[[], int]], Task]:
    def register(run: Callable[[], int]) -> Task:
        made = Task(name, run, every_seconds, frozenset(topics))
        if TASKS.setdefault(name, made) is not made:
            raise ValueError(f"task {name} is declared twice")
        return made

    return register


@dataclass(frozen=True)
class Service:
    name: str
    run: Callable[[threading.Event], None]


SERVICES: dict[str, Service] = {}


def service(name: str) -> Callable[[Callable[[threading.Event], None]], Service]:
    def register(run: Callable[[threading.Event], None]) -> Service:
        made = Service(name, run)
        if SERVICES.setdefault(name, made) is not made:
            raise ValueError(f"service {name} is declared twice")
        return made

    return register


class Worker:
    """One thread per task and per service, and one connection that listens for all tasks."""

    def __init__(self, tasks: Collection[Task], services: Collection[Service] = ()) -> None:
        self._stop = threading.Event()
        self._services = services
        self._wakes = {task: threading.Event() for task in tasks}

    def run(self) -> None:
        """Returns after `stop`, when every task has finished what it was doing."""
        threads = [
            threading.Thread(target=self._repeat, args=(task, wake), name=task.name)
            for task, wake in self._wakes.items()
        ]
        threads += [
            threading.Thread(target=self._serve, args=(service,), name=service.name) for service in self._services
        ]
        for thread in threads:
            thread.start()
        while not self._stop.is_set():
            try:
                self._listen()
            except (psycopg.Error, OSError) as error:
                log.warning("the worker lost the database (%s) and tries again", error)
                self._stop.wait(1)
        for thread in threads:
            thread.join()

    def stop(self) -> None:
        self._stop.set()
        self._wake_all()

    def _wake_all(self) -> None:
        for wake in self._wakes.values():
            wake.set()

    def _listen(self) -> None:
        with psycopg.Connection.connect(**listener_parameters(), autocommit=True) as wire:
            wire.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(CHANNEL)))
            self._wake_all()
            while not self._stop.is_set():
                for notification in wire.notifies(timeout=1):
                    self._wake(notification.payload)

    def _wake(self, topic: str) -> None:
        for task, wake in self._wakes.items():
            if topic in task.topics:
                wake.set()

    def _repeat(self, task: Task, wake: threading.Event) -> None:
        rest, again = 0.0, False
        while not self._stop.is_set():
            wake.clear()
            try:
                if not again:
                    _drop_dead_connection()
                again = task.run() > 0
                rest = 0.0
            except Exception:
                connection.close()
                rest = min(LONGEST_REST_SECONDS, rest * 2 or 1.0)
                log.exception("task %s failed; it rests for %.0f s", task.name, rest)
                again = False
            if rest:
                self._stop.wait(rest)
            elif not again:
                wake.wait(task.every_seconds)
        connection.close()

    def _serve(self, service: Service) -> None:
        rest = 0.0
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                service.run(self._stop)
            except Exception:
                log.exception("service %s failed", service.name)
            connection.close()
            # One that has gone well for a while starts afresh.
            rest = (
                1.0 if time.monotonic() - begun > LONGEST_REST_SECONDS else min(LONGEST_REST_SECONDS, rest * 2 or 1.0)
            )
            self._stop.wait(rest)


def _drop_dead_connection() -> None:
    """A thread keeps its connection from run to run; one that the database has dropped meanwhile is opened anew."""
    if connection.connection is not None and not connection.is_usable():
        connection.close()
