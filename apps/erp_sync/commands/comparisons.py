"""Figures of finished orders beside the ERP's: what was found, and what a person makes of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.commands import Context, FreeText, command
from apps.erp_sync import comparing
from apps.erp_sync.actions import POST
from apps.erp_sync.causes import reconciliation
from apps.erp_sync.events import DifferenceAccepted
from apps.erp_sync.models import Comparison, Difference
from apps.erp_sync.policy import policy_of
from apps.erp_sync.queries import COMPARE_TOPIC, erp_topic

# A break is looked at again sooner than what agreed: somebody may be mending it in the ERP.
AFTER_A_BREAK, AFTER_AGREEMENT = timedelta(hours=1), timedelta(days=1)


@command("erp_sync.note_comparison")
def note_comparison(context: Context, *, comparison_id: int, differences: list[Difference]) -> bool:
    """Whether it counts: nothing of the order has moved since the ERP was read. None found: they agree."""
    comparison = _locked(context, comparison_id)
    if not comparing.still_stands(comparison.work_order, differences):
        return False
    comparison.differences = list(differences)
    comparison.compared_at, comparison.next_at = clock.of_database(), next_of(comparison)
    comparison.save(update_fields=["differences", "compared_at", "next_at"])
    reconciliation.settle(context, comparison)
    context.touch(erp_topic(comparison.work_order.site_id))
    return True


@command("erp_sync.accept_difference")
def accept_difference(context: Context, *, comparison_id: int, reason: FreeText) -> None:
    """What was found last is no break any more; another difference of the order is.

    Refused: not_found, they_agree, no_reason.
    """
    comparison = _locked(context, comparison_id)
    if not comparison.is_broken:
        context.refuse("they_agree", _("There is nothing to accept: the figures agree, or were accepted."))
    if not reason.strip():
        context.refuse("no_reason", _("Say why the difference may stay."))
    comparison.accepted, comparison.accepted_reason = comparison.differences, reason.strip()
    comparison.save(update_fields=["accepted", "accepted_reason"])
    context.record(
        DifferenceAccepted(
            subject_id=comparison.work_order_id,
            **comparison.story,
            differences=[{**difference} for difference in comparison.differences],
        )
    )
    reconciliation.settle(context, comparison)
    context.touch(erp_topic(comparison.work_order.site_id))


@command("erp_sync.compare_again")
def compare_again(context: Context, *, comparison_id: int) -> None:
    """Now: somebody has mended it in the ERP.  Refused: not_found."""
    comparison = _locked(context, comparison_id)
    Comparison.objects.filter(pk=comparison.pk).update(next_at=Now())
    context.touch(COMPARE_TOPIC, erp_topic(comparison.work_order.site_id))


def next_of(comparison: Comparison) -> datetime | None:
    """When it is looked at next after what was found now, by the database's clock; None: never."""
    if comparison.is_broken:
        return clock.of_database() + AFTER_A_BREAK
    days = timedelta(days=policy_of(comparison.link).compare_days)
    now = clock.of_database()
    return now + AFTER_AGREEMENT if now + AFTER_AGREEMENT <= comparison.finished_at + days else None


def _locked(context: Context, comparison_id: int) -> Comparison:
    rows = Comparison.objects.select_for_update(of=("self",)).select_related("link__site", "work_order__item")
    comparison: Comparison | None = rows.filter(pk=comparison_id).first()
    if comparison is None:
        context.refuse("not_found", _("There is no such comparison any more. Reload the page."))
    context.allow(POST, at=comparison.scope)
    return comparison
