"""What came of laying the figures of finished orders beside the ERP's."""

from __future__ import annotations

from decimal import Decimal
from typing import TypedDict

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.core.events import Story
from apps.core.numbers import plain
from apps.erp_sync.models.intake import Linked
from apps.orders.models import WorkOrder


class Figure(models.TextChoices):
    MADE = "made", _("made")
    SCRAPPED = "scrapped", _("scrapped")
    CONSUMED = "consumed", _("consumed")


class Difference(TypedDict):
    """`ours` and `theirs` are decimals in `unit`; `lot` "": of no lot, or whatever lot."""

    figure: str
    item: str
    lot: str
    unit: str
    ours: str
    theirs: str


class Comparison(Linked):
    """Of one order that is finished in the ERP: our sums and the ERP's, and where they differ.

    next_at      when they are laid beside each other again; None: the order is old, and they agreed
    differences  [Difference, ...], as found last
    accepted     those that a person has accepted, and why; any other ones are a break again
    Times are the database's own, as those of postings are.
    """

    work_order = models.OneToOneField(WorkOrder, models.PROTECT, related_name="+", verbose_name=_("work order"))
    finished_at = models.DateTimeField(_("finished in the ERP"), db_default=Now())
    next_at = models.DateTimeField(_("next"), null=True, db_default=Now())
    compared_at = models.DateTimeField(_("compared"), null=True)
    differences = models.JSONField(default=list)
    accepted = models.JSONField(default=list)
    accepted_reason = models.TextField(_("accepted because"), blank=True)

    work_order_id: int

    class Meta:
        verbose_name = _("comparison with the ERP")
        verbose_name_plural = _("comparisons with the ERP")
        ordering = ["-finished_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted=[]) | ~Q(accepted_reason=""), name="difference_accepted_with_a_reason"
            )
        ]
        indexes = [models.Index(fields=["next_at"], name="comparison_due", condition=Q(next_at__isnull=False))]

    def __str__(self) -> str:
        return self.work_order.number

    @property
    def is_broken(self) -> bool:
        return bool(self.differences) and self.differences != self.accepted

    @property
    def story(self) -> Story:
        return self.work_order.story

    @property
    def sentence(self) -> str:
        """Both figures of each difference: "made PUMP-100: 18 pcs here, 17 pcs in the ERP"."""
        return "; ".join(_of(difference) for difference in self.differences)


def _of(difference: Difference) -> str:
    lot = _now(" (lot %(lot)s)") % difference if difference["lot"] else ""
    return _now("%(what)s %(item)s%(of)s: %(ours)s %(unit)s here, %(theirs)s %(unit)s in the ERP") % {
        **difference,
        "ours": plain(Decimal(difference["ours"])),
        "theirs": plain(Decimal(difference["theirs"])),
        "what": Figure(difference["figure"]).label,
        "of": lot,
    }
