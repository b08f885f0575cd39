"""A machine stands: what is to run on it goes to another station of the line."""

from __future__ import annotations

from collections import Counter, defaultdict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.andon.models import FloorException, Impact
from apps.core.commands import Context
from apps.orders.actions import GO_ON
from apps.orders.commands.going_on import MOVABLE, move_job
from apps.orders.models import DispatchStatus, JobOrder
from apps.orders.models.statuses import BEGUN
from apps.orders.readiness import locked
from apps.plant.models import WorkUnit


def _offers(subjects: Subjects) -> Offers:
    """Three queries, whatever kind of cause has stopped the machine."""
    down = {s: s.exception.work_unit_id for s in subjects if s.exception.impact == Impact.DOWN and s.exception.is_open}
    units_down = {unit_id for unit_id in down.values() if unit_id is not None}
    if not units_down:
        return {}
    lines = {subject.exception.work_center_id for subject in down}
    units: defaultdict[int, list[WorkUnit]] = defaultdict(list)
    for unit in WorkUnit.objects.filter(work_center__in=lines).order_by("position", "code"):
        units[unit.work_center_id].append(unit)
    jobs: defaultdict[int, list[JobOrder]] = defaultdict(list)
    rows = JobOrder.objects.not_over().filter(work_center__in=lines, work_unit__isnull=False)
    for job in rows.select_related("work_order").by_due_date():
        jobs[job.work_unit_id or 0].append(job)
    stopped: set[int | None] = set(
        FloorException.objects.not_done()
        .filter(work_center__in=lines, impact=Impact.DOWN, work_unit__isnull=False)
        .values_list("work_unit", flat=True)
    )
    return {
        subject: _ways(jobs[unit_id], units[subject.exception.work_center_id or 0], jobs, stopped)
        for subject, unit_id in down.items()
        if unit_id is not None and jobs[unit_id]
    }


def _ways(
    here: list[JobOrder], units: list[WorkUnit], jobs: dict[int, list[JobOrder]], stopped: set[int | None]
) -> list[Offer]:
    """Of the one that is in hand, else of the one that is due first, to each other station."""
    job = next((job for job in here if job.status in BEGUN), here[0])
    others = [unit for unit in units if unit.pk != job.work_unit_id]
    if not others:
        return [Offer(label=str(MOVE.label), why_not=_("The line has no other station."))]
    return [_to(unit, job, jobs[unit.pk], is_stopped=unit.pk in stopped) for unit in others]


def _to(unit: WorkUnit, job: JobOrder, there: list[JobOrder], *, is_stopped: bool) -> Offer:
    words = {"order": job.work_order.number, "unit": unit.code}
    statuses = Counter(other.status for other in there)
    running = next((other for other in there if other.status == DispatchStatus.RUNNING), None)
    why_not = ""
    if job.status not in MOVABLE:
        why_not = _("%(order)s runs. Pause it first, then move it.") % words
    elif is_stopped:
        why_not = _("%(unit)s stands still itself.") % words
    elif running is not None:
        why_not = _("%(unit)s is at work on %(running)s.") % {**words, "running": running.work_order.number}
    waiting = statuses.total() - (1 if running else 0)
    cost = _("%(count)s orders wait there") % {"count": waiting} if waiting else _("nothing waits there")
    return Offer(
        label=_("Move %(order)s to %(unit)s") % words,
        inputs={"job": job.pk, "unit": unit.pk},
        cost=cost,
        why_not=why_not,
    )


def _lock(_context: Context, _subject: Subject, inputs: Inputs) -> None:
    if JobOrder.objects.filter(pk=inputs.get("job", 0)).exists():
        locked(int(inputs["job"]))


def _move(context: Context, _subject: Subject, inputs: Inputs, _reason: str) -> None:
    move_job.within(context, job_order_id=int(inputs["job"]), work_unit_id=int(inputs["unit"]))


MOVE = declare(
    Cure(
        code="move",
        label=gettext_lazy("Move to another station"),
        permission=GO_ON,
        offers=_offers,
        lock=_lock,
        run=_move,
    )
)
