"""Nobody who has left owns anything: owners change with the duty of people, in the transaction that changes it."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.andon.actions import ANSWER
from apps.andon.climbing import place_of
from apps.andon.models import ExceptionStatus, FloorException, Occasion, OwnerLevel
from apps.andon.owners import Finder
from apps.andon.planning import save_with_plan
from apps.andon.rows import READS, change_owner
from apps.andon.telling import tell
from apps.core import rights
from apps.core.actors import Actor
from apps.core.commands import Context, command
from apps.core.rights import EVERYWHERE
from apps.plant.duty import is_on_duty

# Found by a fallback: as soon as somebody nearer to it is on duty, it is theirs.
FALLBACKS = frozenset({OwnerLevel.SUPERVISOR, OwnerLevel.MANAGER, OwnerLevel.DEFAULT})


def rehome_all(context: Context, person_id: int, why: str) -> None:
    """All that the person owns and may not own any more: off duty, or without the right to answer there.

    What was answered has to be accepted by the new owner in time; what nobody has answered goes on climbing.
    """
    finder = Finder(context.now)
    on_duty = is_on_duty(person_id, context.now)
    owned = FloorException.objects.open().filter(owner=person_id)
    for exception in owned.select_related(*READS).select_for_update(of=("self",)).order_by("pk"):
        if not (on_duty and rights.may(Actor(person_id=person_id), ANSWER, exception.scope)):
            _rehome(context, finder, exception, why)


def _rehome(context: Context, finder: Finder, exception: FloorException, why: str) -> None:
    owner = finder.owner(place_of(exception), exception.type_id, without={exception.owner_id})
    if owner.person_id == exception.owner_id:
        return
    change_owner(context, exception, owner.person_id, owner.level, role=owner.role, why=why)
    exception.arrives_at = None
    if exception.status in (ExceptionStatus.ACKNOWLEDGED, ExceptionStatus.IN_PROGRESS, ExceptionStatus.SNOOZED):
        minutes = finder.rules(exception.site).accept_minutes
        exception.accept_by = context.now + timedelta(minutes=minutes)
    save_with_plan(context, exception)
    if exception.parent_id is None and exception.status != ExceptionStatus.RESOLVED:
        tell(context, [(exception, owner.person_id)], Occasion.HANDOVER, level=exception.level)


@command("andon.rehome_person")
def rehome_person(context: Context, *, person_id: int) -> None:
    """For the sweep: the roster of the person has ended without an act of anybody."""
    context.allow(ANSWER, at=EVERYWHERE)
    rehome_all(context, person_id, "off_duty")


def could_come_home(at: datetime) -> list[int]:
    """Ids of the exceptions that fell to a fallback and have somebody nearer on duty at `at`."""
    finder = Finder(at)
    fallen = FloorException.objects.filter(status=ExceptionStatus.OPEN, owner_level__in=FALLBACKS)
    names = ("site_id", "area_id", "work_center_id", "type_id", "owner_level")
    alike = fallen.order_by(*names).distinct(*names)
    ids: list[int] = []
    for one in alike.select_related("site", "area", "work_center__site", "work_center__area"):
        if is_nearer(finder.owner(place_of(one), one.type_id).level, OwnerLevel(one.owner_level)):
            same = {name: getattr(one, name) for name in names}
            ids += fallen.filter(**same).values_list("pk", flat=True)
    return ids


@command("andon.bring_home")
def bring_home(context: Context, *, exception_id: int) -> bool:
    """For the sweep: one that fell to a fallback, should somebody nearer to it be on duty now."""
    context.allow(ANSWER, at=EVERYWHERE)
    rows = FloorException.objects.select_related(*READS).select_for_update(of=("self",), skip_locked=True)
    exception = rows.filter(pk=exception_id, status=ExceptionStatus.OPEN, owner_level__in=FALLBACKS).first()
    if exception is None:
        return False
    owner = Finder(context.now).owner(place_of(exception), exception.type_id)
    if owner.person_id == exception.owner_id or not is_nearer(owner.level, OwnerLevel(exception.owner_level)):
        return False
    change_owner(context, exception, owner.person_id, owner.level, role=owner.role, why="on_duty")
    save_with_plan(context, exception)
    tell(context, [(exception, owner.person_id)], Occasion.RAISED, level=exception.level)
    return True


def is_nearer(level: OwnerLevel, than: OwnerLevel) -> bool:
    order = [OwnerLevel.RULE, OwnerLevel.SUPERVISOR, OwnerLevel.MANAGER, OwnerLevel.DEFAULT]
    return order.index(level) < order.index(than)
