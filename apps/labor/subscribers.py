"""Working time follows the operation: who starts it is on, and nobody stays on when it stops.

Presence follows working time: it begins with the first, and ends with the last that a person or the end rule has
closed. An operation that stops sends nobody home.
"""

from __future__ import annotations

from apps.core.commands import Context
from apps.core.events import subscribe
from apps.core.prepared import Given, Prepared
from apps.labor.clocking import entries_of, is_on, note_evidence, open_entries, phase_of, put_off, put_on
from apps.labor.events import ClockedOff, ClockedOn
from apps.labor.models import ClosedBy, TimeEntry
from apps.materials.events import MaterialMoved
from apps.orders.events import QuantityConfirmed, WorkTogetherBegan, WorkTogetherEnded
from apps.orders.kinds import JOB_ORDER
from apps.orders.models import DispatchStatus, JobOrder, PartedBy
from apps.orders.together import end_all, partners_of
from apps.plant.commands import begin_presence, end_presence
from apps.plant.events import SignedIn, WentOffDuty
from apps.plant.presence import locked_open
from apps.workflows.events import StateChanged
from apps.workflows.models import Phases


@subscribe(StateChanged)
def follow_the_job(event: StateChanged, context: Context) -> None:
    """The operation is locked by the move."""
    if event.item_kind != JOB_ORDER.code:
        return
    person_id = context.actor.person_id
    if person_id is not None:
        note_evidence(context, person_id)
    old, new = _worked_in(event.from_status, event.from_phase), _worked_in(event.to_status, event.to_phase)
    if not (old or new):
        return
    (job,) = _JOB(pk=int(event.subject_id))
    if old and old != new:
        for entry in open_entries(job):
            put_off(context, entry, context.occurred_at, ClosedBy.JOB)
            if new:
                put_on(context, job, entry.person_id, new, seen_at=entry.last_evidence_at)
    if new and person_id is not None and not is_on(job, person_id):
        put_on(context, job, person_id, new)
    if new and old != new:
        _put_partners_on(context, job, new)


def _put_partners_on(context: Context, job: JobOrder, phase: str) -> None:
    for partner in partners_of(job.pk):
        if not is_on(job, partner.person_id):
            put_on(context, job, partner.person_id, phase, seen_at=partner.started_at)


def _worked_in(status: str, phase: str) -> str:
    """The phase in which people are on an operation: while it runs, and while its machine stands; else ""."""
    if status == DispatchStatus.RUNNING:
        return phase or Phases.RUN.value
    return phase if phase == Phases.STOP else ""


_JOB = Prepared(lambda: JobOrder.objects.select_related("work_order").filter(pk=Given("pk")))


@subscribe(WorkTogetherBegan)
def a_partner_works(event: WorkTogetherBegan, context: Context) -> None:
    """On what runs already from now on, else from when it starts. The operation is locked by the command."""
    job = JobOrder.objects.select_related("work_order", "workflow_version").get(pk=event.subject_id)
    phase = phase_of(job)
    if phase and not is_on(job, event.person_id):
        put_on(context, job, event.person_id, phase)


@subscribe(WorkTogetherEnded)
def a_partner_leaves(event: WorkTogetherEnded, context: Context) -> None:
    """Who says so is clocked off; the time of somebody else is not ended along with what they lent."""
    if event.ended_by != PartedBy.PERSON or context.actor.person_id != event.person_id:
        return
    (job,) = _JOB(pk=int(event.subject_id))
    for entry in open_entries(job):
        if entry.person_id == event.person_id:
            put_off(context, entry, context.occurred_at, ClosedBy.PERSON)


@subscribe(ClockedOff)
def whoever_is_off_lends_nothing(event: ClockedOff, context: Context) -> None:
    """An operation that stops parts nobody: they go on together when it does."""
    if event.closed_by != ClosedBy.JOB:
        at, job_order_id = event.ended_at, event.job_order_id
        end_all(context, PartedBy.ABSENCE, at, job_order_id=job_order_id, person_id=event.person_id)


@subscribe(QuantityConfirmed, MaterialMoved)
def whoever_acts_is_at_work(event: QuantityConfirmed | MaterialMoved, context: Context) -> None:  # noqa: ARG001
    if context.actor.person_id is not None:
        note_evidence(context, context.actor.person_id)


@subscribe(SignedIn)
def a_badge_is_seen(event: SignedIn, context: Context) -> None:
    """A badge at a terminal is evidence; a password may be typed from anywhere."""
    if event.by == "badge":
        note_evidence(context, int(event.subject_id))


@subscribe(ClockedOn)
def whoever_works_is_there(event: ClockedOn, context: Context) -> None:
    begin_presence.within(context.consequence(), person_id=event.person_id, work_center_id=event.work_center_id)


@subscribe(ClockedOff)
def whoever_works_no_more_has_left(event: ClockedOff, context: Context) -> None:
    """The presence is locked before it is asked what else the person works on: work begun meanwhile is seen."""
    if event.closed_by == ClosedBy.JOB or locked_open(event.person_id) is None:
        return
    if not TimeEntry.objects.open().filter(person=event.person_id).exists():
        by_rule = event.closed_by == ClosedBy.RULE
        end_presence.within(context.consequence(), person_id=event.person_id, by_rule=by_rule)


@subscribe(WentOffDuty)
def whoever_has_left_works_no_more(event: WentOffDuty, context: Context) -> None:
    for entry in entries_of(int(event.subject_id)):
        put_off(context, entry, context.occurred_at, ClosedBy.PERSON)
