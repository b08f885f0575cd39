"""What a scanned code stands for, letter by letter: no prefix, no likeness, no other case."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.core.commands import Context
from apps.materials.models import Item, Lot, LotStatus
from apps.materials.queries import day_at, find_lots
from apps.orders.models import DirectiveStep, JobOrder

LONGEST = 80


def scanned_lot(context: Context, job: JobOrder, step: DirectiveStep, code: str) -> Lot | None:
    """The lot of the step's item that was scanned; None for the item itself, where it is not kept by lot.

    Refused, and so in the ledger: another item, an unknown code, a lot that may not be used.
    """
    item, code = step.scan_item, code.strip()
    if item is None or not code or len(code) > LONGEST:
        context.refuse("nothing_scanned", _("Scan %(item)s.") % {"item": item.code if item else ""})
    if code == item.code and not item.lot_tracked:
        return None
    lots = find_lots(item.pk, code)
    if not lots:
        _refuse_other(context, item, code)
    if len(lots) > 1:
        context.refuse(
            "lot_ambiguous",
            _("%(item)s has lot %(lot)s more than once.") % {"item": item.code, "lot": code},
            _("The ERP has to give one of them another number."),
            lot_ids=[lot.pk for lot in lots],
        )
    _check_usable(context, job, lots[0])
    return lots[0]


def _refuse_other(context: Context, item: Item, code: str) -> None:
    words = {"code": code, "item": item.code}
    if code == item.code:
        context.refuse("scan_lot", _("%(item)s is kept by lot. Scan the label of the lot.") % words, item_id=item.pk)
    other = Item.objects.filter(code=code).first() or Item.objects.filter(lots__number=code).first()
    if other:
        context.refuse(
            "wrong_item",
            _("%(code)s is %(other)s. Here %(item)s is needed.") % {**words, "other": other.code},
            item_id=item.pk,
            scanned_item_id=other.pk,
        )
    context.refuse("unknown_code", _("%(code)s is not known. Here %(item)s is needed.") % words, item_id=item.pk)


def _check_usable(context: Context, job: JobOrder, lot: Lot) -> None:
    words = {"lot": lot.number}
    quality = _("Quality decides about it.")
    if lot.status == LotStatus.HELD:
        context.refuse("lot_held", _("Lot %(lot)s is held. Take another one.") % words, quality, lot_id=lot.pk)
    if lot.blocked_in_erp:
        sentence = _("Lot %(lot)s is blocked in the ERP. Take another one.") % words
        context.refuse("lot_blocked", sentence, _("It is released in the ERP."), lot_id=lot.pk)
    if lot.status == LotStatus.CLOSED:
        context.refuse("lot_closed", _("Lot %(lot)s is closed. Take another one.") % words, quality, lot_id=lot.pk)
    if lot.status == LotStatus.EXPIRED or lot.is_past(day_at(job.site, context.occurred_at)):
        sentence = _("Lot %(lot)s is past its last day of use. Take another one.") % words
        context.refuse("lot_expired", sentence, quality, lot_id=lot.pk)
