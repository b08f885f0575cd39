"""A posting that stands still: what the ERP does not know meanwhile, to those who go by the ERP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Count, Min
from django.utils.translation import gettext as _

from apps.andon.concerns import Concern, Lines, declare
from apps.andon.cures import Subject, Subjects
from apps.andon.times import at_site
from apps.erp_sync.causes import PARKED
from apps.erp_sync.models import Posting, PostingKind, PostingState
from apps.orders.concerns.words import commitment
from apps.orders.roles import CUSTOMER_SERVICE, PLANNING, PURCHASING

KIND = frozenset({PARKED})
# What the ERP's stock follows from.
OF_STOCK = frozenset({PostingKind.START, PostingKind.MOVE, PostingKind.FINISH})


def _parked(subjects: Subjects) -> dict[Subject, Posting]:
    rows = Posting.objects.filter(state=PostingState.PARKED).select_related("work_order")
    found = rows.in_bulk({int(subject.exception.cause_key) for subject in subjects})
    return {s: posting for s in subjects if (posting := found.get(int(s.exception.cause_key)))}


def _behind(subjects: Subjects) -> Mapping[str, tuple[int, datetime]]:
    """By story, how many postings of it the ERP does not have, and of when the first is.  One query."""
    threads = {posting.thread for posting in subjects.once(_parked).values()}
    rows = Posting.objects.unsettled().filter(thread__in=threads).order_by()
    counted = rows.values_list("thread").annotate(count=Count("pk"), since=Min("occurred_at"))
    return {thread: (count, since) for thread, count, since in counted}


def _said(subjects: Subjects) -> dict[Subject, str]:
    """Since when the ERP is behind with the order, and by how much."""
    behind = subjects.once(_behind)
    return {
        subject: _standing(posting, *behind[posting.thread], subject)
        for subject, posting in subjects.once(_parked).items()
        if posting.thread in behind
    }


def _standing(posting: Posting, count: int, since: datetime, subject: Subject) -> str:
    words = {
        "order": posting.work_order.number,
        "others": count - 1,
        "since": at_site(since, subject.exception.site.zone),
    }
    if count > 1:
        return _("The ERP is behind with %(order)s since %(since)s: %(others)s more postings wait.") % words
    return _("The ERP is behind with %(order)s since %(since)s.") % words


def _plan(subjects: Subjects) -> Mapping[Subject, Lines]:
    return {subject: Lines([said]) for subject, said in _said(subjects).items()}


def _commitments(subjects: Subjects) -> Mapping[Subject, Lines]:
    parked = subjects.once(_parked)
    return {
        subject: Lines([commitment(parked[subject].work_order, subject.exception.site.zone), said])
        for subject, said in _said(subjects).items()
        if parked[subject].work_order.customer
    }


def _stock(subjects: Subjects) -> Mapping[Subject, Lines]:
    """Whoever buys goes by the ERP's stock."""
    parked = subjects.once(_parked)
    wrong = _("Until then its stock there is not what is on the floor.")
    return {
        subject: Lines([f"{said} {wrong}"])
        for subject, said in _said(subjects).items()
        if parked[subject].kind in OF_STOCK
    }


declare(Concern(code="posting.planning", roles=PLANNING, cause_kinds=KIND, lines=_plan))
declare(Concern(code="posting.customers", roles=frozenset({CUSTOMER_SERVICE}), cause_kinds=KIND, lines=_commitments))
declare(Concern(code="posting.purchasing", roles=frozenset({PURCHASING}), cause_kinds=KIND, lines=_stock))
