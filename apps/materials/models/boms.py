"""Parts lists: what goes into an item."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.fields import QuantityField
from apps.core.history import History
from apps.core.ownership import ErpFed, erp_key_once, owned_by_erp
from apps.materials.models.items import Item
from apps.materials.models.units import Unit


class Bom(ErpFed):
    """Its lines say what `quantity` of the item, in the item's own unit, is made of."""

    item = models.ForeignKey(Item, models.PROTECT, related_name="boms", verbose_name=_("item"))
    code = models.CharField(_("code"), max_length=60)
    quantity = QuantityField(_("quantity made"), default=Decimal(1))
    active = models.BooleanField(_("in use"), default=True)

    item_id: int
    erp_owned = owned_by_erp("item", "code", "quantity", "active")
    history = History()

    class Meta:
        verbose_name = _("parts list")
        verbose_name_plural = _("parts lists")
        ordering = ["item", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "code"], name="bom_code_per_item", deferrable=models.Deferrable.IMMEDIATE
            ),
            erp_key_once("bom_erp_key"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="bom_quantity_positive"),
        ]

    def __str__(self) -> str:
        return self.code


class BomLine(models.Model):
    """`quantity` in `unit` goes into each `bom.quantity`; `operation_sequence` None: at no operation in particular."""

    bom = models.ForeignKey(Bom, models.CASCADE, related_name="lines", verbose_name=_("parts list"))
    item = models.ForeignKey(Item, models.PROTECT, related_name="used_in", verbose_name=_("item"))
    quantity = QuantityField(_("quantity"))
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name=_("unit"))
    position = models.PositiveIntegerField(_("position"))
    operation_sequence = models.PositiveIntegerField(_("operation"), null=True, blank=True)

    bom_id: int
    item_id: int
    unit_id: int
    erp_owned = owned_by_erp("item", "quantity", "unit", "position", "operation_sequence", parent="bom")
    history = History()

    class Meta:
        verbose_name = _("part")
        verbose_name_plural = _("parts")
        ordering = ["bom", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["bom", "position"], name="bom_line_position", deferrable=models.Deferrable.IMMEDIATE
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="bom_line_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.bom_id}/{self.position}"
