"""One posting on its way: claimed, sent, its answer kept. Crash-only: whoever dies here leaves a lease that runs out.

No lock and no transaction is held while the ERP is asked. A lease carries a token: a worker that was paused and comes
back after its lease was given to another changes nothing. What was perhaps sent before is looked up before it is sent
again, and the connector makes one effect of one key however often it is sent.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction

from apps.core import live
from apps.core.actors import Actor, Origin
from apps.erp_sync import payloads, registry
from apps.erp_sync.backflush import Consumed, unknown_of
from apps.erp_sync.commands.settling import Reference, confirm_posting, park_posting, skip_obsolete
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import Posting, PostingKind
from apps.erp_sync.policy import policy_of
from apps.erp_sync.queries import topic_of

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=15)
POLL = timedelta(seconds=15)
WAIT_FOR_ANOTHER = timedelta(seconds=2)

# Only the head of its thread: whatever is earlier there and not settled, parked included, holds the rest back.
CLAIM = """
WITH due AS (
    SELECT p.id
      FROM erp_sync_posting p
      JOIN erp_sync_erplink link ON link.id = p.link_id AND link.active
     WHERE p.state IN ('queued', 'leased')
       AND p.next_at <= clock_timestamp()
       AND (p.lease_until IS NULL OR p.lease_until < clock_timestamp())
       AND NOT EXISTS (
           SELECT FROM erp_sync_posting e
            WHERE e.thread = p.thread AND e.sequence < p.sequence AND e.state IN ('queued', 'leased', 'parked'))
     ORDER BY p.next_at, p.id
     LIMIT 1
       FOR UPDATE OF p SKIP LOCKED
)
UPDATE erp_sync_posting p
   SET state = 'leased', lease_token = %s, attempts = attempts + 1,
       lease_until = clock_timestamp() + make_interval(secs => %s)
  FROM due
 WHERE p.id = due.id
RETURNING p.*
"""
RENEW = """
UPDATE erp_sync_posting SET lease_until = clock_timestamp() + make_interval(secs => %s)
 WHERE id = %s AND lease_token = %s
"""
PUT_BACK = """
UPDATE erp_sync_posting
   SET state = 'queued', lease_token = NULL, lease_until = NULL, last_error = %s,
       next_at = clock_timestamp() + make_interval(secs => %s), attempts = attempts - %s
 WHERE id = %s AND lease_token = %s
"""
# The ERP answers again: whoever waits because it did not need wait no longer.
WAKE = """
UPDATE erp_sync_posting SET next_at = clock_timestamp()
 WHERE link_id = %s AND state = 'queued' AND attempts > 0 AND next_at > clock_timestamp() + interval '1 second'
"""


class LeaseLost(Exception):
    """Another worker has the posting by now."""


@dataclass(frozen=True)
class Lease:
    posting: Posting
    token: UUID

    def renew(self) -> None:
        """A posting of many calls keeps its lease as long as it gets on.  Raises LeaseLost."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(RENEW, [LEASE.total_seconds(), self.posting.pk, self.token])
            if not cursor.rowcount:
                raise LeaseLost(f"posting {self.posting.key} was given to another worker")

    @property
    def is_first_attempt(self) -> bool:
        return self.posting.attempts == 1


def deliver_next() -> bool:
    """Whether there was something to deliver."""
    lease = claim()
    if lease is None:
        return False
    try:
        keep(lease, ask(lease))
    except Exception as error:
        # The ERP may have it and we can't write it down: tried again, later each time, and seen on the page.
        log.exception("the answer to posting %s could not be kept", lease.posting.key)
        _put_back(lease, f"{type(error).__name__}: {error}", back_off(lease.posting.attempts))
    return True


def claim() -> Lease | None:
    """The next posting that is due, for LEASE; in one statement that is a transaction of its own."""
    token = uuid4()
    found = list(Posting.objects.raw(CLAIM, [token, LEASE.total_seconds()]))
    return Lease(found[0], token) if found else None


@dataclass(frozen=True)
class Delivered:
    """The ERP has it, just now or since an earlier attempt."""

    refs: tuple[erp.ErpRef, ...]
    consumed: tuple[Consumed, ...] = ()


Answer = Delivered | erp.Rejected | erp.Pending | erp.Unknown | payloads.Unmapped | payloads.NotYet | payloads.Obsolete


def ask(lease: Lease) -> Answer:
    """What the ERP says to it."""
    posting = lease.posting
    try:
        content = payloads.complete(posting)
    except (payloads.Unmapped, payloads.NotYet, payloads.Obsolete) as answer:
        return answer
    try:
        with registry.asking_first(lease.renew):
            return _posted(registry.connector_for(posting.link), lease, content)
    except (registry.NotConfigured, erp.ErpUnreachableError, LeaseLost) as error:
        return erp.Unknown(str(error))
    except Exception as error:
        # A fault of a connector must not stop the other orders; what it has done is not known.
        log.exception("posting %s could not be sent", posting.key)
        registry.forget(posting.link)
        return erp.Unknown(f"{type(error).__name__}: {error}")


def _posted(connector: erp.Connector, lease: Lease, content: erp.Posting) -> Answer:
    """Looked up first, unless it can't have been sent before."""
    found = erp.Absent() if lease.is_first_attempt else connector.find_by_key(content)
    answer = found if isinstance(found, erp.AlreadyPosted | erp.Unknown) else _send(connector, content)
    match answer:
        case erp.Posted(refs) | erp.AlreadyPosted(refs):
            return _delivered(connector, lease.posting, refs)
        case _:
            return answer


def _delivered(connector: erp.Connector, posting: Posting, refs: tuple[erp.ErpRef, ...]) -> Answer:
    """With what the ERP consumed at the start of an order, in its own words; later postings are levelled by it."""
    if posting.kind != PostingKind.START or not policy_of(posting.link).backflushed:
        return Delivered(refs)
    consumed = tuple(
        Consumed(
            item=payloads.key_of(part.item),
            location=payloads.key_of(part.location),
            lot=payloads.key_of(part.lot),
            quantity=part.quantity.value,
            unit=part.quantity.unit,
        )
        for part in connector.consumed_by(payloads.ref(posting.link.system, posting.work_order.erp_key))
    )
    if unread := unknown_of(consumed):
        return erp.Unknown(f"{unread[0]} is to be read from the ERP first")
    return Delivered(refs, consumed)


def keep(lease: Lease, answer: Answer) -> None:
    """Stores the answer, if the lease is still ours."""
    posting, actor = lease.posting, Actor.system(f"erp:{lease.posting.link.system}", Origin.ERP)
    match answer:
        case Delivered(refs, consumed):
            documents = [Reference(**ref) for ref in payloads.refs_as_json(refs)]
            confirm_posting(
                actor,
                uuid4(),
                posting_id=posting.pk,
                token=lease.token,
                documents=documents,
                consumed=list(consumed),
            )
            if not lease.is_first_attempt:
                _wake_the_others(posting)
        case erp.Rejected(code, text, fixable_by):
            park_posting(
                actor,
                uuid4(),
                posting_id=posting.pk,
                token=lease.token,
                code=code,
                sentence=text,
                fixable_by=fixable_by.value,
            )
        case payloads.Unmapped():
            park_posting(
                actor,
                uuid4(),
                posting_id=posting.pk,
                token=lease.token,
                code="unmapped",
                sentence=f"The ERP does not know {answer}.",
                fixable_by=erp.FixableBy.INTEGRATION.value,
            )
        case payloads.Obsolete():
            skip_obsolete(actor, uuid4(), posting_id=posting.pk, token=lease.token)
        case payloads.NotYet():
            _put_back(lease, f"waits for posting {answer}", WAIT_FOR_ANOTHER, sent=False)
        case erp.Pending(_, text):
            _put_back(lease, text, max(POLL, back_off(posting.attempts)))
        case erp.Unknown(text):
            _put_back(lease, text, back_off(posting.attempts))


def back_off(attempts: int) -> timedelta:
    """1 s, doubled with each attempt up to 15 minutes; a quarter of it by chance, so that not all come at once."""
    whole: timedelta = min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** min(max(0, attempts - 1), 20))
    return whole * random.uniform(0.75, 1.0)  # noqa: S311  # jitter, not a secret


def _send(connector: erp.Connector, content: erp.Posting) -> erp.PostingResult:
    match content:
        case erp.OrderStatePosting():
            return connector.set_order_state(content)
        case erp.CyclePosting():
            return connector.confirm(content)
        case erp.MovePosting():
            return connector.move(content)
        case erp.LotPosting():
            return connector.ensure_lot(content)
        case erp.LaborPosting():
            return connector.post_labor(content)
        case erp.NotePosting():
            return connector.note(content)


def _put_back(lease: Lease, text: str, wait: timedelta, *, sent: bool = True) -> None:
    """Nothing was sent: the attempt does not count, so the first real one is still the first."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PUT_BACK, [text[:2000], wait.total_seconds(), 0 if sent else 1, lease.posting.pk, lease.token])
        live.announce([topic_of(lease.posting)])


def _wake_the_others(posting: Posting) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WAKE, [posting.link_id])
