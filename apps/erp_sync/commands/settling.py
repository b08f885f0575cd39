"""The ERP's answers, written down by the delivery under its lease; whose lease is gone changes nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from apps.core.commands import Context, command
from apps.erp_sync import backflush
from apps.erp_sync.actions import POST
from apps.erp_sync.backflush import Consumed
from apps.erp_sync.events import PostingConfirmed, PostingParked, PostingSkipped
from apps.erp_sync.models import Posting, PostingKind, PostingState
from apps.erp_sync.policy import policy_of
from apps.erp_sync.queries import TOPIC, topic_of
from apps.materials.commands import mark_posted
from apps.materials.models import MovementPosting

POSTED = """
UPDATE erp_sync_posting
   SET state = 'posted', posted_at = clock_timestamp(), erp_refs = %s, last_error = '',
       lease_token = NULL, lease_until = NULL
 WHERE id = %s
RETURNING posted_at
"""
NOTHING_CONSUMED: list[Consumed] = []


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A document of the ERP."""

    system: str
    type: str
    id: str
    version: str = ""


@command("erp_sync.confirm_posting")
def confirm_posting(
    context: Context,
    *,
    posting_id: int,
    token: UUID,
    documents: list[Reference],
    consumed: list[Consumed] = NOTHING_CONSUMED,
) -> bool:
    """Whether it is news: the ERP has it. Stock learns what of the floor's movements is in the ERP now.

    consumed  of a start: what the ERP took off its stock with it
    """
    posting = _leased(context, posting_id, token)
    if posting is None:
        return False
    posting.erp_refs = [asdict(document) for document in documents]
    posting.posted_at = _write_posted(posting)
    _tell_stock(context, posting, consumed)
    context.record(
        PostingConfirmed(
            **_story(posting, posting.document[:80]),
            posting=posting.kind,
            event_id=posting.event_id,
            attempts=posting.attempts,
        )
    )
    context.touch(TOPIC, topic_of(posting))
    return True


@command("erp_sync.park_posting")
def park_posting(context: Context, *, posting_id: int, token: UUID, code: str, sentence: str, fixable_by: str) -> bool:
    """Whether it is news: the ERP refuses it. It and what follows in its thread wait for a person."""
    posting = _leased(context, posting_id, token)
    if posting is None:
        return False
    reason = {"code": code, "sentence": sentence, "fixable_by": fixable_by}
    _write(posting, state=PostingState.PARKED, parked_reason=reason, last_error=sentence)
    context.record(
        PostingParked(
            **_story(posting), posting=posting.kind, event_id=posting.event_id, code=code, fixable_by=fixable_by
        )
    )
    context.touch(topic_of(posting))
    return True


@command("erp_sync.skip_obsolete")
def skip_obsolete(context: Context, *, posting_id: int, token: UUID) -> bool:
    """Whether it is news: it would undo what a person has decided to keep from the ERP, so there is nothing to do."""
    posting = _leased(context, posting_id, token)
    if posting is None:
        return False
    _write(posting, state=PostingState.SKIPPED, skipped_reason=_("What it refers to was skipped."))
    context.record(PostingSkipped(**_story(posting), posting=posting.kind, event_id=posting.event_id))
    context.touch(TOPIC, topic_of(posting))
    return True


def _leased(context: Context, posting_id: int, token: UUID) -> Posting | None:
    """Locked; None if the lease was given to another, or ended."""
    related = ("site", "work_order", "link", "movement", "needs_lot__lot")
    rows = Posting.objects.select_for_update(of=("self",)).select_related(*related)
    posting = rows.filter(pk=posting_id, lease_token=token).first()
    if posting is None:
        context.allow_anyone()
        return None
    context.allow(POST, at=posting.scope)
    return posting


def _tell_stock(context: Context, posting: Posting, consumed: list[Consumed]) -> None:
    backflushed = policy_of(posting.link).backflushed
    if backflushed:
        backflush.alone(posting.thread)
    if backflushed and posting.kind == PostingKind.START:
        backflush.note_start(context, posting, consumed)
    elif backflushed and posting.kind == PostingKind.FINISH:
        backflush.settle(context, posting)
    elif backflushed and backflush.is_component_move(posting):
        backflush.note_move(context, posting)
    elif posting.movement_id and posting.posted_at and posting.erp_refs and not _is_marked(posting):
        mark_posted.within(
            context.consequence(),
            movement_id=posting.movement_id,
            erp_reference=posting.document[:80],
            posted_at=posting.posted_at,
        )


def _is_marked(posting: Posting) -> bool:
    return MovementPosting.objects.filter(movement=posting.movement_id).exists()


def _write_posted(posting: Posting) -> datetime:
    """Since when the ERP has it, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(POSTED, [json.dumps(posting.erp_refs), posting.pk])
        posted_at: datetime = cursor.fetchone()[0]
    return posted_at


def _write(posting: Posting, **values: Any) -> None:
    Posting.objects.filter(pk=posting.pk).update(lease_token=None, lease_until=None, **values)


def _story(posting: Posting, erp_reference: str = "") -> dict[str, Any]:
    return {
        "subject_id": posting.pk,
        "site_id": posting.site_id,
        "thread": posting.thread,
        "erp_reference": erp_reference or posting.work_order.number,
    }
