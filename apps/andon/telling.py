"""Puts notifications in place: one row per person told, so many pages per person, the rest listed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Count

from apps.andon.channels.interface import ChannelKind
from apps.andon.models import (
    FloorException,
    NoticeState,
    Notification,
    Occasion,
    PersonChannel,
    Remark,
    SiteRules,
    SiteWebhook,
    Timer,
)
from apps.andon.models.outward import EXCEPTIONS
from apps.andon.owners import Finder
from apps.core.commands import Context
from apps.plant.duty import is_on_duty
from apps.plant.models import Site

# Wakes the worker that delivers.
DELIVERY_TOPIC = "andon:deliver"


@dataclass
class Desk:
    """Who is told how, for several tellings at one instant: channels and counts of pages are read once per person."""

    finder: Finder
    _channels: dict[int, list[str]] = field(default_factory=dict)
    _pages: dict[int, int] = field(default_factory=dict)
    _hooks: dict[int, list[SiteWebhook]] = field(default_factory=dict)

    def rules(self, site: Site) -> SiteRules:
        return self.finder.rules(site)

    def meet(self, people: Collection[int], rules: SiteRules) -> None:
        """Reads what is not known yet of these people."""
        new = self.read_channels(people)
        if not new:
            return
        since = self.finder.at - timedelta(minutes=rules.page_minutes)
        paged = Notification.objects.pages().filter(person__in=new, created_at__gt=since)
        self._pages |= dict.fromkeys(new, 0) | dict(paged.values_list("person_id").annotate(n=Count("pk")))

    def read_channels(self, people: Collection[int]) -> list[int]:
        """Of these people, who was not known yet."""
        new = [person_id for person_id in people if person_id not in self._channels]
        self._channels |= {person_id: [] for person_id in new}
        rows = PersonChannel.objects.filter(person__in=new, broken_at=None).order_by("position", "pk") if new else []
        for channel in rows:
            self._channels[channel.person_id].append(channel.kind)
        return new

    def hooks(self, site_id: int) -> list[SiteWebhook]:
        """The systems of the site that hear of exceptions."""
        if site_id not in self._hooks:
            self._hooks[site_id] = list(
                SiteWebhook.objects.filter(site=site_id, active=True, feeds__contains=[EXCEPTIONS])
            )
        return self._hooks[site_id]

    def ways(self, person_id: int, channel: str) -> list[str]:
        """The policy's own channel first, then the person's; the banner is always there."""
        known = [kind for kind in (channel, *self._channels[person_id]) if kind]
        return list(dict.fromkeys([*known, ChannelKind.BANNER.value]))

    def page(self, person_id: int, rules: SiteRules) -> NoticeState:
        """Counts one page more: over so many it is listed only."""
        if self._pages[person_id] >= rules.pages_per_person:
            return NoticeState.LISTED
        self._pages[person_id] += 1
        return NoticeState.QUEUED


def tell(
    context: Context,
    whom: Sequence[tuple[FloorException, int]],
    occasion: Occasion,
    *,
    timer: Timer | None = None,
    level: int = 0,
    channel: str = "",
    desk: Desk | None = None,
    only_listed: Collection[int] = (),
) -> None:
    """`whom`: exception and person. `channel`: the policy's own for this step, tried before the person's.
    `only_listed`: people who are not paged.

    The floor's banner shows what is open in any case; a person without a channel is reached by it alone.
    """
    if not whom:
        return
    desk = desk or Desk(Finder(context.now))
    people = {person_id for _exception, person_id in whom}
    desk.meet(people, desk.rules(whom[0][0].site))
    rows = [
        Notification(
            site_id=exception.site_id,
            exception=exception,
            person_id=person_id,
            timer=timer,
            occasion=occasion,
            severity=exception.severity,
            level=level,
            channels=desk.ways(person_id, channel),
            state=NoticeState.LISTED if person_id in only_listed else desk.page(person_id, desk.rules(exception.site)),
            created_at=context.now,
            due_at=context.now,
        )
        for exception, person_id in whom
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=timer is not None)
    context.touch(DELIVERY_TOPIC, *[f"person:{person_id}" for person_id in people])


def tell_of_remark(context: Context, exception: FloorException, writer_id: int) -> None:
    """The owner hears of it, and whoever of those on duty has written before; of a lively talk once in a while."""
    writers = Remark.objects.filter(exception=exception, person__isnull=False).values_list("person", flat=True)
    on_duty = {person_id for person_id in set(writers) if person_id and is_on_duty(person_id, context.now)}
    people = sorted((on_duty | {exception.owner_id}) - {writer_id})
    desk = Desk(Finder(context.now))
    since = context.now - timedelta(minutes=desk.rules(exception.site).page_minutes)
    lately = Notification.objects.exclude(state=NoticeState.LISTED).filter(
        exception=exception, person__in=people, occasion=Occasion.REMARK, created_at__gt=since
    )
    told = set(lately.values_list("person", flat=True))
    tell(context, [(exception, pk) for pk in people], Occasion.REMARK, desk=desk, only_listed=told)


def tell_systems(
    context: Context,
    exceptions: Sequence[FloorException],
    occasion: Occasion,
    *,
    level: int = 0,
    desk: Desk | None = None,
) -> None:
    """The systems that a site has named hear of each exception, also of those that page nobody."""
    desk = desk or Desk(Finder(context.now))
    rows = [
        Notification(
            site_id=exception.site_id,
            exception=exception,
            webhook=hook,
            occasion=occasion,
            severity=exception.severity,
            level=level,
            channels=[ChannelKind.WEBHOOK.value],
            created_at=context.now,
            due_at=context.now,
        )
        for exception in exceptions
        for hook in desk.hooks(exception.site_id)
    ]
    if rows:
        Notification.objects.bulk_create(rows)
        context.touch(DELIVERY_TOPIC)
