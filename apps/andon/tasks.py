"""Timers are fired, owners follow the duty of people."""

from __future__ import annotations

import logging
from uuid import uuid4

from apps.andon.alone import PLAYBOOK, act_alone
from apps.andon.broken_steps import broken_steps, call_for_broken_step
from apps.andon.firing import AT_ONCE, WORKER, fire_due, put_back_timer
from apps.andon.models import AloneOutcome, AloneRun, FloorException, OwnerLevel, Problem, Timer
from apps.andon.playbooks import ALONE_TOPIC
from apps.andon.pruning import prune_log
from apps.andon.reaching import DELIVER, follow_lights
from apps.andon.recurrence import close_quiet
from apps.andon.rehoming import bring_home, could_come_home, rehome_person
from apps.andon.watchdog import PERIOD, make_round
from apps.andon.windows import moved_windows, set_window
from apps.core import clock
from apps.core.worker import task
from apps.plant.duty import is_on_duty

# Found by the worker through this file.
__all__ = ["DELIVER", "fire_timers", "follow_duty", "follow_lights"]
log = logging.getLogger(__name__)


@task("andon.timers", every_seconds=0.5)
def fire_timers() -> int:
    """How many it fired. Where some of them can't be fired together, each is tried alone."""
    if not Timer.objects.due(clock.now()).exists():
        return 0
    try:
        return fire_due(WORKER, uuid4(), at_most=AT_ONCE)
    except Exception:
        log.exception("timers could not be fired together; each is tried alone")
        return fire_one_by_one()


def fire_one_by_one() -> int:
    fired = 0
    for timer in list(Timer.objects.due(clock.now())[:AT_ONCE]):
        try:
            fired += fire_due(WORKER, uuid4(), at_most=1)
        except Exception:
            log.exception("timer %s could not be fired; it comes after the others", timer)
            put_back_timer(WORKER, uuid4(), timer_id=timer.pk)
    return fired


@task("andon.owners", every_seconds=15, topics=["duty"])
def follow_duty() -> int:
    """Rosters end and begin by the time alone: owners whose duty is over, and fallbacks that are needed no more."""
    now = clock.now()
    owners = FloorException.objects.open().exclude(owner_level=OwnerLevel.DEFAULT).values_list("owner", flat=True)
    for person_id in sorted(set(owners)):
        if not is_on_duty(person_id, now):
            rehome_person(WORKER, uuid4(), person_id=person_id)
    for exception_id in could_come_home(now):
        bring_home(WORKER, uuid4(), exception_id=exception_id)
    return 0


@task("andon.windows", every_seconds=20)
def follow_the_plans() -> int:
    for exception_id, hits_at in moved_windows().items():
        set_window(WORKER, uuid4(), exception_id=exception_id, hits_at=hits_at)
    return 0


@task("andon.watchdog", every_seconds=PERIOD.total_seconds())
def watch() -> int:
    done = make_round()
    for finding in done.findings:
        log.error("exceptions: %(rule)s for %(count)s of them, %(exceptions)s", finding)
    return 0


@task("andon.broken_steps", every_seconds=10)
def call_for_broken_steps() -> int:
    found = list(broken_steps(clock.now()))
    for step in found:
        given = {name: getattr(step, name) for name in ("site_id", "workflow_id", "edge", "item", "problem")}
        call_for_broken_step(WORKER, uuid4(), **given)
    return len(found)


@task("andon.problems", every_seconds=600)
def close_quiet_problems() -> int:
    """Those whose cause stayed away for long enough; nobody closes one by hand."""
    now = clock.now()
    ids = list(Problem.objects.quiet_since(now).values_list("pk", flat=True))
    for problem_id in ids:
        close_quiet(WORKER, uuid4(), problem_id=problem_id)
    return 0


@task("andon.prune_log", every_seconds=600)
def prune_who_was_told() -> int:
    return prune_log(clock.now())


@task("andon.alone", every_seconds=5, topics=[ALONE_TOPIC])
def act_alone_where_due() -> int:
    """How many were tried. One that is being tried by another worker is left to it."""
    due = AloneRun.objects.filter(outcome=AloneOutcome.DUE).order_by("due_at", "pk")
    ids = list(due.values_list("pk", flat=True)[:AT_ONCE])
    return sum(bool(act_alone(PLAYBOOK, uuid4(), run_id=run_id)) for run_id in ids)
