"""In what quantities are counted."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.history import History
from apps.core.ownership import ErpFed, erp_key_once, owned_by_erp
from apps.core.rights import EVERYWHERE, Scope


class Unit(ErpFed):
    """One unit is `factor` of its category's base: in the category of mass with base gram, kg has 1000."""

    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=80)
    category = models.CharField(
        _("category"), max_length=80, help_text=_("Units of one category convert into another.")
    )
    factor = models.DecimalField(_("factor to the base"), max_digits=24, decimal_places=12, default=Decimal(1))
    digits = models.PositiveSmallIntegerField(
        _("decimals"), default=0, help_text=_("How many decimals a quantity in this unit may have, 0 to 6.")
    )

    erp_owned = owned_by_erp("code", "name", "category", "factor", "digits")
    history = History()

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        ordering = ["category", "code"]
        constraints = [
            # Checked at the end of a statement, so that two rows of one delivery may swap their codes.
            models.UniqueConstraint(fields=["code"], name="unit_code", deferrable=models.Deferrable.IMMEDIATE),
            erp_key_once("unit_erp_key"),
            models.CheckConstraint(condition=Q(factor__gt=0), name="unit_factor_positive"),
            models.CheckConstraint(condition=Q(digits__lte=6), name="unit_digits_range"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def scope(self) -> Scope:
        return EVERYWHERE


class ItemUnit(models.Model):
    """Another way to count one item, across categories: one `unit` is `factor` of the item's own unit."""

    item = models.ForeignKey("materials.Item", models.CASCADE, related_name="units", verbose_name=_("item"))
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name=_("unit"))
    factor = models.DecimalField(_("of the item's unit"), max_digits=24, decimal_places=12)

    item_id: int
    unit_id: int
    erp_owned = owned_by_erp("unit", "factor", parent="item")
    history = History()

    class Meta:
        verbose_name = _("unit of an item")
        verbose_name_plural = _("units of items")
        ordering = ["item", "unit"]
        constraints = [
            models.UniqueConstraint(fields=["item", "unit"], name="item_unit_once"),
            models.CheckConstraint(condition=Q(factor__gt=0), name="item_unit_factor_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} = {self.factor}"
