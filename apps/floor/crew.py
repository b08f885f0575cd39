"""Who works on the operation in hand, and who of them may be clocked on or off from here."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core import rights
from apps.core.actors import Actor
from apps.labor.actions import CLOCK, CORRECT_TIME
from apps.labor.models import TimeEntry
from apps.labor.queries import jobs_of, on_job
from apps.orders.models import JobOrder


@dataclass(frozen=True)
class Member:
    """`leaves`: the one who is signed in may clock this one off."""

    entry: TimeEntry
    is_me: bool
    leaves: bool


@dataclass(frozen=True)
class Crew:
    """
    joins      the one who is signed in may clock on
    elsewhere  what the one who is signed in is clocked on to besides
    """

    job: JobOrder | None
    members: list[Member]
    joins: bool
    elsewhere: list[TimeEntry]

    @property
    def is_open(self) -> bool:
        """Whether anybody can be clocked on."""
        return self.job is not None and self.job.is_running


def crew(job: JobOrder | None, actor: Actor) -> Crew:
    entries = on_job(job.pk) if job and job.is_running else []
    me = actor.person_id
    may_clock = me is not None and job is not None and rights.may(actor, CLOCK, job.scope)
    may_correct = me is not None and bool(entries) and job is not None and rights.may(actor, CORRECT_TIME, job.scope)
    members = [
        Member(entry, entry.person_id == me, may_clock if entry.person_id == me else may_correct) for entry in entries
    ]
    is_on = any(member.is_me for member in members)
    return Crew(
        job=job,
        members=members,
        joins=may_clock and job is not None and job.is_running and not is_on,
        elsewhere=[entry for entry in jobs_of(me) if job is None or entry.job_order_id != job.pk] if me else [],
    )
