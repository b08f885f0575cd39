"""What people are reached by in tests, and the lanes of the worker, run by hand."""

from __future__ import annotations

from typing import Any

from apps.andon.models import FloorException, PersonChannel
from apps.andon.tasks import DELIVER
from apps.core.sealing import seal
from apps.plant.models import Person


def mail_to(person: Person, *, position: int = 1) -> PersonChannel:
    address = {"email": f"{person.username}@plant.example"}
    return PersonChannel.objects.create(person=person, kind="email", address=address, position=position)


def hook_of(person: Person, url: str, *, position: int = 1) -> PersonChannel:
    address = {"webhook_url": url, "webhook_secret": seal("known to both of us")}
    return PersonChannel.objects.create(person=person, kind="webhook", address=address, position=position)


def deliver_all() -> int:
    """Until no lane finds anything more."""
    done = 0
    while n := sum(lane.run() for lane in DELIVER):
        done += n
    return done


def states(exception: FloorException) -> list[tuple[str, str, str]]:
    """Who was told, why, and what came of it, in order."""
    rows: Any = exception.notifications.order_by("pk").values_list("person__username", "occasion", "state")
    return list(rows)


def tries(exception: FloorException) -> list[tuple[str, bool]]:
    """The delivery log of an exception, in order."""
    return [
        (attempt.channel, attempt.worked)
        for notification in exception.notifications.order_by("pk")
        for attempt in notification.attempts.order_by("pk")
    ]
