"""One step of an exception's policy: whom it reaches now, and what comes after it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from apps.andon.events import Escalated
from apps.andon.ladder import Ladder, not_before
from apps.andon.models import FloorException, Occasion, PolicyStep, Target, Timer
from apps.andon.owners import Finder, Place
from apps.andon.planning import Reads, ladder_of, steps_of
from apps.andon.telling import Desk, tell, tell_systems
from apps.core.commands import Context


@dataclass
class Office:
    """What climbing with several exceptions at one instant asks for once."""

    finder: Finder
    desk: Desk
    reads: Reads

    @classmethod
    def at(cls, now: datetime, reads: Reads | None = None) -> Office:
        finder = Finder(now)
        return cls(finder, Desk(finder), reads or Reads())


def climb(
    context: Context,
    exception: FloorException,
    *,
    timer: Timer | None = None,
    without: Collection[int] = (),
    office: Office | None = None,
) -> None:
    """Takes the next step, and those after it at once as long as nobody can be reached. The exception is locked.

    One that is part of another calls nobody: that one does.
    without  people who are not asked: they said that they can't
    """
    if exception.parent_id is not None:
        return
    office = office or Office.at(context.now)
    ladder = ladder_of(exception, office.reads)
    index = timer.step if timer else ladder.next_step()
    if index is None:
        return
    index, people = _first_with_somebody(office.finder, ladder, index, without)
    place = min(index, len(ladder.steps) - 1)
    exception.next_step, exception.level = index + 1, place + 1
    exception.save(update_fields=["next_step", "level"])
    tell(
        context,
        [(exception, person_id) for person_id in people],
        Occasion.STEP,
        timer=timer,
        level=exception.level,
        channel=ladder.steps[place].channel,
        desk=office.desk,
    )
    tell_systems(context, [exception], Occasion.STEP, level=exception.level, desk=office.desk)
    _next(context, ladder)
    context.record(
        Escalated(
            subject_id=exception.pk,
            **exception.story,
            step=index,
            level=exception.level,
            person_ids=people,
            owner_id=exception.owner_id,
        )
    )
    context.touch(*exception.topics)


def _first_with_somebody(finder: Finder, ladder: Ladder, index: int, without: Collection[int]) -> tuple[int, list[int]]:
    """From the step `index` on, the first that reaches anybody, and whom; beyond the last it is the last again."""
    last = len(ladder.steps) - 1
    for each in range(index, max(index, last) + 1):
        people = reached(finder, ladder.exception, ladder.steps[min(each, last)], without)
        if people:
            return each, people
    return max(index, last), [finder.rules(ladder.exception.site).default_owner_id]


def _next(context: Context, ladder: Ladder) -> None:
    following = ladder.step(context.now)
    if following is not None:
        Timer.objects.bulk_create(not_before(context.now, [following]), ignore_conflicts=True)


def place_of(exception: FloorException) -> Place:
    return Place(exception.site, exception.area, exception.work_center)


def all_on_level(exception: FloorException, office: Office) -> tuple[list[int], str]:
    """Everybody on the level that is reached, and the owner; with the policy's channel for that level.

    A step reaches the one of a role who is asked first; here all of the role are meant that are on duty.
    """
    steps = steps_of(exception.policy_version_id)
    if not exception.level or not steps:
        return [exception.owner_id], ""
    step = steps[min(exception.level, len(steps)) - 1]
    if step.target == Target.ROLE and step.role:
        people = office.finder.on_duty(step.role.code, place_of(exception).scope)
    else:
        people = reached(office.finder, exception, step, ())
    return list(dict.fromkeys([exception.owner_id, *people])), step.channel


def reached(finder: Finder, exception: FloorException, step: PolicyStep, without: Collection[int]) -> list[int]:
    """Ids of those whom the step means; of a role the one who is asked first."""
    match step.target:
        case Target.OWNER:
            people = [exception.owner_id]
        case Target.PERSON:
            people = [step.person_id] if step.person_id else []
        case _role:
            code = step.role.code if step.role else ""
            people = finder.on_duty(code, place_of(exception).scope)[:1]
    return [person_id for person_id in people if person_id not in without]
