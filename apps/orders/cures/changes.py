"""The ERP wants an order changed that has begun: apply it, or refuse it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.core.commands import Context
from apps.orders.actions import DECIDE_CHANGE
from apps.orders.causes.changes import CHANGE
from apps.orders.commands.changing import locked_jobs
from apps.orders.commands.decisions import apply_change, refuse_change
from apps.orders.models import ChangedField, PendingChange, WorkOrder


def _changes(subjects: Subjects) -> dict[Subject, PendingChange]:
    rows = PendingChange.objects.open().select_related("work_order")
    found = rows.in_bulk({int(subject.exception.cause_key) for subject in subjects})
    return {s: change for s in subjects if (change := found.get(int(s.exception.cause_key)))}


def _to_apply(subjects: Subjects) -> Offers:
    return {
        subject: [Offer(label=str(APPLY.label), cost=_what(change))]
        for subject, change in subjects.once(_changes).items()
    }


def _to_refuse(subjects: Subjects) -> Offers:
    cost = _("the order stays as it is; the ERP hears nothing of it by this alone")
    return {subject: [Offer(label=str(REFUSE.label), cost=cost)] for subject in subjects.once(_changes)}


def _what(change: PendingChange) -> str:
    field = ChangedField(change.field)
    if field == ChangedField.QUANTITY:
        return _("%(order)s: %(old)s become %(new)s") % {
            "order": change.work_order.number,
            "old": change.old,
            "new": change.new,
        }
    return f"{change.work_order.number}: {field.label}"


def _lock(_context: Context, subject: Subject, _inputs: Inputs) -> None:
    """In the order in which the ERP's delivery locks them."""
    order = WorkOrder.objects.filter(pending_changes=int(subject.exception.cause_key))
    for row in order.select_for_update(of=("self",)):
        locked_jobs(row)


def _apply(context: Context, subject: Subject, _inputs: Inputs, _reason: str) -> None:
    apply_change.within(context, change_id=int(subject.exception.cause_key))


def _refuse(context: Context, subject: Subject, _inputs: Inputs, reason: str) -> None:
    refuse_change.within(context, change_id=int(subject.exception.cause_key), reason=reason)


APPLY = declare(
    Cure(
        code="apply_change",
        cause_kinds=frozenset({CHANGE}),
        label=gettext_lazy("Apply the change"),
        permission=DECIDE_CHANGE,
        offers=_to_apply,
        lock=_lock,
        run=_apply,
        needs_person=True,
    )
)
REFUSE = declare(
    Cure(
        code="refuse_change",
        cause_kinds=frozenset({CHANGE}),
        label=gettext_lazy("Refuse the change"),
        permission=DECIDE_CHANGE,
        offers=_to_refuse,
        lock=_lock,
        run=_refuse,
        asks_reason=True,
        needs_person=True,
    )
)
