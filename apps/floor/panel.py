"""The personal part of a station screen: who writes, what this person may do now, where the last entry has got to."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase
from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.numbers import plain
from apps.floor.crew import Crew, crew
from apps.floor.limits_bar import LimitsBar, limits_bar
from apps.floor.trail import LastEntry, erp_detail, last_entry
from apps.floor.ways import Choice, choices
from apps.orders.actions import CONFIRM, REVERSE
from apps.orders.models import DispatchStatus, JobOrder
from apps.orders.queries import StepNow, WorkNow, queue_of_station, work_now
from apps.plant.access import LAST_ACT, person_known, terminal_known
from apps.plant.models import Person, WorkUnit
from apps.workflows.kinds import kind_of

S = DispatchStatus


@dataclass(frozen=True)
class Panel:
    """
    erp_detail    what this person may know of the last entry's way into the ERP
    by_password   who signs here does so with a password, because this browser is no terminal
    work, limits  the standard work of the operation, and the picture under a measurement
    locks_at_ms   when the screen locks itself unless something is done, as JavaScript counts time
    """

    person: Person | None
    job: JobOrder | None
    work: WorkNow | None
    limits: LimitsBar | None
    choices: list[Choice]
    by_password: bool
    can_book: bool
    why_not_book: str
    last: LastEntry | None
    erp_detail: str
    can_undo: bool
    crew: Crew
    locks_at_ms: int | None

    @property
    def step(self) -> StepNow | None:
        """The step that this person can do now; then the ways out of the state stand in the foot."""
        return self.work.current if self.work and self.can_book else None

    @property
    def step_key(self) -> str:
        """Two panels with the same key show the same step, and what is typed in it stays."""
        if self.step is None or self.work is None:
            return ""
        failed = self.step.failed.pk if self.step.failed else 0
        return f"{self.step.step.pk} {self.work.piece} {failed}"

    @property
    def ways_out(self) -> list[Choice]:
        """Those that stand in the foot while a step is shown."""
        return [choice for choice in self.choices if choice.is_open] if self.step else []

    @property
    def locked_ways(self) -> list[Choice]:
        return [choice for choice in self.choices if not choice.is_open] if self.step else []

    @property
    def ways_key(self) -> str:
        return " ".join(choice.key for choice in self.choices) if self.step else ""

    @property
    def locked_key(self) -> str:
        return " ".join(choice.key for choice in self.locked_ways)

    @property
    def partner_key(self) -> str:
        """Empty: nothing here waits for a partner. Two with the same key make the same sheet."""
        return " ".join(choice.key for choice in self.choices if choice.needs_partner)

    @property
    def item_kind(self) -> str:
        """Of what pictures are taken here."""
        return kind_of(JobOrder).code

    def choice(self, edge: str) -> Choice | None:
        return next((choice for choice in self.choices if choice.exit.code == edge), None)

    @property
    def headline(self) -> str:
        if self.job and self.job.is_setting_up:
            return _("Setting up")
        if self.job and self.job.is_stopped:
            return self.job.state_label
        return _HEADLINES[S(self.job.status)]() if self.job and self.job.status in _HEADLINES else ""

    @property
    def advice(self) -> str:
        if self.job is None:
            return ""
        if self.job.status != S.RUNNING:
            return ""
        if self.job.is_setting_up:
            return _("Set up and make the first piece, then start.")
        if self.work and self.work.by_piece and self.job.to_do:
            return _("%(to_do)s still to do.") % {"to_do": plain(self.job.to_do)}
        if not self.job.to_do:
            return _("All %(quantity)s are good. Complete the operation.") % {"quantity": plain(self.job.quantity)}
        return _("%(to_do)s still to do. Type what is good and what is scrap, then book.") % {
            "to_do": plain(self.job.to_do)
        }


_HEADLINES = {
    S.READY: lambda: _("Ready to start"),
    S.DISPATCHED: lambda: _("Ready to start"),
    S.RUNNING: lambda: _("Running"),
    S.SUSPENDED: lambda: _("Paused"),
    S.HELD: lambda: _("Held: somebody else must decide"),
}


def panel(unit: WorkUnit, actor: Actor, session: SessionBase) -> Panel:
    queue = queue_of_station(unit)
    job = queue.in_hand
    person = person_known(actor.person_id) if actor.person_id else None
    work = work_now(job) if job else None
    last = last_entry(unit)
    may_book = person is not None and rights.may(actor, CONFIRM, unit.scope)
    can_book = may_book and job is not None and job.is_running
    return Panel(
        person=person,
        job=job,
        work=work,
        limits=limits_bar(work.current.step, work.recent) if work and work.current else None,
        choices=choices(job, actor) if job and person else [],
        by_password=actor.terminal_id is None,
        can_book=can_book,
        why_not_book="" if can_book else _why_not_book(person, job, may_book=may_book),
        last=last,
        erp_detail=erp_detail(last, unit, actor) if last else "",
        can_undo=person is not None and rights.may(actor, REVERSE, unit.scope),
        crew=crew(job, actor),
        locks_at_ms=_locks_at(actor, session) if person else None,
    )


def _why_not_book(person: Person | None, job: JobOrder | None, *, may_book: bool) -> str:
    if person is None:
        return _("Sign in to book.")
    if not may_book:
        return _("You may not book quantities here.")
    if job is None:
        return _("There is nothing to book.")
    return _("Start the operation, then book.")


def _locks_at(actor: Actor, session: SessionBase) -> int | None:
    last_act = session.get(LAST_ACT)
    terminal = terminal_known(actor.terminal_id) if actor.terminal_id else None
    return int((last_act + terminal.auto_lock_seconds) * 1000) + 500 if last_act and terminal else None
