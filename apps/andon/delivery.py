"""One notification on its way: claimed, sent, its answer kept. Crash-only: whoever dies here leaves a lease that runs
out, and another goes on with the same key.

Each kind of channel has lanes of its own (apps.andon.tasks): a slow mail server holds back no push. No lock and no
transaction is held while somebody outside is asked. A lease carries a token: a worker that was paused and comes back
after its lease was given to another changes nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from apps.andon.channels.interface import Address, ChannelKind, Failed, Message, one_line
from apps.andon.channels.registry import CHANNELS
from apps.andon.messages import context_of, message_of
from apps.andon.models import DeliveryAttempt, NoticeState, Notification, PersonChannel
from apps.andon.overtaking import is_overtaken
from apps.andon.patience import Patience, server_of
from apps.andon.telling import DELIVERY_TOPIC
from apps.core import clock, live, sealing
from apps.core.prepared import Given, Prepared

log = logging.getLogger(__name__)
_patience = Patience()

# So many addresses of one kind a person may have; all are told within one lease, however long each is waited for.
MOST_ADDRESSES = 4
LEASE = timedelta(seconds=60)
# A system of the plant has no second way: it is told again, later each time, for about an hour and a half.
MOST_FAILURES = 12
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=15)
MAX_SENTENCE_LENGTH = 400

READS = (
    *("site", "person", "webhook", "channel", "timer", "exception__type", "exception__site", "exception__owner"),
    *("exception__area", "exception__work_center", "exception__work_unit", "exception__parent"),
)

# What is most severe comes first; of one story, what happened first.
CLAIM = """
WITH due AS (
    SELECT id
      FROM andon_notification one
     WHERE state = 'queued' AND way = %s AND due_at <= %s
       AND (leased_until IS NULL OR leased_until < clock_timestamp())
       AND (story = '' OR NOT EXISTS (
             SELECT FROM andon_notification earlier
              WHERE earlier.state = 'queued' AND earlier.story <> ''
                AND earlier.webhook_id = one.webhook_id AND earlier.story = one.story AND earlier.id < one.id))
     ORDER BY severity, due_at, id
     LIMIT 1
       FOR UPDATE SKIP LOCKED
)
UPDATE andon_notification n
   SET lease_token = %s, leased_until = clock_timestamp() + make_interval(secs => %s)
  FROM due
 WHERE n.id = due.id
RETURNING n.id
"""
# A dozen tables: to plan how they are joined takes far longer than to join them.
_NOTIFICATION = Prepared(lambda: Notification.objects.select_related(*READS).filter(pk=Given("pk")))


@dataclass(frozen=True)
class Lease:
    notification: Notification
    kind: ChannelKind
    token: UUID


@dataclass(frozen=True)
class Attempt:
    """`channel`: the row of the person that holds the address, if one does."""

    worked: bool
    answer: str = ""
    sentence: str = ""
    permanent: bool = False
    channel: PersonChannel | None = None


def deliver_next(kind: ChannelKind) -> bool:
    """Whether there was something to deliver by this kind of channel."""
    lease = claim(kind)
    if lease is None:
        return False
    if is_overtaken(lease.notification):
        keep(lease, [])
    else:
        # Before the attempts: what is kept is what was told.
        context = _context(lease.notification)
        keep(lease, _tried(lease, context), context)
    return True


def claim(kind: ChannelKind) -> Lease | None:
    """What is to go by this kind next, for LEASE; in one statement that is a transaction of its own."""
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [kind.value, clock.now(), token, LEASE.total_seconds()])
        found = cursor.fetchone()
    if found is None:
        return None
    (notification,) = _NOTIFICATION(pk=found[0])
    return Lease(notification, kind, token)


def _context(notification: Notification) -> list[str]:
    """A fault in what the apps above say of it must not keep anybody from being told of the exception."""
    try:
        with transaction.atomic(), translation.override(notification.person.language if notification.person else None):
            return context_of(notification)
    except Exception:
        log.exception("what notification %s means to its person can't be said", notification.pk)
        return []


def _tried(lease: Lease, context: Sequence[str] = ()) -> list[Attempt]:
    """All addresses of the kind are told: a person with two phones looks at one of them."""
    person = lease.notification.person
    language = person.language if person else None
    with translation.override(language):
        try:
            addresses = addresses_of(lease.notification, lease.kind)
            message = message_of(lease.notification, context)
        except Exception as error:
            # An app that can't say what its exception is about must not keep the others from being told of theirs.
            log.exception("notification %s can't be put into words", lease.notification.pk)
            sentence = _("The message could not be put into words (%(error)s); see the log of the worker.")
            return [Attempt(worked=False, sentence=sentence % {"error": type(error).__name__})]
        if not addresses:
            sentence = _("No address is known for this channel: %(kind)s.") % {"kind": lease.kind.label}
            return [Attempt(worked=False, sentence=sentence)]
        return [_sent(lease, message, channel, address) for channel, address in addresses]


def _sent(lease: Lease, message: Message, channel: PersonChannel | None, address: Address) -> Attempt:
    server = server_of(address)
    try:
        answer = CHANNELS[lease.kind].send(message, address, _patience.seconds(server))
    except Failed as failure:
        # With a code it did answer, if not as it should.
        _patience.note(server, answered=bool(failure.code) or failure.permanent)
        return Attempt(worked=False, sentence=failure.sentence, permanent=failure.permanent, channel=channel)
    except Exception as error:
        # A fault of a channel must not stop the next one.
        log.exception("notification %s could not be sent by %s", lease.notification.pk, lease.kind)
        sentence = _("The channel fails (%(error)s); see the log of the worker.") % {"error": type(error).__name__}
        return Attempt(worked=False, sentence=sentence, channel=channel)
    _patience.note(server, answered=True)
    return Attempt(worked=True, answer=answer, channel=channel)


def addresses_of(notification: Notification, kind: ChannelKind) -> list[tuple[PersonChannel | None, Address]]:
    """Where it goes by this kind, with the person's own rows."""
    if kind is ChannelKind.BANNER:
        return [(None, Address(kind=kind, topic=f"person:{notification.person_id}"))]
    if (hook := notification.webhook) is not None:
        secret = os.environ.get(hook.secret_env, "")
        return [(None, Address(kind=kind, webhook_url=hook.url, webhook_secret=secret))]
    if (tested := notification.channel) is not None:
        return [(tested, address_of(tested))]
    rows = PersonChannel.objects.usable().filter(person=notification.person_id, kind=kind)[:MOST_ADDRESSES]
    return [(row, address_of(row)) for row in rows]


def address_of(channel: PersonChannel) -> Address:
    values = dict(channel.address)
    if "webhook_secret" in values:
        values["webhook_secret"] = sealing.unseal(values["webhook_secret"])
    return Address(kind=ChannelKind(channel.kind), **values)


def keep(lease: Lease, attempts: list[Attempt], context: Sequence[str] = ()) -> None:
    """What was tried goes into the log in any case; what follows from it only while the lease is still ours. Without
    an attempt it was overtaken.

    context  as it was told
    """
    with transaction.atomic():
        now = clock.now()
        DeliveryAttempt.objects.bulk_create(
            [
                DeliveryAttempt(
                    notification=lease.notification,
                    channel=lease.kind,
                    address_id=_still_there(attempt.channel),
                    at=now,
                    worked=attempt.worked,
                    answer=one_line(attempt.answer),
                    sentence=one_line(attempt.sentence, length=MAX_SENTENCE_LENGTH),
                )
                for attempt in attempts
            ]
        )
        gone = [attempt.channel.pk for attempt in attempts if attempt.permanent and attempt.channel]
        PersonChannel.objects.filter(pk__in=gone, broken_at=None).update(broken_at=now)
        ours = Notification.objects.select_for_update().filter(pk=lease.notification.pk, lease_token=lease.token)
        outcome = _outcome(lease, attempts)
        ours.update(**outcome, context=list(context), lease_token=None, leased_until=None)
        # The lane of the next channel is another one.
        goes_on = [DELIVERY_TOPIC] if outcome.get("state") == NoticeState.QUEUED else []
        live.announce([*lease.notification.topics, *goes_on])


def _outcome(lease: Lease, attempts: list[Attempt]) -> dict[str, Any]:
    notification = lease.notification
    if not attempts:
        return {"state": NoticeState.OVERTAKEN}
    if any(attempt.worked for attempt in attempts):
        # Whoever is told elsewhere may be far from any screen: the banner does not make up for what failed there.
        is_last_resort = lease.kind is ChannelKind.BANNER and notification.tried > 0
        return {"state": NoticeState.FAILED if is_last_resort else NoticeState.SENT}
    failures = notification.failures + 1
    # News is sent until it is taken, or the webhook is in use no more: what comes after it waits.
    goes_on = notification.news is not None
    is_final = any(attempt.permanent for attempt in attempts) or failures >= MOST_FAILURES
    if notification.webhook_id and (goes_on or not is_final):
        return {"failures": failures, "due_at": clock.now() + back_off(failures)}
    tried = notification.tried + 1
    state = NoticeState.QUEUED if tried < len(notification.channels) else NoticeState.FAILED
    return {"tried": tried, "state": state, "failures": failures}


def back_off(failures: int) -> timedelta:
    """2 s, doubled with each failure up to 15 minutes."""
    wait: timedelta = min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** min(failures - 1, 20))
    return wait


def _still_there(channel: PersonChannel | None) -> int | None:
    """Its owner may have removed it while it was tried."""
    if channel is None or not PersonChannel.objects.filter(pk=channel.pk).select_for_update().exists():
        return None
    return channel.pk
