"""On, off, and seen: what commands, subscribers and the end rule do with time entries alike."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from apps.core.commands import Context
from apps.core.prepared import Given, Prepared, planned_once
from apps.labor.events import ClockedOff, ClockedOn
from apps.labor.models import ClosedBy, TimeEntry
from apps.orders.models import JobOrder
from apps.plant.models import Person
from apps.plant.presence import SEEN_AT_WORK
from apps.workflows.models import Phases


def sign(context: Context, entry: TimeEntry) -> None:
    """The entry's history names who acted, as far as it is a person."""
    entry._history_user = Person(pk=context.actor.person_id)  # type: ignore[attr-defined]  # read by simple-history


def is_on(job: JobOrder, person_id: int) -> bool:
    return _ENTRY.first(job_order=job.pk, person=person_id) is not None


_ENTRY = Prepared(
    lambda: TimeEntry.objects.open().filter(job_order=Given("job_order"), person=Given("person")).values_list("pk")
)


def phase_of(job: JobOrder) -> str:
    """The phase in which people are on the operation: while it runs, and while its machine stands; else ""."""
    if job.is_stopped:
        return Phases.STOP.value
    if not job.is_running:
        return ""
    return (Phases.SET_UP if job.is_setting_up else Phases.RUN).value


def put_on(
    context: Context, job: JobOrder, person_id: int, phase: str, *, seen_at: datetime | None = None
) -> TimeEntry:
    """Opens an entry at the context's `occurred_at`, but not within one that the person has there already.

    The operation is locked by the caller. seen_at: when the person last did something, if not just now.
    """
    known = TimeEntry.objects.filter(job_order=job, person=person_id).aggregate(last=Max("ended_at"))["last"]
    started_at = max(context.occurred_at, known) if known else context.occurred_at
    entry = TimeEntry(
        site_id=job.site_id,
        person_id=person_id,
        job_order=job,
        phase=phase,
        started_at=started_at,
        last_evidence_at=seen_at or started_at,
    )
    sign(context, entry)
    entry.save()
    context.record(
        ClockedOn(
            subject_id=entry.pk,
            **job.work_order.story,
            person_id=person_id,
            job_order_id=job.pk,
            work_center_id=job.work_center_id,
            phase=phase,
        )
    )
    context.touch(*job.topics)
    return entry


def put_off(
    context: Context, entry: TimeEntry, at: datetime, closed_by: ClosedBy, *, flagged: bool = False
) -> TimeEntry:
    """Closes an open entry at `at`, or at its start should that be later. The entry is locked by the caller."""
    entry.ended_at, entry.closed_by, entry.flagged = max(at, entry.started_at), closed_by, flagged
    sign(context, entry)
    entry.save(update_fields=["ended_at", "closed_by", "flagged"])
    job = entry.job_order
    context.record(
        ClockedOff(
            subject_id=entry.pk,
            **job.work_order.story,
            person_id=entry.person_id,
            job_order_id=job.pk,
            work_center_id=job.work_center_id,
            phase=entry.phase,
            closed_by=closed_by.value,
            started_at=entry.started_at,
            ended_at=entry.ended_at,
        )
    )
    context.touch(*job.topics)
    return entry


def open_entries(job: JobOrder) -> list[TimeEntry]:
    """Those of the operation, locked; the end rule may have closed some meanwhile, they are not among them."""
    entries = TimeEntry.objects.open().filter(job_order=job).select_for_update(of=("self",))
    return list(entries.select_related("job_order__work_order").order_by("pk"))


def entries_of(person_id: int) -> list[TimeEntry]:
    """All that the person is clocked on to, locked."""
    entries = TimeEntry.objects.open().filter(person=person_id).select_for_update(of=("self",))
    return list(entries.select_related("job_order__work_order", "job_order__work_center").order_by("pk"))


def note_evidence(context: Context, person_id: int) -> None:
    """The person did something now, so is at work: at the site, and on all that the person is clocked on to.

    Written once the act is committed: within it, two people who are on two operations each would wait for one another.
    Should the write be lost, the end rule guesses an earlier end, and a person looks at it.
    """
    at = context.occurred_at

    def write() -> None:
        write_evidence(person_id, at)

    transaction.on_commit(write, robust=True)


# Nobody waits for the disk: should the write be lost, the end rule guesses an earlier end.
EVIDENCE = f"""
WITH hurry AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
{SEEN_AT_WORK},
going AS (
    SELECT entry.id FROM labor_timeentry AS entry, hurry
     WHERE entry.person_id = %s AND entry.ended_at IS NULL AND entry.last_evidence_at < %s
     ORDER BY entry.id
       FOR UPDATE OF entry SKIP LOCKED
)
UPDATE labor_timeentry SET last_evidence_at = %s FROM going WHERE labor_timeentry.id = going.id
"""  # noqa: S608 - names from here


def write_evidence(person_id: int, at: datetime) -> None:
    """No history: evidence is written often, and the ledger has the acts. An entry being closed now is passed over."""
    with planned_once() as cursor:
        cursor.execute(EVIDENCE, [person_id, at, at, person_id, at, at])
