"""A posting stands still: send it again, or keep it from the ERP for good."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.core.commands import Context
from apps.erp_sync.actions import POST
from apps.erp_sync.causes import PARKED
from apps.erp_sync.commands.postings import retry_posting, skip_posting
from apps.erp_sync.models import Posting, PostingState


def _parked(subjects: Subjects) -> set[Subject]:
    keys = {int(subject.exception.cause_key): subject for subject in subjects}
    found = Posting.objects.filter(pk__in=keys, state=PostingState.PARKED).values_list("pk", flat=True)
    return {keys[pk] for pk in found}


def _to_retry(subjects: Subjects) -> Offers:
    cost = _("the ERP is asked first whether it has it")
    return {subject: [Offer(label=str(RETRY.label), cost=cost)] for subject in subjects.once(_parked)}


def _to_skip(subjects: Subjects) -> Offers:
    cost = _("the ERP never gets it; what follows goes on")
    return {subject: [Offer(label=str(SKIP.label), cost=cost)] for subject in subjects.once(_parked)}


def _lock(_context: Context, subject: Subject, _inputs: Inputs) -> None:
    """As the delivery does, which parks it and raises the exception."""
    Posting.objects.select_for_update(of=("self",)).filter(pk=int(subject.exception.cause_key)).first()


def _retry(context: Context, subject: Subject, _inputs: Inputs, _reason: str) -> None:
    retry_posting.within(context, posting_id=int(subject.exception.cause_key))


def _skip(context: Context, subject: Subject, _inputs: Inputs, reason: str) -> None:
    skip_posting.within(context, posting_id=int(subject.exception.cause_key), reason=reason)


RETRY = declare(
    Cure(
        code="retry_posting",
        cause_kinds=frozenset({PARKED}),
        label=gettext_lazy("Send it again"),
        permission=POST,
        offers=_to_retry,
        lock=_lock,
        run=_retry,
    )
)
SKIP = declare(
    Cure(
        code="skip_posting",
        cause_kinds=frozenset({PARKED}),
        label=gettext_lazy("Leave it out"),
        permission=POST,
        offers=_to_skip,
        lock=_lock,
        run=_skip,
        asks_reason=True,
        needs_person=True,
    )
)
