"""What stands still or is late is sent again, or kept from the ERP; what differs is compared again, or accepted."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.andon.models import FloorException
from apps.core.commands import Context
from apps.erp_sync.actions import POST
from apps.erp_sync.causes import BREAK, LATE, PARKED
from apps.erp_sync.causes.lateness import waiting_ones
from apps.erp_sync.commands.comparisons import accept_difference, compare_again
from apps.erp_sync.commands.postings import retry_posting, skip_posting
from apps.erp_sync.models import Comparison, ErpLink, Posting, PostingState

# The first of each story let the others go.
AT_ONCE = 200


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


def _late(exception: FloorException) -> QuerySet[Posting]:
    """Those that only sit out their time until the next attempt; what is being sent is left to that."""
    link = ErpLink.objects.filter(pk=int(exception.cause_key)).first()
    return waiting_ones(link).filter(state=PostingState.QUEUED) if link else Posting.objects.none()


def _to_send(subjects: Subjects) -> Offers:
    """Queries by exception: there is one for each ERP."""
    found: dict[Subject, list[Offer]] = {}
    for subject in subjects:
        count = _late(subject.exception).count()
        why_not = "" if count else _("They are being sent.")
        cost = _("%(count)s postings are tried now, in the order of each story") % {"count": count} if count else ""
        found[subject] = [Offer(label=str(SEND.label), cost=cost, why_not=why_not)]
    return found


def _send(context: Context, subject: Subject, _inputs: Inputs, _reason: str) -> None:
    for posting_id in _late(subject.exception).values_list("pk", flat=True)[:AT_ONCE]:
        retry_posting.within(context, posting_id=posting_id)


def _broken(subjects: Subjects) -> dict[Subject, Comparison]:
    keys = {int(subject.exception.cause_key): subject for subject in subjects}
    return {keys[row.pk]: row for row in Comparison.objects.filter(pk__in=keys) if row.is_broken}


def _to_compare(subjects: Subjects) -> Offers:
    cost = _("nothing: it ends by itself when the figures agree")
    return {subject: [Offer(label=str(COMPARE.label), cost=cost)] for subject in subjects.once(_broken)}


def _to_accept(subjects: Subjects) -> Offers:
    cost = _("the figures stay different for good")
    return {subject: [Offer(label=str(ACCEPT.label), cost=cost)] for subject in subjects.once(_broken)}


def _lock_comparison(_context: Context, subject: Subject, _inputs: Inputs) -> None:
    Comparison.objects.select_for_update(of=("self",)).filter(pk=int(subject.exception.cause_key)).first()


def _compare(context: Context, subject: Subject, _inputs: Inputs, _reason: str) -> None:
    compare_again.within(context, comparison_id=int(subject.exception.cause_key))


def _accept(context: Context, subject: Subject, _inputs: Inputs, reason: str) -> None:
    accept_difference.within(context, comparison_id=int(subject.exception.cause_key), reason=reason)


SEND = declare(
    Cure(
        code="send_late",
        cause_kinds=frozenset({LATE}),
        label=gettext_lazy("Send what waits now"),
        permission=POST,
        offers=_to_send,
        run=_send,
    )
)
COMPARE = declare(
    Cure(
        code="compare_again",
        cause_kinds=frozenset({BREAK}),
        label=gettext_lazy("Mended in the ERP: compare again"),
        permission=POST,
        offers=_to_compare,
        lock=_lock_comparison,
        run=_compare,
    )
)
ACCEPT = declare(
    Cure(
        code="accept_difference",
        cause_kinds=frozenset({BREAK}),
        label=gettext_lazy("Accept the difference"),
        permission=POST,
        offers=_to_accept,
        lock=_lock_comparison,
        run=_accept,
        asks_reason=True,
        needs_person=True,
    )
)
