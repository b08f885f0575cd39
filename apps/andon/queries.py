"""Which exceptions are open, for whom, and whose they can become."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import Q, QuerySet

from apps.andon.actions import ANSWER
from apps.andon.concerns import concerning
from apps.andon.models import (
    ExceptionStatus,
    FloorException,
    Informed,
    NoticeState,
    Notification,
    Occasion,
    Remark,
    ScreenMessage,
)
from apps.andon.models.exceptions import FloorExceptionQuerySet
from apps.andon.path import Look, looks, role_names
from apps.core import clock
from apps.core.actors import Actor
from apps.core.prepared import Given, Prepared
from apps.plant.duty import OnDuty, on_duty
from apps.plant.models import Person, Role

# All that a list names of an exception; and what a page of one names besides.
SHOWN = ("type", "owner", "site", "area", "work_unit", "work_center", "policy_version")
OF_ONE = (*SHOWN, "raised_by", "workflow_version", "resolution", "cause_reason")


def shown(rows: FloorExceptionQuerySet | None = None) -> FloorExceptionQuerySet:
    """What is to be done, the most urgent first, with all that a screen names."""
    chosen = FloorException.objects.all() if rows is None else rows
    return chosen.not_done().select_related(*SHOWN).most_urgent_first()


def open_at_line(work_center_id: int) -> list[FloorException]:
    return _shown_as(_AT_LINE(work_center=work_center_id))


def messages_at(work_center_id: int, work_unit_id: int | None = None) -> list[ScreenMessage]:
    """What a step or a rule says there now, the last first; on a station also what is for the whole line."""
    rows = _MESSAGES(work_center=work_center_id, now=clock.now())
    return [row for row in rows if row.work_unit_id in (None, work_unit_id)]


_MESSAGES = Prepared(
    lambda: ScreenMessage.objects.filter(work_center=Given("work_center"), shown_until__gt=Given("now"))
)


def open_at_station(work_unit_id: int, work_center_id: int) -> list[FloorException]:
    """Of the station itself, and of its line as a whole."""
    return _shown_as(_AT_STATION(work_unit=work_unit_id, work_center=work_center_id))


def unanswered_at(work_center_id: int) -> frozenset[int | None]:
    """Work units of a line for which nobody has answered yet; None among them: something of the line as a whole."""
    return frozenset(unit_id for (unit_id,) in _UNANSWERED(work_center=work_center_id))


# Asked by every screen of the floor with each rendering, and as a rule there is none.
_UNANSWERED = Prepared(
    lambda: (
        FloorException.objects.filter(work_center=Given("work_center"), status=ExceptionStatus.OPEN)
        .order_by()
        .values_list("work_unit")
    )
)
_AT_LINE = Prepared(
    lambda: FloorException.objects.not_done().filter(work_center=Given("work_center")).order_by().values_list("pk")
)
_AT_STATION = Prepared(
    lambda: (
        FloorException.objects.not_done()
        .filter(Q(work_unit=Given("work_unit")) | Q(work_center=Given("work_center"), work_unit=None))
        .order_by()
        .values_list("pk")
    )
)


def _shown_as(keys: Sequence[tuple[int]]) -> list[FloorException]:
    """One that follows another is shown as that one: it alone is paged."""
    if not keys:
        return []
    found = list(shown(FloorException.objects.filter(pk__in=[pk for (pk,) in keys])))
    above = {row.parent_id for row in found if row.parent_id}
    parents = {row.pk: row for row in shown(FloorException.objects.filter(pk__in=above))} if above else {}
    shown_as = [parents.get(row.parent_id, row) if row.parent_id else row for row in found]
    return list({row.pk: row for row in shown_as}.values())


# What was told stands on the phone for a shift, and no more of it than can be read.
NEWS_STAYS = timedelta(hours=8)
MOST_NEWS = 8


@dataclass(frozen=True)
class Mine:
    """What concerns one person: `handed` owned and to be accepted, `called` asked for help by the ladder.

    notes    what was said last of each that was handed over, by its id
    context  what each means to the person, who must know of it by their role, by its id: see `context_for`
    news     what the person was told lately that asks for nothing, the newest first
    """

    handed: list[Look]
    owned: list[Look]
    called: list[Look]
    informed: list[Look]
    notes: dict[int, Remark]
    context: dict[int, list[str]]
    news: list[Notification]

    @property
    def all(self) -> list[Look]:
        return [*self.handed, *self.owned, *self.called, *self.informed]


def open_for(person_id: int) -> Mine:
    """Each exception once, under the nearest of the ways it concerns the person; parents for those that follow them."""
    called = _called(person_id)
    roles = dict(Informed.objects.filter(person=person_id, exception__closed_at=None).values_list("exception", "role"))
    informed = set(roles)
    rows = shown(FloorException.objects.filter(Q(owner=person_id) | Q(pk__in=called | informed)))
    groups: defaultdict[str, list[Look]] = defaultdict(list)
    seen = looks(row for row in rows if row.parent_id is None)
    for look in seen:
        groups[_concern(look.exception, person_id, called)].append(look)
    return Mine(
        **{name: groups[name] for name in ("handed", "owned", "called", "informed")},
        notes=last_said([look.exception.pk for look in groups["handed"]]),
        context=_context([(look.exception, roles[look.exception.pk]) for look in seen if look.exception.pk in roles]),
        news=list(_news_for(person_id)),
    )


def _news_for(person_id: int) -> QuerySet[Notification]:
    rows = Notification.objects.filter(person=person_id, created_at__gt=clock.now() - NEWS_STAYS)
    return rows.exclude(news=None).order_by("-pk")[:MOST_NEWS]


def context_for(person_id: int, exception: FloorException) -> list[str]:
    """What it means to the person as somebody who must know of it, as it is now; nothing to all others."""
    known = Informed.objects.filter(exception=exception, person=person_id).first()
    return _context([(exception, known.role)]).get(exception.pk, []) if known else []


def _context(informed: Sequence[tuple[FloorException, str]]) -> dict[int, list[str]]:
    """Of one person, who knows of each by one role."""
    return {pk: lines for (pk, _role), lines in concerning(informed).items()}


def last_said(exception_ids: Sequence[int]) -> dict[int, Remark]:
    """The last remark about each of them, by its id."""
    if not exception_ids:
        return {}
    rows = Remark.objects.filter(exception__in=exception_ids).select_related("person")
    return {row.exception_id: row for row in rows.order_by("exception_id", "-pk").distinct("exception_id")}


def _called(person_id: int) -> set[int]:
    """What a step, or whoever rang again, has called the person to, and nobody has answered yet."""
    rows = Notification.objects.filter(
        person=person_id, occasion__in=(Occasion.STEP, Occasion.RING), exception__status=ExceptionStatus.OPEN
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
    roles = role_names(look.exception.owner_role for look in seen)
    first: dict[int, int] = {}
    for position, look in enumerate(seen):
        first.setdefault(look.exception.owner_id, position)
    ordered = sorted(seen, key=lambda look: first[look.exception.owner_id])
    return [
        OfOwner(group[0].exception.owner, roles.get(group[0].exception.owner_role, ""), group)
        for _owner, looks_of in groupby(ordered, key=lambda look: look.exception.owner_id)
        for group in [list(looks_of)]
    ]


def not_reached(exception_ids: Sequence[int]) -> frozenset[int]:
    """Those of them for which no channel of somebody who was to be told has worked."""
    failed = Notification.objects.of_people().filter(exception__in=exception_ids, state=NoticeState.FAILED)
    return frozenset(failed.values_list("exception", flat=True))


def can_see(actor: Actor, exception_id: int) -> FloorException | None:
    """For whom the place is open, and for those who must know; None for all others, and where there is none."""
    rows = FloorException.objects.select_related(*OF_ONE)
    visible = rows.visible_to(actor).filter(pk=exception_id).first()
    if visible is None and actor.person_id is not None:
        visible = rows.filter(pk=exception_id, informed__person=actor.person_id).first()
    return visible


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
