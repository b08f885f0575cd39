"""The ERP wants an order changed that has begun: what that means to its plan, its customer and its material."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from apps.andon.concerns import MOST, Concern, Lines, declare
from apps.andon.cures import Subject, Subjects, possible_now
from apps.core.numbers import plain
from apps.materials.queries import available_of
from apps.orders.causes.changes import CHANGE
from apps.orders.concerns.words import can_be_done, commitment, due
from apps.orders.models import ChangedField, JobMaterial, PendingChange
from apps.orders.models.job_orders import JobOrder
from apps.orders.models.statuses import BEGUN, OPEN
from apps.orders.roles import CUSTOMER_SERVICE, PLANNING, PURCHASING

KIND = frozenset({CHANGE})


def _changes(subjects: Subjects) -> dict[Subject, PendingChange]:
    rows = PendingChange.objects.open().select_related("work_order__site")
    found = rows.in_bulk({int(subject.exception.cause_key) for subject in subjects})
    return {s: change for s in subjects if (change := found.get(int(s.exception.cause_key)))}


def _what(change: PendingChange) -> str:
    order = change.work_order
    words = {"unit": order.unit, "old": change.old, "new": change.new, "field": ChangedField(change.field).label}
    match ChangedField(change.field):
        case ChangedField.QUANTITY:
            words |= {"old": plain(Decimal(change.old)), "new": plain(Decimal(change.new))}
            return _("The ERP wants %(new)s %(unit)s instead of %(old)s.") % words
        case ChangedField.CANCELLED:
            return _("The ERP wants it cancelled.")
        case _:
            return _("The ERP changes its %(field)s.") % words


def _plan(subjects: Subjects) -> Mapping[Subject, Lines]:
    """How far each order is, and what can be decided."""
    changes = subjects.once(_changes)
    orders = {change.work_order_id for change in changes.values()}
    made: dict[int, Decimal] = dict(
        JobOrder.objects.filter(work_order__in=orders, successor=None)
        .values_list("work_order")
        .annotate(total=Sum("good_quantity"))
    )
    ways = possible_now(list(changes))
    return {
        subject: Lines([_progress(change, made.get(change.work_order_id, Decimal(0))), can_be_done(ways[subject])])
        for subject, change in changes.items()
    }


def _progress(change: PendingChange, made: Decimal) -> str:
    order = change.work_order
    words = {
        "order": order.number,
        "made": plain(made),
        "quantity": plain(order.quantity),
        "unit": order.unit,
        "due": due(order.due_at, order.site.zone),
        "what": _what(change),
    }
    return _("%(order)s, %(due)s: %(made)s of %(quantity)s %(unit)s are made. %(what)s") % words


def _commitments(subjects: Subjects) -> Mapping[Subject, Lines]:
    return {
        subject: Lines([f"{commitment(change.work_order, change.work_order.site.zone)} {_what(change)}"])
        if change.work_order.customer
        else Lines([_("It is no order of a customer.")])
        for subject, change in subjects.once(_changes).items()
    }


def _material(subjects: Subjects) -> Mapping[Subject, Lines]:
    """What a larger order needs more, and what there is of it.  One query more, and two for each site."""
    larger = {
        subject: Decimal(change.new) - Decimal(change.old)
        for subject, change in subjects.once(_changes).items()
        if change.field == ChangedField.QUANTITY and Decimal(change.new) > Decimal(change.old)
    }
    orders = {subject.exception.work_order_id for subject in larger}
    rows = JobMaterial.objects.filter(job_order__work_order__in=orders, job_order__status__in=OPEN | BEGUN)
    needs = list(rows.select_related("item__unit", "job_order").order_by("item__code"))
    sites = {subject.exception.site_id: subject.exception.site for subject in larger}
    items = {need.item_id for need in needs}
    there = {pk: available_of(items, site) for pk, site in sites.items()}
    found: dict[Subject, Lines] = {}
    for subject, more in larger.items():
        mine = [need for need in needs if need.job_order.work_order_id == subject.exception.work_order_id]
        if mine:
            said = [_more(need, more, there[subject.exception.site_id]) for need in mine[:MOST]]
            found[subject] = Lines(said, max(0, len(mine) - MOST))
    return found


def _more(need: JobMaterial, more: Decimal, there: Mapping[int, Decimal]) -> str:
    return _("%(more)s %(unit)s of %(item)s more would be needed; %(there)s are there.") % {
        "more": plain(need.per_piece * more),
        "unit": need.item.unit.code,
        "item": need.item.code,
        "there": plain(there.get(need.item_id, Decimal(0))),
    }


declare(Concern(code="change.planning", roles=PLANNING, cause_kinds=KIND, lines=_plan))
declare(Concern(code="change.customers", roles=frozenset({CUSTOMER_SERVICE}), cause_kinds=KIND, lines=_commitments))
declare(Concern(code="change.purchasing", roles=frozenset({PURCHASING}), cause_kinds=KIND, lines=_material))
