"""The sentences that several concerns say: an order, its promise, what can be done now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from django.utils.translation import gettext as _

from apps.andon.concerns import MOST
from apps.andon.cures import Offer
from apps.andon.times import at_site
from apps.core import clock
from apps.core.numbers import plain
from apps.orders.models import WorkOrder


def span(length: timedelta) -> str:
    """Minutes up to two hours, hours up to two days, then days."""
    minutes = length // timedelta(minutes=1)
    if minutes < 120:
        return _("%(count)s min") % {"count": minutes}
    if minutes < 2 * 24 * 60:
        return _("%(count)s h") % {"count": minutes // 60}
    return _("%(count)s days") % {"count": minutes // (24 * 60)}


def due(due_at: datetime | None, zone: tzinfo) -> str:
    """When it is due, and how late it is where it is late already."""
    now = clock.now()
    if due_at is None:
        return _("without a due date")
    words = {"when": at_site(due_at, zone), "late": span(now - due_at)}
    return (_("due %(when)s, %(late)s late already") if due_at < now else _("due %(when)s")) % words


def commitment(order: WorkOrder, zone: tzinfo) -> str:
    """What was promised to the customer of the order, and how late it is where it is late already."""
    now = clock.now()
    words = {
        "customer": order.customer,
        "quantity": plain(order.quantity),
        "unit": order.unit,
        "item": order.item_code,
        "order": order.number,
    }
    if order.due_at is None:
        return _("%(customer)s, no date promised: %(quantity)s %(unit)s of %(item)s (%(order)s).") % words
    words |= {"when": at_site(order.due_at, zone), "late": span(now - order.due_at)}
    if order.due_at < now:
        said = _(
            "%(customer)s, promised %(when)s, %(late)s late already: %(quantity)s %(unit)s of %(item)s (%(order)s)."
        )
    else:
        said = _("%(customer)s, promised %(when)s: %(quantity)s %(unit)s of %(item)s (%(order)s).")
    return said % words


def can_be_done(offers: Sequence[Offer]) -> str:
    """ "" where nothing is possible now."""
    if not offers:
        return ""
    return _("Possible now: %(ways)s.") % {"ways": "; ".join(offer.label for offer in offers[:MOST])}
