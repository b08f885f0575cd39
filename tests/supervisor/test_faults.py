"""kill -9 of everything that `make up` starts, and of itself: all heals or ends, and nothing is left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from mfgos.supervisor import processes
from mfgos.supervisor.children import DEATHS
from tests.supervisor.product import TWO_WEBS, Product, until

pytestmark = pytest.mark.faults

HEAL_SECONDS, ORPHAN_SECONDS = 12, 5
# How each child shows in the list of processes.
MARKS = {"web": "daphne", "worker": "manage.py worker", "database": "postgres"}


def kill(product: Product, mark: str, *, not_again: int = 0) -> int:
    """kill -9 of the child, as soon as it is another one than last time."""
    until(lambda: product.pid_of(mark) not in {0, not_again})
    pid = product.pid_of(mark)
    assert pid, "it ended by itself"  # and 0 would be all of us
    os.kill(pid, signal.SIGKILL)
    return pid


def test_each_child_is_replaced_after_kill_9(used_folder: Path) -> None:
    with Product(used_folder) as product:
        product.running()
        for name, mark in MARKS.items():
            former = kill(product, mark)
            took = until(lambda: product.pid_of(mark) not in {0, former}, HEAL_SECONDS)  # noqa: B023 - called here
            took += until(product.answers, HEAL_SECONDS)
            print(f"{name} back after {took:.1f} s")
            assert took < HEAL_SECONDS
            assert f"The {name} was killed by SIGKILL; starting it again." in product.said()
        assert product.stop() == 0


def test_of_two_webs_one_answers_while_the_other_is_started_again(used_folder: Path) -> None:
    logs = [used_folder / "run" / name for name in ("web.log", "web-2.log")]

    def listening() -> int:
        """How often a web has begun to listen, those of earlier tests as well."""
        return sum(log.read_text().count("Listening on") for log in logs if log.exists())

    before = listening()
    with Product(used_folder, **TWO_WEBS) as product:
        product.running()
        until(lambda: listening() == before + 2)
        for pid in product.pids_of("daphne"):
            ready = listening()
            os.kill(pid, signal.SIGKILL)
            until(product.answers)
            assert listening() == ready, "it was the fresh one that answered"
            until(lambda: listening() == ready + 1, HEAL_SECONDS)  # noqa: B023 - called here
        assert "The web was killed by SIGKILL; starting it again." in product.said()
        assert "The web-2 was killed by SIGKILL; starting it again." in product.said()
        assert product.stop() == 0


def test_kill_9_of_the_supervisor_leaves_nothing_and_the_next_start_works(used_folder: Path) -> None:
    with Product(used_folder) as product:
        product.running()
        children = product.children()
        assert len(children) == len(MARKS)
        product.stop(signal.SIGKILL)
        until(lambda: not any(processes.alive(pid) for pid in children), ORPHAN_SECONDS)
    with product:
        product.page()


def test_kill_9_of_supervisor_and_database_at_once(used_folder: Path) -> None:
    with Product(used_folder) as product:
        product.running()
        kill(product, MARKS["database"])
        product.stop(signal.SIGKILL)
    with product:
        product.page()


def test_a_child_that_keeps_dying_stops_everything(used_folder: Path) -> None:
    with Product(used_folder) as product:
        product.running()
        killed = 0
        for _ in range(DEATHS):
            killed = kill(product, MARKS["worker"], not_again=killed)
        children = product.children()
        assert product.wait() == 1
    assert f"The worker died {DEATHS} times within 60 s" in product.said().splitlines()[-1]
    assert not any(processes.alive(pid) for pid in children)
