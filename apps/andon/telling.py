"""Puts notifications in place: one row per person told, so many pages per person, the rest listed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db.models import Count

from apps.andon.channels.interface import ChannelKind
from apps.andon.models import (
    FloorException,
    NoticeState,
    Notification,
    Occasion,
    PersonChannel,
    SiteRules,
    Timer,
)
from apps.andon.owners import rules_of
from apps.core.commands import Context

# Wakes the worker that delivers.
DELIVERY_TOPIC = "andon:deliver"


def tell(
    context: Context,
    whom: Sequence[tuple[FloorException, int]],
    occasion: Occasion,
    *,
    timer: Timer | None = None,
    level: int = 0,
    channel: str = "",
) -> None:
    """`whom`: exception and person. `channel`: the policy's own for this step, tried before the person's.

    The floor's banner shows what is open in any case; a person without a channel is reached by it alone.
    """
    if not whom:
        return
    people = {person_id for _exception, person_id in whom}
    channels = _channels(people)
    pages = _pages(context, whom, people)
    rows = []
    for exception, person_id in whom:
        rules = rules_of(exception.site)
        ways = [kind for kind in (channel, *channels[person_id]) if kind]
        listed = pages[person_id] >= rules.pages_per_person
        pages[person_id] += 1
        rows.append(
            Notification(
                site_id=exception.site_id,
                exception=exception,
                person_id=person_id,
                timer=timer,
                occasion=occasion,
                level=level,
                channels=list(dict.fromkeys([*ways, ChannelKind.BANNER.value])),
                state=NoticeState.LISTED if listed else NoticeState.QUEUED,
                created_at=context.now,
                due_at=context.now,
            )
        )
    Notification.objects.bulk_create(rows, ignore_conflicts=timer is not None)
    context.touch(DELIVERY_TOPIC, *[f"person:{person_id}" for person_id in people])


def _channels(people: Collection[int]) -> defaultdict[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    rows = PersonChannel.objects.filter(person__in=people, broken_at=None).order_by("position", "pk")
    for person_id, kind in rows.values_list("person_id", "kind"):
        found[person_id].append(kind)
    return found


def _pages(context: Context, whom: Sequence[tuple[FloorException, int]], people: Collection[int]) -> Counter[int]:
    """How often each was paged within the minutes that their site counts."""
    rules: SiteRules = rules_of(whom[0][0].site)
    since = context.now - timedelta(minutes=rules.page_minutes)
    rows = Notification.objects.filter(person__in=people, created_at__gt=since).exclude(state=NoticeState.LISTED)
    return Counter(dict(rows.values_list("person_id").annotate(n=Count("pk"))))
