"""What the ERP has taken off its stock ahead of the floor."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.fields import QuantityField
from apps.core.rights import Scope
from apps.materials.models.items import Item
from apps.materials.models.lots import Lot
from apps.materials.models.stock import Location
from apps.plant.models import Site


class Advance(models.Model):
    """Material of one story that an ERP consumed when the order started, and that the floor uses up bit by bit.

    It still lies there: stock counts it where the ERP's record does not any more. The floor's own movements of the
    story are not posted one by one; they are in the ERP when the advance is settled.
    stock_quantity  in the item's unit; below zero: given back        settled_at  what was used is what was consumed
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+", verbose_name=_("site"))
    thread = models.CharField(_("story"), max_length=80)
    item = models.ForeignKey(Item, models.PROTECT, related_name="+", verbose_name=_("item"))
    location = models.ForeignKey(Location, models.PROTECT, related_name="+", verbose_name=_("location"))
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+", verbose_name=_("lot"))
    stock_quantity = QuantityField(_("quantity in the item's unit"))
    posted_at = models.DateTimeField(_("posted"))
    settled_at = models.DateTimeField(_("settled"), null=True)
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    site_id: int
    item_id: int
    location_id: int
    lot_id: int | None

    class Meta:
        verbose_name = _("advance of the ERP")
        verbose_name_plural = _("advances of the ERP")
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=~Q(stock_quantity=0), name="advance_of_something")]
        indexes = [
            models.Index(fields=["site", "item"], name="advance_of_item"),
            models.Index(fields=["thread"], name="advance_of_thread"),
        ]

    def __str__(self) -> str:
        return f"{self.thread} {self.item_id}: {self.stock_quantity}"

    @property
    def scope(self) -> Scope:
        return self.site.scope
