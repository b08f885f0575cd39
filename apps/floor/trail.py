"""Where the last entry at a station has got to: the tablet, mfgos, the ERP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.numbers import plain
from apps.core.prepared import Given, Prepared
from apps.erp_sync.actions import POST, VIEW_POSTINGS
from apps.erp_sync.models import PostingState
from apps.erp_sync.queries import InErp, in_erp
from apps.orders.models import Confirmation
from apps.plant.models import Terminal, WorkUnit

# Each state of the ERP's mark is shown as a tone and whether its line is closed; the word stands in the template.
_TONES = {PostingState.POSTED: "run", PostingState.PARKED: "warn"}


@dataclass(frozen=True)
class Mark:
    """The ERP's mark, the same for everybody; None as `in_erp`: the entry is not meant for an ERP."""

    in_erp: InErp | None

    @property
    def state(self) -> str:
        return self.in_erp.state.value if self.in_erp else ""

    @property
    def tone(self) -> str:
        return _TONES.get(self.in_erp.state, "wait") if self.in_erp else ""

    @property
    def is_there(self) -> bool:
        return self.in_erp is not None and self.in_erp.state == PostingState.POSTED


@dataclass(frozen=True)
class LastEntry:
    """The last booking at this station that still counts."""

    confirmation_id: int
    what: str
    at: datetime
    mark: Mark


def last_entry(unit: WorkUnit) -> LastEntry | None:
    last = _last_booking(unit)
    if last is None:
        return None
    parts = [_("%(n)s good") % {"n": plain(last.good)}] if last.good else []
    parts += [_("%(n)s scrap") % {"n": plain(last.scrap)}] if last.scrap else []
    return LastEntry(last.pk, " + ".join(parts), last.occurred_at, Mark(in_erp(last)))


def erp_mark(unit: WorkUnit) -> Mark:
    last = _last_booking(unit)
    return Mark(in_erp(last) if last else None)


def erp_detail(entry: LastEntry, unit: WorkUnit, actor: Actor) -> str:
    """The ERP's documents, or why the entry stands still: for who may see postings. Others hear who decides."""
    there = entry.mark.in_erp
    if there is None:
        return ""
    if rights.may(actor, VIEW_POSTINGS, unit.site.scope):
        return there.sentence or there.documents
    if there.state == PostingState.PARKED:
        return _("It is decided by: %(roles)s.") % {"roles": ", ".join(rights.holders(POST))}
    return ""


def _last_booking(unit: WorkUnit) -> Confirmation | None:
    """Of the station's own operations, and at its terminals of those that any station of the line may run."""
    return _LAST_BOOKING.first(work_unit=unit.pk)


def _bookings() -> QuerySet[Confirmation]:
    counting = Confirmation.objects.filter(reverses=None, reversed_by=None, booked_by=None)
    terminals = Terminal.objects.filter(work_unit=Given("work_unit")).values("pk")
    here = Q(job_order__work_unit=Given("work_unit")) | Q(job_order__work_unit=None, terminal_id__in=terminals)
    return counting.filter(here).select_related("job_order__work_order").order_by("-pk")[:1]


_LAST_BOOKING = Prepared(_bookings)
