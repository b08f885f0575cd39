"""Material that is short: take it from a line, release a lot that is held, run as far as it goes.

Stock is not reserved for orders yet: whatever lies in storage counts for each of them. So nothing can be borrowed from
another order but what was brought to its line already.
"""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.andon.cures import Cure, Inputs, Offer, Offers, Subject, Subjects, declare
from apps.core.commands import Context
from apps.core.numbers import plain
from apps.materials.actions import MOVE_MATERIALS, RELEASE_LOTS
from apps.materials.commands import release_lot, transfer
from apps.materials.models import Location, LocationKind, LotStatus
from apps.materials.queries import stock_of
from apps.orders.actions import GO_ON
from apps.orders.causes.shortages import SHORTAGE
from apps.orders.commands.going_on import run_in_part
from apps.orders.cures.reading import (
    Lying,
    blockers,
    item_id_of,
    job_of,
    lock_job,
    parts_of,
    scopes_of_jobs,
    short_of,
    unusable,
)
from apps.orders.models import Blocker
from apps.orders.readiness import locked, reconsider
from apps.plant.models import Site

KIND = frozenset({SHORTAGE})


# ---- take it from a line


def _to_borrow(subjects: Subjects) -> Offers:
    lying = subjects.once(unusable)
    return {
        subject: _ways_to_borrow(blocker, lying.get((blocker.site_id, item_id_of(blocker)), []))
        for subject, blocker in subjects.once(blockers).items()
    }


def _ways_to_borrow(blocker: Blocker, lying: list[Lying]) -> list[Offer]:
    at_lines = [
        here
        for here in lying
        if here.location.kind == LocationKind.PRODUCTION
        and (here.lot is None or (here.lot.status == LotStatus.OPEN and here.may_be_used))
    ]
    if not at_lines:
        why = _("No %(item)s lies at a line. What is in storage counts for every order already.")
        return [Offer(label=str(BORROW.label), why_not=why % blocker.facts)]
    return [_borrow_from(blocker, here) for here in at_lines]


def _borrow_from(blocker: Blocker, here: Lying) -> Offer:
    take = min(here.line.quantity, short_of(blocker))
    words = {
        "take": plain(take),
        "left": plain(here.line.quantity - take),
        "unit": blocker.facts["unit"],
        "item": blocker.facts["item"],
        "place": here.location.code,
    }
    return Offer(
        label=_("Take %(take)s %(unit)s from %(place)s") % words,
        inputs={"location": here.location.pk, "lot": here.line.lot_id, "quantity": str(take)},
        cost=_("%(left)s %(unit)s of %(item)s stay at %(place)s") % words,
    )


def _borrow(context: Context, subject: Subject, inputs: Inputs, _reason: str) -> None:
    blocker = Blocker.objects.select_related("site").get(pk=subject.part_id or 0)
    item_id = item_id_of(blocker)
    storage = _storage_of(item_id, blocker.site)
    if storage is None:
        context.refuse("no_storage", _("There is no storage to which it could be brought."))
    transfer.within(
        context,
        item_id=item_id,
        quantity=Decimal(inputs["quantity"]),
        from_location_id=int(inputs["location"]),
        to_location_id=storage,
        lot_id=inputs["lot"],
    )
    _look_again(context, subject)


def _storage_of(item_id: int, site: Site) -> int | None:
    """Where the item lies already, else the first."""
    places = Location.objects.filter(site=site, kind=LocationKind.STORAGE, active=True).order_by("code")
    storages = list(places.values_list("pk", flat=True))
    lies = [line.location_id for line in stock_of([item_id], site) if line.location_id in storages]
    return next(iter(lies or storages), None)


def _look_again(context: Context, subject: Subject) -> None:
    """The operation itself at once; the others that need the item by the worker."""
    job_id = job_of(subject)
    if job_id is not None:
        reconsider(context, locked(job_id))


BORROW = declare(
    Cure(
        code="borrow",
        cause_kinds=KIND,
        label=gettext_lazy("Take it from a line"),
        permission=MOVE_MATERIALS,
        scopes=scopes_of_jobs,
        parts=parts_of,
        offers=_to_borrow,
        lock=lock_job,
        run=_borrow,
    )
)


# ---- a lot that is held


def _to_release(subjects: Subjects) -> Offers:
    lying = subjects.once(unusable)
    return {
        subject: _ways_to_release(blocker, lying.get((blocker.site_id, item_id_of(blocker)), []))
        for subject, blocker in subjects.once(blockers).items()
    }


def _ways_to_release(blocker: Blocker, lying: list[Lying]) -> list[Offer]:
    held: dict[int, tuple[str, Decimal]] = {}
    for here in lying:
        in_storage = here.location.kind == LocationKind.STORAGE
        if here.lot is not None and here.lot.status == LotStatus.HELD and in_storage and here.may_be_used:
            number, quantity = held.get(here.lot.pk, (here.lot.number, Decimal(0)))
            held[here.lot.pk] = number, quantity + here.line.quantity
    if not held:
        why = _("No other lot of %(item)s is held back: all that may be used counts already.")
        return [Offer(label=str(RELEASE_LOT.label), why_not=why % blocker.facts)]
    return [
        Offer(
            label=_("Release lot %(lot)s") % {"lot": number},
            inputs={"lot": lot_id},
            cost=_("%(quantity)s %(unit)s may be used again, by every order")
            % {"quantity": plain(quantity), "unit": blocker.facts["unit"]},
        )
        for lot_id, (number, quantity) in held.items()
    ]


def _release(context: Context, subject: Subject, inputs: Inputs, _reason: str) -> None:
    release_lot.within(context, lot_id=int(inputs["lot"]), for_kind="exception", for_id=str(subject.exception.pk))
    _look_again(context, subject)


RELEASE_LOT = declare(
    Cure(
        code="release_lot",
        cause_kinds=KIND,
        label=gettext_lazy("Use another lot"),
        permission=RELEASE_LOTS,
        scopes=scopes_of_jobs,
        parts=parts_of,
        offers=_to_release,
        lock=lock_job,
        run=_release,
        needs_person=True,
    )
)


# ---- as far as it goes


def _to_run_in_part(subjects: Subjects) -> Offers:
    return {subject: [_part_of(blocker)] for subject, blocker in subjects.once(blockers).items()}


def _part_of(blocker: Blocker) -> Offer:
    job = blocker.job_order
    if blocker.from_quantity <= job.made:
        why = _("Not one more piece can be made without %(item)s.") % blocker.facts
        return Offer(label=str(RUN_IN_PART.label), why_not=why)
    rest = max(Decimal(0), job.quantity - blocker.from_quantity)
    words = {"possible": plain(blocker.from_quantity), "rest": plain(rest)}
    decided = _("It is decided already.") if blocker.runs_to is not None else ""
    return Offer(
        label=_("Run without it up to %(possible)s") % words,
        inputs={"to": plain(blocker.from_quantity)},
        cost=_("%(rest)s stay open until it is there") % words,
        why_not=decided,
    )


def _run_in_part(context: Context, subject: Subject, _inputs: Inputs, _reason: str) -> None:
    run_in_part.within(context, blocker_id=subject.part_id or 0)


RUN_IN_PART = declare(
    Cure(
        code="run_in_part",
        cause_kinds=KIND,
        label=gettext_lazy("Run without it"),
        permission=GO_ON,
        scopes=scopes_of_jobs,
        parts=parts_of,
        offers=_to_run_in_part,
        lock=lock_job,
        run=_run_in_part,
    )
)
