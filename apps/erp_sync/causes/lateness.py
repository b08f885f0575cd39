"""Postings that wait for longer than the policy of their ERP allows, although it answers: one exception, until none
does any more. What stands behind a parked posting waits for that one, which has an exception of its own.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import CauseKind, declare
from apps.andon.models import FloorException
from apps.andon.raising import end_causes
from apps.core.commands import Context
from apps.core.events import subscribe
from apps.erp_sync.events import ErpDisconnected
from apps.erp_sync.models import ErpLink, Posting, PostingState, Reading, Silence
from apps.erp_sync.policy import policy_of

LATE = "erp_late"
TYPE = "erp_late"
ON_THE_WAY = (PostingState.QUEUED, PostingState.LEASED)


def waiting_ones(link: ErpLink) -> QuerySet[Posting]:
    """For longer than the policy allows, oldest first."""
    limit = timedelta(minutes=policy_of(link).late_minutes)
    parked = Posting.objects.filter(
        thread=OuterRef("thread"), sequence__lt=OuterRef("sequence"), state=PostingState.PARKED
    )
    rows = Posting.objects.filter(link=link, state__in=ON_THE_WAY, recorded_at__lte=Now() - limit)
    return rows.filter(~Exists(parked)).order_by("recorded_at", "pk")


def late_ones(link: ErpLink) -> QuerySet[Posting]:
    """The same of an ERP that is known to answer; after a silence it has as long to catch up as one posting has."""
    policy = policy_of(link)
    excused = Silence.objects.filter(link=link).exclude(ended_at__lte=Now() - timedelta(minutes=policy.late_minutes))
    heard = Reading.objects.filter(link=link, read_at__gte=Now() - policy.longest_silence)
    return waiting_ones(link).filter(~Exists(excused), Exists(heard))


def is_called_for(link: ErpLink) -> bool:
    return FloorException.objects.open().filter(site=link.site_id, cause_kind=LATE, cause_key=str(link.pk)).exists()


def is_to_settle(link: ErpLink) -> bool:
    """Whether somebody is to be called, or is not needed any more."""
    return not waiting_ones(link).exists() if is_called_for(link) else late_ones(link).exists()


def end(context: Context, link: ErpLink) -> None:
    end_causes(context, site_id=link.site_id, kind=LATE, keys=[str(link.pk)])


@subscribe(ErpDisconnected)
def end_with_the_link(event: ErpDisconnected, context: Context) -> None:
    end(context, ErpLink.objects.get(pk=event.subject_id))


def _late(exception: FloorException) -> list[Posting]:
    link = ErpLink.objects.filter(pk=int(exception.cause_key), active=True).first()
    return list(waiting_ones(link).select_related("work_order", "site")) if link else []


def _is_present(exception: FloorException) -> bool:
    """While the ERP is silent, and until it has caught up, nobody can know better."""
    link = ErpLink.objects.filter(pk=int(exception.cause_key), active=True).first()
    return link is not None and waiting_ones(link).exists()


def _headline(exception: FloorException) -> str:
    return _("%(site)s: postings are late") % {"site": exception.site.code}


def _sentence(exception: FloorException) -> str:
    late = _late(exception)
    if not late:
        return _("What was late has reached the ERP, or waits until it answers.")
    oldest = late[0]
    facts = {
        "count": len(late),
        "order": oldest.work_order.number,
        "what": oldest.get_kind_display(),
        "since": date_format(oldest.recorded_at.astimezone(oldest.site.zone), "SHORT_DATETIME_FORMAT"),
        "answer": oldest.last_error.rstrip("."),
    }
    if not oldest.last_error:
        return (
            _(
                "%(count)s postings have waited too long although the ERP answers, the oldest since %(since)s "
                "(%(order)s, %(what)s). It was not tried yet: look whether the worker runs and keeps up."
            )
            % facts
        )
    return (
        _(
            "%(count)s postings have waited too long although the ERP answers, the oldest since %(since)s "
            "(%(order)s, %(what)s): %(answer)s."
        )
        % facts
    )


LATENESS = declare(
    CauseKind(
        code=LATE,
        label=gettext_lazy("postings that are late"),
        headline=_headline,
        sentence=_sentence,
        is_present=_is_present,
    )
)
