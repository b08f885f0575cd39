"""What the ERP wants of an order that has begun, and what a person says to it."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from apps.core.commands import Context, FreeText, command
from apps.materials.commands.erp_rows import Rejected
from apps.orders.actions import DECIDE_CHANGE
from apps.orders.commands.changing import change as change_order
from apps.orders.commands.changing import locked_jobs
from apps.orders.events import ChangeDecided, ChangeReceived
from apps.orders.models import ChangedField, ChangeState, PendingChange, WorkOrder


def ask(context: Context, order: WorkOrder, field: ChangedField, *, old: str, new: str) -> bool:
    """Whether there is something new to decide: what is asked already, or was refused last, is not."""
    last = PendingChange.objects.filter(work_order=order, field=field).order_by("-pk").first()
    if last is not None and last.new == new and (last.state == ChangeState.OPEN or _said_no(last)):
        return False
    withdraw(context, order, [field])
    row = PendingChange.objects.create(
        work_order=order, field=field, old=old, new=new, source=context.actor.agent, received_at=context.now
    )
    context.record(
        ChangeReceived(
            subject_id=order.pk,
            **order.story,
            change_id=row.pk,
            field=field.value,
            old=old,
            new=new,
        )
    )
    return True


def _said_no(row: PendingChange) -> bool:
    return row.state == ChangeState.REFUSED and row.decided_by_id is not None


def withdraw(context: Context, order: WorkOrder, fields: Iterable[ChangedField]) -> bool:
    """The ERP does not want it any more; whether anything was open."""
    rows = list(PendingChange.objects.select_for_update().open().filter(work_order=order, field__in=list(fields)))
    for row in rows:
        _decide(context, row, applied=False)
    return bool(rows)


@command("orders.apply_change")
def apply_change(context: Context, *, change_id: int) -> None:
    """Refused: not_found, decided_already, and for what was made already stands against it."""
    row = _open_change(context, change_id)
    try:
        change_order(context, row.work_order, row.field, row.new, source=row.source)
    except Rejected as problem:
        context.refuse("not_possible", problem.sentence)
    _decide(context, row, applied=True)


@command("orders.refuse_change")
def refuse_change(context: Context, *, change_id: int, reason: FreeText) -> None:
    """The order stays as it is; the ERP hears nothing of it by this alone.  Refused: no_reason, as for apply_change."""
    row = _open_change(context, change_id)
    if not reason.strip():
        context.refuse("no_reason", _("Say why."))
    row.reason = reason.strip()[:500]
    _decide(context, row, applied=False)


def _open_change(context: Context, change_id: int) -> PendingChange:
    known = PendingChange.objects.select_related("work_order__site").filter(pk=change_id).first()
    if known is None:
        context.refuse("not_found", _("It does not exist any more. Reload the page."))
    context.allow(DECIDE_CHANGE, at=known.scope)
    # In the order in which the ERP's delivery locks them.
    order = WorkOrder.objects.select_for_update(of=("self",)).select_related("site").get(pk=known.work_order_id)
    locked_jobs(order)
    row = PendingChange.objects.select_for_update().get(pk=change_id)
    row.work_order = order
    if row.state != ChangeState.OPEN:
        context.refuse("decided_already", _("This was decided already."))
    return row


def _decide(context: Context, row: PendingChange, *, applied: bool) -> None:
    row.state = ChangeState.APPLIED if applied else ChangeState.REFUSED
    row.decided_at, row.decided_by_id = context.now, context.actor.person_id
    row.save()
    order = row.work_order
    context.record(
        ChangeDecided(
            subject_id=order.pk,
            **order.story,
            change_id=row.pk,
            field=row.field,
            applied=applied,
        )
    )
    context.touch(f"work_order:{order.pk}")
