"""Material that is short: which orders wait, who waits for them, what is to be got sooner, what quality holds back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain

from django.db.models import F, Q, Sum
from django.db.models.functions import Greatest
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.andon.concerns import MOST, Concern, Lines, declare
from apps.andon.cures import Offer, Subject, Subjects, possible_now
from apps.andon.models import FloorException
from apps.core.numbers import plain
from apps.materials.models import ExpectedReceipt, Item, LotStatus
from apps.materials.queries import available_of
from apps.orders.causes.shortages import SHORTAGE
from apps.orders.concerns.ranking import Few, few_of_each
from apps.orders.concerns.words import can_be_done, commitment, due
from apps.orders.cures.reading import Lying, lying_unusable, short_of
from apps.orders.models import Blocker, JobMaterial
from apps.orders.models.statuses import BEGUN, OPEN
from apps.orders.roles import CUSTOMER_SERVICE, PLANNING, PURCHASING, QUALITY

KIND = frozenset({SHORTAGE})
# By item and site.
Key = tuple[int, int]
_DUE = "job_order__work_order__due_at"
_READS = ("site", "job_order__work_order", "job_order__work_center")


def _key(exception: FloorException) -> Key:
    return int(exception.cause_key), exception.site_id


def _waiting(subjects: Subjects, only: Q | None = None) -> Mapping[int, Few[Blocker]]:
    """By exception, what waits for the item, the order that is due first before the others."""
    rows = Blocker.objects.open().filter(only or Q(), exception__in=[subject.exception for subject in subjects])
    order = [F(_DUE).asc(nulls_last=True), F("pk").asc()]
    return few_of_each(rows, "exception", order, _READS)


def _receipts(subjects: Subjects) -> dict[Key, list[ExpectedReceipt]]:
    """What suppliers are to bring, the next first; what has no date last.  One query."""
    items, sites = zip(*(_key(subject.exception) for subject in subjects), strict=True)
    found: defaultdict[Key, list[ExpectedReceipt]] = defaultdict(list)
    rows = ExpectedReceipt.objects.filter(item__in=items, site__in=sites)
    for receipt in rows.order_by(F("due_on").asc(nulls_last=True), "pk"):
        found[receipt.item_id, receipt.site_id].append(receipt)
    return found


# ---- whoever plans


def _orders_that_wait(subjects: Subjects) -> Mapping[Subject, Lines]:
    """Each order with what is possible for it, then what is possible for all of them together."""
    waiting = _waiting(subjects)
    parts = {each: [Subject(each.exception, row.pk) for row in few.rows] for each, few in _of(subjects, waiting)}
    ways = possible_now([*parts, *chain.from_iterable(parts.values())])
    found: dict[Subject, Lines] = {}
    for subject, few in _of(subjects, waiting):
        for_all = ways[subject]
        own = [[way for way in ways[part] if way not in for_all] for part in parts[subject]]
        said = [_order(subject, blocker, its) for blocker, its in zip(few.rows, own, strict=True)]
        found[subject] = Lines([*said, *filter(None, [can_be_done(for_all)])], few.left_out)
    return found


def _of(subjects: Subjects, waiting: Mapping[int, Few[Blocker]]) -> Iterator[tuple[Subject, Few[Blocker]]]:
    return ((subject, waiting[subject.exception.pk]) for subject in subjects if subject.exception.pk in waiting)


def _order(subject: Subject, blocker: Blocker, ways: Sequence[Offer]) -> str:
    order = blocker.job_order.work_order
    said = _("%(order)s, %(due)s: %(reach)s.") % {
        "order": order.number,
        "reach": blocker.reach,
        "due": due(order.due_at, subject.exception.site.zone),
    }
    return f"{said} {can_be_done(ways)}".strip()


# ---- who talks to customers


def _commitments(subjects: Subjects) -> Mapping[Subject, Lines]:
    waiting = _waiting(subjects, ~Q(job_order__work_order__customer=""))
    coming = _receipts(subjects)
    return {
        subject: Lines([_promise(subject.exception, blocker, coming) for blocker in few.rows], few.left_out)
        if (few := waiting.get(subject.exception.pk))
        else Lines([_("No order of a customer waits for it.")])
        for subject in subjects
    }


def _promise(exception: FloorException, blocker: Blocker, coming: Mapping[Key, Sequence[ExpectedReceipt]]) -> str:
    order, zone = blocker.job_order.work_order, exception.site.zone
    promised = order.due_at.astimezone(zone).date() if order.due_at else None
    return f"{commitment(order, zone)} {_comes(blocker, coming.get(_key(exception), ()), promised)}"


def _comes(blocker: Blocker, receipts: Sequence[ExpectedReceipt], promised: date | None) -> str:
    """When there is enough for this order, as far as the purchases tell; the work comes after it."""
    if not receipts:
        return _("No material is on its way.")
    left = short_of(blocker)
    for receipt in receipts:
        left -= receipt.stock_quantity
        if receipt.due_on is not None and left <= 0:
            words = {"day": _day(receipt.due_on), "days": (receipt.due_on - promised).days if promised else 0}
            if promised and receipt.due_on > promised:
                return _("The material comes on %(day)s: %(days)s days late at least.") % words
            return _("The material comes on %(day)s.") % words
    return _("Nobody knows yet when enough of the material comes.")


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


# ---- who buys


@dataclass(frozen=True)
class _Demand:
    """Of one item at a site, in its unit: for all operations that are not over."""

    item: Item
    needed: Decimal
    there: Decimal


def _demands(subjects: Subjects) -> dict[Key, _Demand]:
    """Two queries, and two for each site."""
    keys = {_key(subject.exception) for subject in subjects}
    sites = {subject.exception.site_id: subject.exception.site for subject in subjects}
    items = Item.objects.select_related("unit").in_bulk({item_id for item_id, _site in keys})
    left = Greatest(F("job_order__quantity") - F("job_order__good_quantity"), Decimal(0))
    rows = JobMaterial.objects.filter(item__in=items, job_order__site__in=sites, job_order__status__in=OPEN | BEGUN)
    sums = rows.values_list("item", "job_order__site").annotate(needed=Sum(F("per_piece") * left))
    needed = {(item_id, site_id): total for item_id, site_id, total in sums}
    there = {
        (item_id, site_id): quantity
        for site_id, site in sites.items()
        for item_id, quantity in available_of(items.keys(), site).items()
    }
    zero = Decimal(0)
    return {key: _Demand(items[key[0]], needed.get(key, zero), there.get(key, zero)) for key in keys if key[0] in items}


def _to_expedite(subjects: Subjects) -> Mapping[Subject, Lines]:
    waiting, demands, coming = _waiting(subjects), _demands(subjects), _receipts(subjects)
    found: dict[Subject, Lines] = {}
    for subject in subjects:
        key, few = _key(subject.exception), waiting.get(subject.exception.pk)
        if few and key in demands:
            receipts = coming.get(key, [])
            said = [*_missing(subject.exception, demands[key], few), *_on_their_way(demands[key].item, receipts)]
            found[subject] = Lines(said, max(0, len(receipts) - MOST))
    return found


def _missing(exception: FloorException, demand: _Demand, few: Few[Blocker]) -> Iterator[str]:
    first = few.rows[0].job_order.work_order
    words = {
        "item": demand.item.code,
        "unit": demand.item.unit.code,
        "missing": plain(max(Decimal(0), demand.needed - demand.there)),
        "needed": plain(demand.needed),
        "there": plain(demand.there),
        "order": first.number,
        "due": due(first.due_at, exception.site.zone),
        "others": few.total - 1,
    }
    yield _("%(missing)s %(unit)s of %(item)s are missing: %(needed)s are needed, %(there)s are there.") % words
    if few.total > 1:
        yield _("%(order)s, %(due)s, is the first that waits for it; %(others)s more after it.") % words
    else:
        yield _("%(order)s, %(due)s, waits for it.") % words


def _on_their_way(item: Item, receipts: Sequence[ExpectedReceipt]) -> Iterator[str]:
    if not receipts:
        yield _("Nothing of it is on order, as far as the ERP says.")
    for receipt in receipts[:MOST]:
        words = {
            "quantity": plain(receipt.stock_quantity),
            "unit": item.unit.code,
            "supplier": receipt.supplier or _("a supplier that the ERP does not name"),
            "document": receipt.document or _("no document"),
            "day": _day(receipt.due_on) if receipt.due_on else "",
        }
        if receipt.due_on:
            yield _("%(quantity)s %(unit)s are to come on %(day)s from %(supplier)s (%(document)s).") % words
        else:
            yield _("%(quantity)s %(unit)s are ordered from %(supplier)s without a date (%(document)s).") % words


# ---- quality


def _held_back(subjects: Subjects) -> Mapping[Subject, Lines]:
    """Lots of it that are there and may not be used: somebody could decide on them."""
    lying = lying_unusable((_key(subject.exception)[0], subject.exception.site) for subject in subjects)
    items = Item.objects.select_related("unit").in_bulk({_key(subject.exception)[0] for subject in subjects})
    found: dict[Subject, Lines] = {}
    for subject in subjects:
        item_id, site_id = _key(subject.exception)
        held = [here for here in lying.get((site_id, item_id), ()) if here.lot is not None]
        if held and item_id in items:
            said = [_lot(here, items[item_id]) for here in held[:MOST]]
            found[subject] = Lines(said, max(0, len(held) - MOST))
    return found


def _lot(here: Lying, item: Item) -> str:
    assert here.lot is not None, "the caller has looked"
    if here.lot.blocked_in_erp:
        why = _("blocked in the ERP")
    elif here.lot.is_past(here.day):
        why = _("past its last day of use")
    else:
        why = str(LotStatus(here.lot.status).label)
    return _("Lot %(lot)s: %(quantity)s %(unit)s of %(item)s lie at %(place)s and may not be used (%(why)s).") % {
        "lot": here.lot.number,
        "quantity": plain(here.line.quantity),
        "unit": item.unit.code,
        "item": item.code,
        "place": here.location.code,
        "why": why,
    }


declare(Concern(code="shortage.planning", roles=PLANNING, cause_kinds=KIND, lines=_orders_that_wait))
declare(Concern(code="shortage.customers", roles=frozenset({CUSTOMER_SERVICE}), cause_kinds=KIND, lines=_commitments))
declare(Concern(code="shortage.purchasing", roles=frozenset({PURCHASING}), cause_kinds=KIND, lines=_to_expedite))
declare(Concern(code="shortage.quality", roles=QUALITY, cause_kinds=KIND, lines=_held_back))
