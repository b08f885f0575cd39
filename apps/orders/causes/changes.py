"""What the ERP wants changed on an order at work is an exception, until a person has decided."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.causes import Cause, CauseKind, declare
from apps.andon.models import FloorException
from apps.andon.raising import end_causes, raise_exception
from apps.core.commands import Context
from apps.core.events import subscribe
from apps.orders.events import ChangeDecided, ChangeReceived
from apps.orders.models import ChangedField, PendingChange, WorkOrder

CHANGE = "erp_change"
TYPE = "sync_conflict"


@subscribe(ChangeReceived)
def raise_it(event: ChangeReceived, context: Context) -> None:
    order = WorkOrder.objects.get(pk=event.subject_id)
    first = order.job_orders.order_by("sequence").first()
    raise_exception(
        context,
        Cause(
            type=TYPE,
            kind=CHANGE,
            key=str(event.change_id),
            site_id=order.site_id,
            work_center_id=first.work_center_id if first else None,
            facts={"field": event.field, "order": order.number},
            thread=event.thread,
            erp_reference=order.number,
            work_order_id=order.pk,
            hits_at=order.due_at,
        ),
    )


@subscribe(ChangeDecided)
def end_it(event: ChangeDecided, context: Context) -> None:
    assert event.site_id is not None, "an order has a site"
    end_causes(context, site_id=event.site_id, kind=CHANGE, keys=[str(event.change_id)])


def _is_open(exception: FloorException) -> bool:
    return PendingChange.objects.open().filter(pk=int(exception.cause_key)).exists()


def _headline(exception: FloorException) -> str:
    return _("%(order)s: the ERP wants a change") % dict(exception.facts)


def _sentence(exception: FloorException) -> str:
    field = ChangedField(exception.facts["field"]).label
    return _("%(order)s has begun, and the ERP changes its %(field)s: apply it, or refuse it.") % {
        **exception.facts,
        "field": field,
    }


ERP_CHANGE = declare(
    CauseKind(
        code=CHANGE,
        label=gettext_lazy("change from the ERP"),
        headline=_headline,
        sentence=_sentence,
        is_present=_is_open,
    )
)
