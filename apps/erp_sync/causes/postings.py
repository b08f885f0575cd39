"""A posting that the ERP refuses is an exception, until a person has decided on it."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.models import FloorException
from apps.andon.raising import end_causes, raise_exception
from apps.core.commands import Context
from apps.core.events import subscribe
from apps.erp_sync.events import EmployeeNamed, PostingParked, PostingRetried, PostingSkipped
from apps.erp_sync.models import Posting, PostingState

PARKED = "posting"
TYPE = "erp_posting"


@subscribe(PostingParked)
def raise_it(event: PostingParked, context: Context) -> None:
    posting = Posting.objects.select_related("work_order", "job_order").get(pk=event.subject_id)
    job = posting.job_order
    raise_exception(
        context,
        Cause(
            type=TYPE,
            kind=PARKED,
            key=str(posting.pk),
            site_id=posting.site_id,
            work_center_id=job.work_center_id if job else None,
            facts={"posting": posting.kind},
            thread=posting.thread,
            erp_reference=posting.work_order.number,
            work_order_id=posting.work_order_id,
            at=context.now,
        ),
    )


@subscribe(PostingRetried, PostingSkipped)
def end_it(event: PostingRetried | PostingSkipped, context: Context) -> None:
    assert event.site_id is not None, "a posting has a site"
    _end(context, event.site_id, [str(event.subject_id)])


@subscribe(EmployeeNamed)
def end_those_of_the_person(event: EmployeeNamed, context: Context) -> None:
    """All times of the person that stood still for want of the employee go on at once."""
    if event.person_id is None or event.site_id is None:
        return
    going = Posting.objects.filter(site=event.site_id, time_entry__person=event.person_id, state=PostingState.QUEUED)
    _end(context, event.site_id, (str(pk) for pk in going.values_list("pk", flat=True)))


def _end(context: Context, site_id: int, keys: Iterable[str]) -> None:
    end_causes(context, site_id=site_id, kind=PARKED, keys=list(keys))


def _is_parked(exception: FloorException) -> bool:
    return Posting.objects.filter(pk=int(exception.cause_key), state=PostingState.PARKED).exists()


def _headline(exception: FloorException) -> str:
    return _("%(order)s: posting stands still") % {"order": exception.erp_reference}


def _sentence(exception: FloorException) -> str:
    posting = Posting.objects.filter(pk=int(exception.cause_key)).first()
    said = posting.parked_reason.get("sentence", "") if posting else ""
    return _("The ERP does not take a posting of %(order)s. %(said)s") % {
        "order": exception.erp_reference,
        "said": said,
    }


POSTING = declare(
    CauseKind(
        code=PARKED,
        label=gettext_lazy("posting that stands still"),
        headline=_headline,
        sentence=_sentence,
        is_present=_is_parked,
    )
)
