"""What a person decides about a posting that stands still."""

from __future__ import annotations

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.erp_sync import backflush
from apps.erp_sync.actions import POST
from apps.erp_sync.events import PostingRetried, PostingSkipped
from apps.erp_sync.models import Posting, PostingKind, PostingState
from apps.erp_sync.policy import policy_of
from apps.erp_sync.queries import TOPIC, topic_of


@command("erp_sync.retry_posting")
def retry_posting(context: Context, *, posting_id: int) -> None:
    """Sends a parked or waiting posting again, now. It is looked up in the ERP first.

    Refused: not_found, settled_already.
    """
    posting = _locked(context, posting_id)
    if posting.state == PostingState.LEASED:
        return
    if posting.state not in (PostingState.PARKED, PostingState.QUEUED):
        context.refuse("settled_already", _("This posting is settled already."))
    Posting.objects.filter(pk=posting.pk).update(state=PostingState.QUEUED, parked_reason={}, next_at=Now())
    context.record(
        PostingRetried(
            subject_id=posting.pk,
            site_id=posting.site_id,
            thread=posting.thread,
            erp_reference=posting.work_order.number,
            posting=posting.kind,
        )
    )
    context.touch(TOPIC, topic_of(posting))


@command("erp_sync.skip_posting")
def skip_posting(context: Context, *, posting_id: int, reason: FreeText) -> None:
    """Keeps a parked posting from the ERP for good; what follows goes on. It stays on record, with the reason.

    Refused: not_found, not_parked, no_reason.
    """
    posting = _locked(context, posting_id)
    if posting.state != PostingState.PARKED:
        context.refuse("not_parked", _("Only a posting that the ERP has refused can be skipped."))
    if not reason.strip():
        context.refuse("no_reason", _("Say why the ERP does not get it."))
    Posting.objects.filter(pk=posting.pk).update(state=PostingState.SKIPPED, skipped_reason=reason.strip())
    if posting.kind == PostingKind.FINISH and policy_of(posting.link).backflushed:
        backflush.settle_skipped(context, posting)
    context.record(
        PostingSkipped(
            subject_id=posting.pk,
            site_id=posting.site_id,
            thread=posting.thread,
            erp_reference=posting.work_order.number,
            posting=posting.kind,
            event_id=posting.event_id,
        )
    )
    context.touch(TOPIC, topic_of(posting))


def _locked(context: Context, posting_id: int) -> Posting:
    rows = Posting.objects.select_for_update(of=("self",)).select_related("site", "work_order", "link")
    posting = rows.filter(pk=posting_id).first()
    if posting is None:
        context.refuse("not_found", _("There is no such posting any more. Reload the page."))
    context.allow(POST, at=posting.scope)
    return posting
