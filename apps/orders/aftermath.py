"""What became of operations after moments of the past, and which items and customers there are: for the studio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.core.numbers import plain
from apps.materials.models import Item
from apps.orders.models import Confirmation, JobOrder, WorkOrder
from apps.workflows.kinds import Aftermath


def aftermath(moments: Sequence[tuple[int, datetime]]) -> list[Aftermath | None]:
    """Scrap that was booked on the operation at the moment or later, reversals taken off. Two queries."""
    ids = {job_id for job_id, _at in moments}
    rows = JobOrder.objects.filter(pk__in=ids).select_related("work_order", "work_center", "work_unit")
    jobs = {job.pk: job for job in rows}
    scrapped: defaultdict[int, list[Confirmation]] = defaultdict(list)
    booked = Confirmation.objects.filter(job_order__in=ids).exclude(scrap=0).select_related("scrap_reason")
    for confirmation in booked.order_by("occurred_at", "pk"):
        scrapped[confirmation.job_order_id].append(confirmation)
    return [
        _told(jobs[job_id], [booked for booked in scrapped[job_id] if booked.occurred_at >= at])
        if job_id in jobs
        else None
        for job_id, at in moments
    ]


def _told(job: JobOrder, scrapped: Sequence[Confirmation]) -> Aftermath:
    scrap = sum((confirmation.scrap for confirmation in scrapped), Decimal(0))
    reasons = list(dict.fromkeys(one.scrap_reason.label() for one in scrapped if one.scrap_reason))
    words = {"order": job.work_order.number, "sequence": job.sequence}
    return Aftermath(
        name=_("%(order)s op %(sequence)s") % words,
        place=job.work_unit.code if job.work_unit else job.work_center.code,
        scrap=max(scrap, Decimal(0)),
        unit=job.work_order.unit,
        sentence=", ".join(reasons) if scrap > 0 else _("%(good)s good") % {"good": plain(job.good_quantity)},
    )


def items_known(codes: Collection[str]) -> frozenset[str]:
    return frozenset(Item.objects.filter(code__in=codes).values_list("code", flat=True))


def customers_known(names: Collection[str]) -> frozenset[str]:
    """Of orders that there are or were: customers have no table of their own here."""
    return frozenset(
        WorkOrder.objects.filter(customer__in=names).order_by().values_list("customer", flat=True).distinct()
    )
