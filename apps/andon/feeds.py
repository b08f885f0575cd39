"""What systems of the plant can hear of besides exceptions: an app above declares a feed and tells its news.

News goes out by the same delivery as everything else. It says what was so when it happened, however late it arrives,
and in order: the next one of a story waits until the one before has been taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django_stubs_ext import StrOrPromise

from apps.andon.channels.interface import ChannelKind
from apps.andon.models import Notification, Occasion, SiteWebhook
from apps.andon.models.types import Severity
from apps.andon.owners import Finder
from apps.andon.telling import DELIVERY_TOPIC, Desk
from apps.core.commands import Context


@dataclass(frozen=True)
class Feed:
    code: str
    label: StrOrPromise


FEEDS: dict[str, Feed] = {}


def declare(feed: Feed) -> Feed:
    """Called once per feed, in a `feeds.py`."""
    if FEEDS.setdefault(feed.code, feed) is not feed:
        raise ValueError(f"feed {feed.code} is declared twice")
    return feed


@dataclass(frozen=True, kw_only=True)
class News:
    """In the plant's language; `tag` is the story that it belongs to, say "maintenance_request:7". Names nobody."""

    title: str
    body: str
    url: str
    tag: str
    data: Mapping[str, str | int]


def publish(context: Context, feed: Feed, site_id: int, news: News) -> None:
    """To each system of the site that has asked for the feed; in the transaction of what has happened."""
    hooks = SiteWebhook.objects.filter(site=site_id, active=True, feeds__contains=[feed.code])
    _queue(context, [_row(context, site_id, news, [ChannelKind.WEBHOOK.value], webhook=hook) for hook in hooks])


def tell_people(context: Context, site_id: int, told: Mapping[int, News]) -> None:
    """By person id, by the first of their channels that works; it stands on their phone's page as well."""
    desk = Desk(Finder(context.now))
    desk.read_channels(told)
    _queue(
        context,
        [
            _row(context, site_id, news, desk.ways(person_id, ""), person_id=person_id)
            for person_id, news in told.items()
        ],
    )
    context.touch(*[f"person:{person_id}" for person_id in told])


def _row(context: Context, site_id: int, news: News, channels: list[str], **whom: Any) -> Notification:
    return Notification(
        **whom,
        site_id=site_id,
        occasion=Occasion.NEWS,
        # What somebody waits for goes first.
        severity=Severity.LOW,
        channels=channels,
        story=news.tag,
        news=asdict(news),
        created_at=context.now,
        due_at=context.now,
    )


def _queue(context: Context, rows: Sequence[Notification]) -> None:
    if rows:
        Notification.objects.bulk_create(rows)
        context.touch(DELIVERY_TOPIC)
