"""How far an exception has climbed and what its clocks say, as screens show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from apps.andon.climbing import place_of
from apps.andon.ladder import Ladder, running
from apps.andon.models import (
    Clock,
    Condition,
    ExceptionStatus,
    FloorException,
    Notification,
    Occasion,
    PolicyStep,
    Target,
)
from apps.andon.owners import Finder
from apps.andon.planning import ladders_of
from apps.andon.sla import elapsed
from apps.core import clock
from apps.plant.models import Person, Role


class Stage(StrEnum):
    """Of a rung. ANSWERED: of the owner's, who has it in hand. LATER: comes only if those before it do not help."""

    PAST = "past"
    HERE = "here"
    ANSWERED = "answered"
    NEXT = "soon"
    LATER = "later"


@dataclass(frozen=True)
class Rung:
    """One step of the ladder; number 0 is the owner.

    whom          as the policy names them          person  reached, or who it would be now; None: nobody is on duty
    reached_at    the last time                     due     when it comes, or comes again; None: it does not come
    repeat_minutes  of the last one: comes again so often until somebody answers; else None
    """

    number: int
    whom: str
    person: Person | None
    stage: Stage
    reached_at: datetime | None
    due: datetime | None
    repeat_minutes: int | None = None


@dataclass(frozen=True)
class ClockNow:
    """due  when it runs out; None while it stands      percent  of what is allowed, more than 100 when it is over"""

    clock: Clock
    due: datetime | None
    left: timedelta | None
    percent: int
    paused_until: datetime | None
    pause_reason: str

    @property
    def is_paused(self) -> bool:
        return self.paused_until is not None

    @property
    def is_over(self) -> bool:
        return self.percent >= 100

    @property
    def share_left(self) -> float:
        """For the bar that runs out: 1 to 0."""
        return max(0.0, 1 - self.percent / 100)


@dataclass(frozen=True)
class Look:
    """One exception as screens show it; `clocks`: those that run or stand, not those that have ended."""

    exception: FloorException
    rungs: Sequence[Rung]
    clocks: Sequence[ClockNow]
    at: datetime

    @property
    def clock(self) -> ClockNow | None:
        """The one that asks first."""
        return self.clocks[0] if self.clocks else None

    @property
    def next(self) -> Rung | None:
        """The step that comes next, if nobody does anything."""
        coming = [rung for rung in self.rungs if rung.due and (rung.stage == Stage.NEXT or rung.reached_at)]
        return coming[0] if coming else None

    @property
    def reached(self) -> Rung | None:
        """Who was called last, above the owner."""
        called = [rung for rung in self.rungs if rung.number and rung.reached_at]
        return called[-1] if called else None

    @property
    def is_loud(self) -> bool:
        """Nobody has answered yet."""
        return bool(self.exception.status == ExceptionStatus.OPEN)

    @property
    def is_over(self) -> bool:
        return any(clock_now.is_over for clock_now in self.clocks)

    @property
    def levels(self) -> int:
        return len(self.rungs)


def looks(exceptions: Iterable[FloorException], at: datetime | None = None) -> list[Look]:
    """In the order given; a number of queries that depends on the places and policies, not on the exceptions."""
    rows = list(exceptions)
    if not rows:
        return []
    now = at or clock.now()
    ladders = ladders_of(rows)
    people = _People(ladders, Finder(now))
    return [Look(ladder.exception, _rungs(ladder, people, now), _clocks(ladder, now), now) for ladder in ladders]


def path(exception: FloorException) -> Sequence[Rung]:
    """The ladder of one exception: the owner, then each step of the policy that it was raised with."""
    return looks([exception])[0].rungs


def clocks(exception: FloorException) -> Sequence[ClockNow]:
    return looks([exception])[0].clocks


class _People:
    """Names for all rungs of several ladders: who was reached, and who would be now."""

    def __init__(self, ladders: Sequence[Ladder], finder: Finder) -> None:
        self.finder = finder
        self.reached = _reached(ladders)
        self.roles = role_names(ladder.exception.owner_role for ladder in ladders)
        ids = {
            self._now(ladder, step)
            for ladder in ladders
            for level, step in enumerate(ladder.steps, start=1)
            if (ladder.exception.pk, level) not in self.reached
        } - {None}
        self._people = Person.objects.get_queryset().in_bulk(ids)

    def now(self, ladder: Ladder, step: PolicyStep) -> Person | None:
        person_id = self._now(ladder, step)
        return self._people.get(person_id) if person_id else None

    def _now(self, ladder: Ladder, step: PolicyStep) -> int | None:
        if step.target == Target.ROLE and step.role:
            on_duty = self.finder.on_duty(step.role.code, place_of(ladder.exception).scope)
            return on_duty[0] if on_duty else None
        return step.person_id if step.target == Target.PERSON else ladder.exception.owner_id


def _reached(ladders: Sequence[Ladder]) -> dict[tuple[int, int], Notification]:
    """The last word of each step since the ladder began, by exception and level."""
    begun = {ladder.exception.pk: ladder.exception.ladder_started_at for ladder in ladders}
    rows = Notification.objects.of_people().filter(exception__in=begun, occasion=Occasion.STEP)
    return {
        (row.exception_id, row.level): row
        for row in rows.select_related("person").order_by("pk")
        if row.exception_id and row.created_at >= begun[row.exception_id]
    }


def role_names(codes: Iterable[str]) -> dict[str, str]:
    wanted = {code for code in codes if code}
    return {role.code: role.label() for role in Role.objects.filter(code__in=wanted)} if wanted else {}


def _rungs(ladder: Ladder, people: _People, now: datetime) -> list[Rung]:
    exception, next_index = ladder.exception, ladder.next_step()
    last = len(ladder.steps) - 1
    rungs = [_owner_rung(exception, people)]
    for index, step in enumerate(ladder.steps):
        told = people.reached.get((exception.pk, index + 1))
        is_next = next_index is not None and min(next_index, last) == index
        stage = _stage(exception, index, is_next=is_next)
        comes = is_next or (stage == Stage.LATER and _may_come(exception, step))
        rungs.append(
            Rung(
                number=index + 1,
                whom=step.whom,
                person=told.person if told else people.now(ladder, step),
                stage=stage,
                reached_at=told.created_at if told else None,
                due=ladder.step_due(next_index if is_next and next_index is not None else index, now)
                if comes
                else None,
                repeat_minutes=step.repeat_minutes if index == last else None,
            )
        )
    return rungs


def _owner_rung(exception: FloorException, people: _People) -> Rung:
    answered = exception.status != ExceptionStatus.OPEN
    return Rung(
        number=0,
        whom=people.roles.get(exception.owner_role, ""),
        person=exception.owner,
        stage=Stage.ANSWERED if answered else Stage.PAST if exception.level else Stage.HERE,
        reached_at=exception.acknowledged_at if answered else max(exception.owner_since, exception.ladder_started_at),
        due=None,
    )


def _stage(exception: FloorException, index: int, *, is_next: bool) -> Stage:
    level = index + 1
    if level < exception.level:
        return Stage.PAST
    if level == exception.level:
        return Stage.HERE if exception.status == ExceptionStatus.OPEN else Stage.PAST
    return Stage.NEXT if is_next else Stage.LATER


def _may_come(exception: FloorException, step: PolicyStep) -> bool:
    return exception.status == ExceptionStatus.OPEN or step.condition == Condition.UNRESOLVED


def _clocks(ladder: Ladder, now: datetime) -> list[ClockNow]:
    found = [seen for each in Clock if (seen := _clock(ladder, each, now))]
    return sorted(found, key=lambda seen: (seen.due is None, seen.due or now))


def _clock(ladder: Ladder, which: Clock, now: datetime) -> ClockNow | None:
    intervals = ladder.runs.get(which, ())
    open_one = next((row for row in intervals if row.ended_at is None), None)
    allowed = ladder.allowed(which)
    if open_one is None or allowed is None:
        return None
    due = ladder.due(which)
    used = elapsed(running(intervals), now, ladder.counting, ladder.calendar)
    return ClockNow(
        clock=which,
        due=due,
        left=due - now if due else None,
        percent=int(used / allowed * 100),
        paused_until=open_one.pause_until,
        pause_reason=str(open_one.pause_reason or ""),
    )
