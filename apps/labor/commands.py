"""Everything that can be done to working times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from apps.core.commands import FUTURE_TOLERANCE, Context, FreeText, command
from apps.core.rights import EVERYWHERE
from apps.labor import clocking
from apps.labor.actions import CLOCK, CORRECT_TIME
from apps.labor.clocking import is_on, note_evidence, phase_of, put_off, put_on
from apps.labor.events import TimeEntryCorrected
from apps.labor.models import ClosedBy, TimeEntry
from apps.orders.models import JobOrder, sharing
from apps.plant.end_rule import ends_at
from apps.plant.shifts_calendar import calendar_of


@dataclass(frozen=True, kw_only=True)
class Time:
    """A time entry after a command; `ended_at` None: it goes on."""

    entry_id: int
    person_id: int
    job_order_id: int
    phase: str
    started_at: datetime
    ended_at: datetime | None
    flagged: bool


@command("labor.clock_on")
def clock_on(context: Context, *, job_order_id: int) -> Time:
    """The signed-in person works on the operation from now on, beside whoever does already.

    Raises CommandRefused: not_found, nobody, not_running, on_already, and for who may not.
    """
    return _told(_begin_work(context, job_order_id))


@command("labor.change_to")
def change_to(context: Context, *, job_order_id: int) -> Time:
    """The signed-in person works on the operation from now on, and on no other one any more.

    On before off: who changes is at work all the while, and keeps what is theirs to answer.

    Raises CommandRefused: as clock_on.
    """
    entry = _begin_work(context, job_order_id)
    for other in clocking.entries_of(entry.person_id):
        if other.pk != entry.pk:
            put_off(context, other, context.occurred_at, ClosedBy.PERSON)
    return _told(entry)


@command("labor.clock_off")
def clock_off(context: Context, *, job_order_id: int, person_id: int | None = None) -> Time:
    """The signed-in person, or another one (`person_id`), no longer works on the operation; it runs on.

    Raises CommandRefused: not_found, nobody, not_on, and for who may not (another person: labor.correct).
    """
    job = _locked_job(context, job_order_id)
    own = person_id is None or person_id == context.actor.person_id
    context.allow(CLOCK if own else CORRECT_TIME, at=job.scope)
    who = _signed_in(context) if person_id is None else person_id
    entry = next((entry for entry in clocking.open_entries(job) if entry.person_id == who), None)
    if entry is None:
        context.refuse(
            "not_on",
            _("You are not clocked on to this operation.")
            if own
            else _("This person is not clocked on to the operation."),
        )
    if own:
        note_evidence(context, who)
    return _told(put_off(context, entry, context.occurred_at, ClosedBy.PERSON))


@command("labor.correct_time_entry")
def correct_time_entry(
    context: Context, *, entry_id: int, started_at: datetime, ended_at: datetime, reason: FreeText
) -> Time:
    """Says when the person really worked; what it said before stands in the ledger and in the history.

    Raises CommandRefused: not_found, still_open, no_reason, not_a_time, in_the_future, overlaps, and for who may not.
    """
    entry = _locked_entry(context, entry_id)
    context.allow(CORRECT_TIME, at=entry.scope)
    if entry.ended_at is None:
        context.refuse("still_open", _("This time goes on. Clock the person off first."))
    if not reason.strip():
        context.refuse("no_reason", _("Say why it is corrected."))
    _check_times(context, entry, started_at, ended_at)
    old_started_at, old_ended_at = entry.started_at, entry.ended_at
    entry.started_at, entry.ended_at, entry.flagged = started_at, ended_at, False
    entry.correction_reason = reason.strip()
    clocking.sign(context, entry)
    entry.save(update_fields=["started_at", "ended_at", "flagged", "correction_reason"])
    job = entry.job_order
    context.record(
        TimeEntryCorrected(
            subject_id=entry.pk,
            **job.work_order.story,
            person_id=entry.person_id,
            job_order_id=job.pk,
            work_center_id=job.work_center_id,
            old_started_at=old_started_at,
            old_ended_at=old_ended_at,
            new_started_at=started_at,
            new_ended_at=ended_at,
        )
    )
    context.touch(*job.topics)
    return _told(entry)


@command("labor.end_by_rule")
def end_by_rule(context: Context, *, entry_id: int) -> bool:
    """Ends the time of somebody who is gone (apps.plant.end_rule), flagged; for the worker.

    False: it goes on after all, it is closed already, or somebody is at it right now.
    """
    context.allow(CORRECT_TIME, at=EVERYWHERE)
    entries = TimeEntry.objects.open().select_for_update(of=("self",), skip_locked=True)
    entry = entries.select_related("job_order__work_order", "job_order__work_center").filter(pk=entry_id).first()
    if entry is None:
        return False
    end = ends_at(
        calendar_of(entry.job_order.work_center),
        started_at=entry.started_at,
        last_evidence_at=entry.last_evidence_at,
        now=context.now,
    )
    if end is None:
        return False
    put_off(context, entry, end, ClosedBy.RULE, flagged=True)
    return True


def _begin_work(context: Context, job_order_id: int) -> TimeEntry:
    job = _locked_job(context, job_order_id)
    context.allow(CLOCK, at=job.scope)
    person_id = _signed_in(context)
    phase = phase_of(job)
    if not phase:
        context.refuse(
            "not_running",
            _("%(order)s operation %(sequence)s is %(status)s. Start it, then clock on.")
            % {"order": job.work_order.number, "sequence": job.sequence, "status": job.status_label},
            status=job.status,
        )
    if is_on(job, person_id):
        context.refuse("on_already", _("You are clocked on to this operation already."))
    note_evidence(context, person_id)
    return put_on(context, job, person_id, phase)


def _locked_job(context: Context, job_order_id: int) -> JobOrder:
    jobs = JobOrder.objects.select_related("work_order", "work_center", "workflow_version")
    job = jobs.select_for_update(of=("self",)).filter(pk=job_order_id).first()
    if job is None:
        context.refuse("not_found", _("This operation does not exist any more. Reload the screen."))
    return job


def _locked_entry(context: Context, entry_id: int) -> TimeEntry:
    entries = TimeEntry.objects.select_related("job_order__work_order", "job_order__work_center")
    entry = entries.select_for_update(of=("self",)).filter(pk=entry_id).first()
    if entry is None:
        context.refuse("not_found", _("This time does not exist any more. Reload the page."))
    return entry


def _signed_in(context: Context) -> int:
    if context.actor.person_id is None:
        context.refuse("nobody", _("Sign in: working time belongs to a person."))
    return context.actor.person_id


def _check_times(context: Context, entry: TimeEntry, started_at: datetime, ended_at: datetime) -> None:
    if started_at.tzinfo is None or ended_at.tzinfo is None:
        raise ValueError("times are aware")
    if ended_at <= started_at:
        context.refuse("not_a_time", _("The end has to be after the start."))
    if ended_at > context.now + FUTURE_TOLERANCE:
        context.refuse("in_the_future", _("The time given lies in the future. Check the date and the time."))
    others = TimeEntry.objects.filter(job_order=entry.job_order_id, person=entry.person_id).exclude(pk=entry.pk)
    if others.filter(sharing(started_at, ended_at)).exists():
        context.refuse("overlaps", _("The person has other time on this operation in between. Choose other times."))


def _told(entry: TimeEntry) -> Time:
    return Time(
        entry_id=entry.pk,
        person_id=entry.person_id,
        job_order_id=entry.job_order_id,
        phase=entry.phase,
        started_at=entry.started_at,
        ended_at=entry.ended_at,
        flagged=entry.flagged,
    )
