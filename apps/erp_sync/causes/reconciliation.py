"""A finished order of which the ERP has other figures: an exception until they agree, or somebody accepts it."""

from __future__ import annotations

from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.models import FloorException
from apps.andon.raising import end_causes, raise_exception
from apps.core.commands import Context
from apps.core.events import subscribe
from apps.erp_sync.events import PostingConfirmed, PostingSkipped
from apps.erp_sync.models import Comparison, Posting, PostingKind

BREAK = "reconciliation"
TYPE = "reconciliation"


@subscribe(PostingConfirmed)
def compare_once_finished(event: PostingConfirmed, context: Context) -> None:  # noqa: ARG001
    if event.posting == PostingKind.FINISH:
        posting = Posting.objects.get(pk=event.subject_id)
        Comparison.objects.get_or_create(work_order_id=posting.work_order_id, defaults={"link_id": posting.link_id})


@subscribe(PostingConfirmed, PostingSkipped)
def compare_again_what_was_corrected(event: PostingConfirmed | PostingSkipped, context: Context) -> None:  # noqa: ARG001
    if event.posting == PostingKind.MOVE:
        of_it = Posting.objects.filter(pk=event.subject_id).values("work_order")
        Comparison.objects.filter(work_order__in=of_it).update(next_at=Now())


def settle(context: Context, comparison: Comparison) -> None:
    """Raises what is broken, ends what is not any more; the comparison is locked and saved."""
    if comparison.is_broken:
        raise_exception(context, _cause(comparison))
    else:
        end_causes(context, site_id=comparison.work_order.site_id, kind=BREAK, keys=[str(comparison.pk)])


def is_raised(comparison: Comparison) -> bool:
    rows = FloorException.objects.open().filter(site=comparison.work_order.site_id, cause_kind=BREAK)
    return rows.filter(cause_key=str(comparison.pk)).exists()


def _cause(comparison: Comparison) -> Cause:
    order = comparison.work_order
    first = order.job_orders.order_by("sequence").first()
    return Cause(
        type=TYPE,
        kind=BREAK,
        key=str(comparison.pk),
        site_id=order.site_id,
        work_center_id=first.work_center_id if first else None,
        facts={"order": order.number},
        thread=order.thread,
        erp_reference=order.number,
        work_order_id=order.pk,
    )


def _of(exception: FloorException) -> Comparison | None:
    rows: list[Comparison] = list(Comparison.objects.filter(pk=int(exception.cause_key)))
    return rows[0] if rows else None


def _is_broken(exception: FloorException) -> bool:
    comparison = _of(exception)
    return comparison is not None and comparison.is_broken


def _headline(exception: FloorException) -> str:
    return _("%(order)s differs from the ERP") % dict(exception.facts)


def _sentence(exception: FloorException) -> str:
    comparison = _of(exception)
    if comparison is None or not comparison.differences:
        return _("%(order)s agrees with the ERP again.") % dict(exception.facts)
    return _("%(order)s is finished, and the sums differ: %(differences)s.") % {
        **exception.facts,
        "differences": comparison.sentence,
    }


RECONCILIATION = declare(
    CauseKind(
        code=BREAK,
        label=gettext_lazy("figures that differ from the ERP's"),
        headline=_headline,
        sentence=_sentence,
        is_present=_is_broken,
    )
)
