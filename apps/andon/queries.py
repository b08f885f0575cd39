"""What screens show of exceptions: which are open for whom, how far each has climbed, what its clocks say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from django.db.models import Q

from apps.andon.actions import ANSWER
from apps.andon.climbing import place_of
from apps.andon.ladder import Ladder, running
from apps.andon.models import (
    Clock,
    Condition,
    ExceptionStatus,
    FloorException,
    Informed,
    Notification,
    Occasion,
    PolicyStep,
    Target,
)
from apps.andon.models.exceptions import FloorExceptionQuerySet
from apps.andon.owners import Finder
from apps.andon.planning import ladders_of
from apps.andon.sla import elapsed
from apps.core import clock
from apps.core.actors import Actor
from apps.plant.duty import OnDuty, on_duty
from apps.plant.models import Person, Role

# All that a list names of an exception; and what a page of one names besides.
SHOWN = ("type", "owner", "site", "area", "work_unit", "work_center", "policy_version")
OF_ONE = (*SHOWN, "raised_by", "workflow_version", "resolution", "cause_reason")


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


# ---- which


def shown(rows: FloorExceptionQuerySet | None = None) -> FloorExceptionQuerySet:
    """What is to be done, the most urgent first, with all that a screen names."""
    chosen = FloorException.objects.all() if rows is None else rows
    return chosen.not_done().select_related(*SHOWN).most_urgent_first()


def open_at_line(work_center_id: int) -> list[FloorException]:
    return _with_parents(shown(FloorException.objects.filter(work_center=work_center_id)))


def open_at_station(work_unit_id: int, work_center_id: int) -> list[FloorException]:
    """Of the station itself, and of its line as a whole."""
    here = Q(work_unit=work_unit_id) | Q(work_center=work_center_id, work_unit=None)
    return _with_parents(shown(FloorException.objects.filter(here)))


def _with_parents(rows: FloorExceptionQuerySet) -> list[FloorException]:
    """One that follows another is shown as that one: it alone is paged."""
    found = list(rows)
    above = {row.parent_id for row in found if row.parent_id}
    parents = {row.pk: row for row in shown(FloorException.objects.filter(pk__in=above))} if above else {}
    shown_as = [parents.get(row.parent_id, row) if row.parent_id else row for row in found]
    return list({row.pk: row for row in shown_as}.values())


@dataclass(frozen=True)
class Mine:
    """What concerns one person: `handed` owned and to be accepted, `called` asked for help by the ladder."""

    handed: list[Look]
    owned: list[Look]
    called: list[Look]
    informed: list[Look]

    @property
    def all(self) -> list[Look]:
        return [*self.handed, *self.owned, *self.called, *self.informed]


def open_for(person_id: int) -> Mine:
    """Each exception once, under the nearest of the ways it concerns the person; parents for those that follow them."""
    called = _called(person_id)
    informed = set(
        Informed.objects.filter(person=person_id, exception__closed_at=None).values_list("exception", flat=True)
    )
    rows = shown(FloorException.objects.filter(Q(owner=person_id) | Q(pk__in=called | informed)))
    groups: defaultdict[str, list[Look]] = defaultdict(list)
    for look in looks(row for row in rows if row.parent_id is None):
        groups[_concern(look.exception, person_id, called)].append(look)
    return Mine(**{name: groups[name] for name in ("handed", "owned", "called", "informed")})


def _called(person_id: int) -> set[int]:
    """What a step has called the person to, and nobody has answered yet."""
    rows = Notification.objects.filter(
        person=person_id, occasion=Occasion.STEP, exception__status=ExceptionStatus.OPEN
    ).exclude(exception__owner=person_id)
    return set(rows.values_list("exception", flat=True))


def _concern(exception: FloorException, person_id: int, called: set[int]) -> str:
    if exception.owner_id == person_id:
        return "handed" if exception.accept_by else "owned"
    return "called" if exception.pk in called else "informed"


@dataclass(frozen=True)
class OfOwner:
    owner: Person
    role: str
    looks: list[Look]


def by_owner(rows: FloorExceptionQuerySet) -> list[OfOwner]:
    """What is open, each owner's together; first whose most urgent one is the most urgent of all."""
    seen = looks(row for row in shown(rows) if row.parent_id is None)
    roles = _roles(look.exception.owner_role for look in seen)
    first: dict[int, int] = {}
    for position, look in enumerate(seen):
        first.setdefault(look.exception.owner_id, position)
    ordered = sorted(seen, key=lambda look: first[look.exception.owner_id])
    return [
        OfOwner(group[0].exception.owner, roles.get(group[0].exception.owner_role, ""), group)
        for _owner, looks_of in groupby(ordered, key=lambda look: look.exception.owner_id)
        for group in [list(looks_of)]
    ]


def can_see(actor: Actor, exception_id: int) -> FloorException | None:
    """For whom the place is open, and for those who must know; None for all others, and where there is none."""
    rows = FloorException.objects.select_related(*OF_ONE)
    visible = rows.visible_to(actor).filter(pk=exception_id).first()
    if visible is None and actor.person_id is not None:
        visible = rows.filter(pk=exception_id, informed__person=actor.person_id).first()
    return visible


# ---- how far, and how long


class _People:
    """Names for all rungs of several ladders: who was reached, and who would be now."""

    def __init__(self, ladders: Sequence[Ladder], finder: Finder) -> None:
        self.finder = finder
        self.reached = _reached(ladders)
        self.roles = _roles(ladder.exception.owner_role for ladder in ladders)
        ids = {person_id for ladder in ladders for step in ladder.steps if (person_id := self._now(ladder, step))}
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
    rows = Notification.objects.filter(exception__in=begun, occasion=Occasion.STEP)
    return {
        (row.exception_id, row.level): row
        for row in rows.select_related("person").order_by("pk")
        if row.exception_id and row.created_at >= begun[row.exception_id]
    }


def _roles(codes: Iterable[str]) -> dict[str, str]:
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


# ---- what can be answered


@dataclass(frozen=True)
class Eligible:
    """Somebody to whom an exception can be given: may answer there, and is on duty as `role`."""

    person: Person
    role: str
    until: datetime | None


def eligible(exception: FloorException, at: datetime) -> list[Eligible]:
    """Everybody but the owner, once; four queries for each role that may answer."""
    roles = Role.objects.filter(actions__code=ANSWER.code).order_by("code")
    found: dict[int, tuple[Role, OnDuty]] = {}
    for role in roles:
        for duty in on_duty(role.code, exception.scope, at):
            found.setdefault(duty.person_id, (role, duty))
    people = Person.objects.get_queryset().in_bulk(found.keys() - {exception.owner_id})
    chosen = [Eligible(people[key], role.label(), duty.until) for key, (role, duty) in found.items() if key in people]
    return sorted(chosen, key=lambda one: (one.role, one.person.name))


def to_merge_into(exception: FloorException) -> list[FloorException]:
    """Those that could be the one above it: open, of the same site, and no part of another one."""
    rows = FloorException.objects.filter(site=exception.site_id, parent=None).exclude(pk=exception.pk)
    return list(shown(rows)[:20])
