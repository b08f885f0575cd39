"""Lays the figures of orders that are finished in their ERP beside what it says of them, when each is due."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import uuid4

from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from apps.core import clock
from apps.core.actors import Actor, Origin
from apps.erp_sync import comparing, payloads, registry
from apps.erp_sync.causes.reconciliation import is_raised
from apps.erp_sync.commands.comparisons import next_of, note_comparison
from apps.erp_sync.connectors import interface as erp
from apps.erp_sync.models import BESIDE, Comparison, Difference, Posting, Silence
from apps.orders.models import JobOrder

log = logging.getLogger(__name__)

# For one that can't be read now; and so long nobody else reads it.
REST = timedelta(minutes=5)


def compare_next() -> bool:
    """Whether one was due."""
    comparison = _due()
    if comparison is None:
        return False
    comparison.next_at = clock.of_database() + REST
    Comparison.objects.filter(pk=comparison.pk).update(next_at=comparison.next_at)
    try:
        _compare(comparison)
    except (erp.ErpUnreachableError, erp.ErpReadRefusedError, registry.NotConfigured) as error:
        log.warning("%s can't be compared now: %s", comparison, error)
    except Exception:
        log.exception("%s can't be compared", comparison)
        registry.forget(comparison.link)
    return True


def _due() -> Comparison | None:
    on_the_way = Posting.objects.unsettled().filter(work_order=OuterRef("work_order")).exclude(kind__in=BESIDE)
    silent = Silence.objects.open().filter(link=OuterRef("link"))
    # Of one that was taken up again what it gives back is told at its end.
    at_work = JobOrder.objects.not_over().filter(work_order=OuterRef("work_order"))
    rows = Comparison.objects.filter(~Exists(on_the_way), ~Exists(silent), ~Exists(at_work), next_at__lte=Now())
    related = rows.filter(link__active=True).select_related("link__site", "work_order__item__unit")
    found: Comparison | None = related.order_by(F("next_at"), "pk").first()
    return found


def _compare(comparison: Comparison) -> None:
    """Ours are read first: what they hold is in the ERP when nothing is on its way after that."""
    order, link = comparison.work_order, comparison.link
    our, kept = comparing.ours(order), comparing.kept_from_it(order)
    if comparing.is_open(order.pk):
        return
    connector = registry.connector_for(link)
    their = comparing.theirs(order, connector.reconcile(payloads.ref(link.system, order.erp_key)))
    found = comparing.differences(our, their, kept)
    if found or comparison.is_broken or is_raised(comparison):
        actor = Actor.system(f"erp:{link.system}", Origin.ERP)
        note_comparison(actor, uuid4(), comparison_id=comparison.pk, differences=found)
    else:
        _agree(comparison, found)


def _agree(comparison: Comparison, nothing: list[Difference]) -> None:
    """No command: nobody was called and nobody is. What was posted meanwhile has set another time."""
    comparison.differences = nothing
    same = Comparison.objects.filter(pk=comparison.pk, next_at=comparison.next_at)
    same.update(differences=nothing, compared_at=Now(), next_at=next_of(comparison))
