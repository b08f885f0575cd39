"""The personal part of a station screen: who writes, what this person may do now, where the last entry has got to."""

from __future__ import annotations

from functools import cached_property

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
from apps.orders.models import DispatchStatus, JobOrder, Partnership
from apps.orders.queries import StepNow, WorkNow, queue_of_station, work_now
from apps.orders.together import partners_of
from apps.plant.access import LAST_ACT, person_known, terminal_known
from apps.plant.models import Person, WorkUnit
from apps.workflows.kinds import kind_of

S = DispatchStatus


class Panel:
    """Reads only what it is asked for, and that once.

    erp_detail    what this person may know of the last entry's way into the ERP
    by_password   who signs here does so with a password, because this browser is no terminal
    work, limits  the standard work of the operation, and the picture under a measurement
    partners      who lends a qualification to the operation, whether it runs or not
    locks_at_ms   when the screen locks itself unless something is done, as JavaScript counts time
    """

    def __init__(self, unit: WorkUnit, actor: Actor, session: SessionBase) -> None:
        self._unit, self._actor, self._session = unit, actor, session

    @cached_property
    def job(self) -> JobOrder | None:
        return queue_of_station(self._unit).in_hand

    @cached_property
    def person(self) -> Person | None:
        return person_known(self._actor.person_id) if self._actor.person_id else None

    @cached_property
    def work(self) -> WorkNow | None:
        return work_now(self.job) if self.job else None

    @cached_property
    def limits(self) -> LimitsBar | None:
        work = self.work
        return limits_bar(work.current.step, work.recent) if work and work.current else None

    @cached_property
    def choices(self) -> list[Choice]:
        return choices(self.job, self._actor) if self.job and self.person else []

    @property
    def by_password(self) -> bool:
        return self._actor.terminal_id is None

    @cached_property
    def _may_book(self) -> bool:
        return self.person is not None and rights.may(self._actor, CONFIRM, self._unit.scope)

    @property
    def can_book(self) -> bool:
        return self._may_book and self.job is not None and self.job.is_running

    @property
    def why_not_book(self) -> str:
        if self.can_book:
            return ""
        if self.person is None:
            return _("Sign in to book.")
        if not self._may_book:
            return _("You may not book quantities here.")
        if self.job is None:
            return _("There is nothing to book.")
        return _("Start the operation, then book.")

    @cached_property
    def last(self) -> LastEntry | None:
        return last_entry(self._unit)

    @cached_property
    def erp_detail(self) -> str:
        return erp_detail(self.last, self._unit, self._actor) if self.last else ""

    @cached_property
    def can_undo(self) -> bool:
        return self.person is not None and rights.may(self._actor, REVERSE, self._unit.scope)

    @cached_property
    def crew(self) -> Crew:
        return crew(self.job, self._actor)

    @cached_property
    def partners(self) -> list[Partnership]:
        return partners_of(self.job.pk) if self.job else []

    @property
    def locks_at_ms(self) -> int | None:
        last_act = self._session.get(LAST_ACT)
        terminal = terminal_known(self._actor.terminal_id) if self._actor.terminal_id else None
        if self.person is None or not last_act or terminal is None:
            return None
        return int((last_act + terminal.auto_lock_seconds) * 1000) + 500

    @property
    def step(self) -> StepNow | None:
        """The step that this person can do now; then the ways out of the state stand in the foot."""
        return self.work.current if self.can_book and self.work else None

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
