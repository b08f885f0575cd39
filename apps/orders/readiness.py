"""Keeps each operation's blockers and readiness in step with what has come and what is there.

Called by the commands that change either, within their transaction, never by hand.
"""

from __future__ import annotations

from decimal import Decimal

from apps.core.commands import Context
from apps.orders.events import BlockerClosed, BlockerOpened
from apps.orders.flow import Obstacle, obstacles
from apps.orders.models import Blocker, BlockerKind, DispatchStatus, JobOrder
from apps.orders.models.statuses import BEGUN, OPEN
from apps.workflows.engine import fire

MAKE_READY, MAKE_WAITING = "make_ready", "make_waiting"


def reconsider(context: Context, job: JobOrder) -> None:
    """Opens, moves and closes its blockers, then makes it ready or lets it wait. `job` is locked, as it is now."""
    if job.status not in OPEN | BEGUN:
        for blocker in Blocker.objects.open().filter(job_order=job):
            _close(context, job, blocker)
        return
    found = {obstacle.kind: obstacle for obstacle in obstacles(job)}
    existing = {BlockerKind(blocker.kind): blocker for blocker in Blocker.objects.open().filter(job_order=job)}
    for kind in BlockerKind:
        _settle(context, job, existing.get(kind), found.get(kind))
    runnable = all(obstacle.from_quantity > job.made for obstacle in found.values())
    if runnable and job.status == DispatchStatus.WAITING:
        fire(context, JobOrder, job.pk, MAKE_READY, as_system=True)
    elif not runnable and job.status == DispatchStatus.READY:
        fire(context, JobOrder, job.pk, MAKE_WAITING, as_system=True)


def reconsider_next(context: Context, job: JobOrder) -> None:
    """The operations that take from this one: up to and with the next that counts."""
    following = JobOrder.objects.filter(predecessor=job).first()
    while following is not None:
        reconsider(context, locked(following.pk))
        if following.is_count_point:
            return
        following = JobOrder.objects.filter(predecessor=following).first()


def blocker_before(job: JobOrder, made: Decimal) -> Blocker | None:
    """The open blocker that `made` pieces would pass, the nearest one."""
    passed = Blocker.objects.open().select_related("job_order").filter(job_order=job, from_quantity__lt=made)
    return passed.order_by("from_quantity").first()


def locked(job_order_id: int) -> JobOrder:
    rows = JobOrder.objects.select_related("work_order", "work_center", "site", "predecessor__predecessor")
    return rows.select_for_update(of=("self",)).get(pk=job_order_id)


def _settle(context: Context, job: JobOrder, blocker: Blocker | None, obstacle: Obstacle | None) -> None:
    if obstacle is None:
        if blocker is not None:
            _close(context, job, blocker)
        return
    if blocker is None:
        blocker = Blocker(site_id=job.site_id, job_order=job, kind=obstacle.kind, opened_at=context.now)
    elif (blocker.from_quantity, blocker.facts) == (obstacle.from_quantity, obstacle.facts):
        return
    is_new = blocker.pk is None
    blocker.from_quantity, blocker.facts = obstacle.from_quantity, obstacle.facts
    blocker.save()
    context.touch(*job.topics)
    if is_new:
        context.record(
            BlockerOpened(
                subject_id=job.pk,
                site_id=job.site_id,
                thread=job.work_order.thread,
                erp_reference=job.work_order.number,
                blocker_id=blocker.pk,
                blocker=blocker.kind,
                from_quantity=blocker.from_quantity,
            )
        )


def _close(context: Context, job: JobOrder, blocker: Blocker) -> None:
    blocker.closed_at = context.now
    blocker.save(update_fields=["closed_at"])
    context.touch(*job.topics)
    context.record(
        BlockerClosed(
            subject_id=job.pk,
            site_id=job.site_id,
            thread=job.work_order.thread,
            erp_reference=job.work_order.number,
            blocker_id=blocker.pk,
            blocker=blocker.kind,
        )
    )
