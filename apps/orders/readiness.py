"""Keeps each operation's blockers and readiness in step with what has come and what is there.

Called by the commands that change either, within their transaction, never by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from apps.core.commands import Context
from apps.core.prepared import Given, Prepared
from apps.orders.causes import shortages
from apps.orders.causes import stopped as stopped_jobs
from apps.orders.events import BlockerClosed, BlockerOpened
from apps.orders.flow import Obstacle, obstacles
from apps.orders.models import COMPUTED, Blocker, BlockerKind, DispatchStatus, JobOrder
from apps.orders.models.job_orders import read_open_blockers
from apps.orders.models.statuses import BEGUN, OPEN
from apps.workflows.engine import fire

MAKE_READY, MAKE_WAITING = "make_ready", "make_waiting"


def reconsider(context: Context, *jobs: JobOrder) -> None:
    """Opens, moves and closes their blockers, then makes each ready or lets it wait.

    They are locked (or new in this transaction), and as they are now.
    """
    found = obstacles([job for job in jobs if job.status in OPEN | BEGUN])
    read_open_blockers(jobs)
    opened: list[Blocker] = []
    closed: list[Blocker] = []
    stopped: dict[int, Blocker | None] = {}
    for job in jobs:
        existing = {blocker.kind: blocker for blocker in job.open_blockers}
        for kind in COMPUTED:
            change = _settle(context, job, existing.get(kind), found.get(job.pk, {}).get(kind))
            opened += change.opened
            closed += change.closed
        stopped[job.pk] = existing.get(BlockerKind.STOPPED)
        if stopped[job.pk] and job.status not in OPEN | BEGUN:
            _close(context, job, existing[BlockerKind.STOPPED])
            closed.append(existing[BlockerKind.STOPPED])
        del job.open_blockers
    _open(context, opened)
    _let_go(context, closed)
    for job in jobs:
        reach = [obstacle.from_quantity for obstacle in found.get(job.pk, {}).values()]
        if by_rule := stopped[job.pk]:
            reach.append(by_rule.from_quantity)
        runnable = all(quantity > job.made for quantity in reach)
        if runnable and job.status == DispatchStatus.WAITING:
            fire(context, JobOrder, job.pk, MAKE_READY, as_system=True)
        elif not runnable and job.status == DispatchStatus.READY:
            fire(context, JobOrder, job.pk, MAKE_WAITING, as_system=True)


def reconsider_next(context: Context, job: JobOrder) -> None:
    """The operations that take from this one: up to and with the next that counts."""
    for following in _LOCKED_AFTER(predecessor=job.pk):
        following.predecessor = job
        reconsider(context, following)
        if not following.is_count_point:
            reconsider_next(context, following)


def blocker_before(job: JobOrder, made: Decimal) -> Blocker | None:
    """The open blocker that `made` pieces would pass, the nearest one."""
    return next((blocker for blocker in job.open_blockers if blocker.from_quantity < made), None)


def locked(job_order_id: int) -> JobOrder:
    """Raises JobOrder.DoesNotExist."""
    job = _LOCKED.first(pk=job_order_id)
    if job is None:
        raise JobOrder.DoesNotExist
    return job


def _to_look_at() -> QuerySet[JobOrder]:
    rows = JobOrder.objects.select_related("work_order", "work_center", "site", "predecessor__predecessor")
    return rows.select_for_update(of=("self",))


_LOCKED = Prepared(lambda: _to_look_at().filter(pk=Given("pk")))
_LOCKED_AFTER = Prepared(lambda: _to_look_at().filter(predecessor=Given("predecessor")))


def drop(context: Context, jobs: Sequence[JobOrder]) -> None:
    """They go, and what has stopped them with them."""
    blockers = list(Blocker.objects.filter(job_order__in=jobs))
    Blocker.objects.filter(job_order__in=jobs).delete()
    _let_go(context, blockers)


def _let_go(context: Context, blockers: Sequence[Blocker]) -> None:
    shortages.let_go(context, blockers)
    stopped_jobs.let_go(context, blockers)


@dataclass(frozen=True)
class _Change:
    """Blockers that are to be opened, and those that were closed."""

    opened: tuple[Blocker, ...] = ()
    closed: tuple[Blocker, ...] = ()


def _settle(context: Context, job: JobOrder, blocker: Blocker | None, obstacle: Obstacle | None) -> _Change:
    if obstacle is None:
        if blocker is None:
            return _Change()
        _close(context, job, blocker)
        return _Change(closed=(blocker,))
    if blocker is None or blocker.cause_key != obstacle.cause_key:
        # Another cause is another blocker: somebody else may own it.
        if blocker is not None:
            _close(context, job, blocker)
        opened = Blocker(
            site_id=job.site_id,
            job_order=job,
            kind=obstacle.kind,
            cause_key=obstacle.cause_key,
            opened_at=context.now,
            from_quantity=obstacle.from_quantity,
            facts=obstacle.facts,
        )
        return _Change(opened=(opened,), closed=(blocker,) if blocker else ())
    if (blocker.from_quantity, blocker.facts) != (obstacle.from_quantity, obstacle.facts):
        blocker.from_quantity, blocker.facts = obstacle.from_quantity, obstacle.facts
        if blocker.runs_to is not None and blocker.runs_to != blocker.from_quantity:
            # It was decided for another reach than there is now.
            blocker.runs_to = None
        blocker.save()
        context.touch(*job.topics)
    return _Change()


def _open(context: Context, blockers: Sequence[Blocker]) -> None:
    shortages.own(context, blockers)
    Blocker.objects.bulk_create(blockers)
    context.touch(*[topic for blocker in blockers for topic in blocker.job_order.topics])
    context.record_all(
        [
            BlockerOpened(
                subject_id=blocker.job_order_id,
                **blocker.job_order.work_order.story,
                blocker_id=blocker.pk,
                blocker=blocker.kind,
                from_quantity=blocker.from_quantity,
            )
            for blocker in blockers
        ]
    )


def stop(context: Context, job: JobOrder, exception_id: int, facts: dict[str, Any], cause_key: str) -> None:
    """Nothing more is made of it until somebody lifts it. The operation is locked, and none such is open for it."""
    blocker = Blocker(
        site_id=job.site_id,
        job_order=job,
        kind=BlockerKind.STOPPED,
        cause_key=cause_key,
        opened_at=context.now,
        from_quantity=job.made,
        facts=facts,
        exception_id=exception_id,
    )
    _open(context, [blocker])
    job.__dict__.pop("open_blockers", None)
    reconsider(context, job)


def lift(context: Context, blocker: Blocker) -> None:
    job = locked(blocker.job_order_id)
    _close(context, job, blocker)
    reconsider(context, job)


def _close(context: Context, job: JobOrder, blocker: Blocker) -> None:
    blocker.closed_at = context.now
    blocker.save(update_fields=["closed_at"])
    context.touch(*job.topics)
    context.record(
        BlockerClosed(
            subject_id=job.pk,
            **job.work_order.story,
            blocker_id=blocker.pk,
            blocker=blocker.kind,
        )
    )
