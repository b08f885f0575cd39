"""What is made, bought and moved."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.history import History
from apps.core.ownership import ErpFed, erp_key_once, owned_by_erp
from apps.core.rights import EVERYWHERE, Scope
from apps.materials.models.units import Unit


class ItemKind(models.TextChoices):
    MADE = "made", _("made")
    BOUGHT = "bought", _("bought")


class Item(ErpFed):
    """Stock of it is kept in `unit`."""

    code = models.CharField(_("code"), max_length=60)
    name = models.CharField(_("name"), max_length=200)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name=_("unit"))
    kind = models.CharField(_("kind"), max_length=6, choices=ItemKind.choices, default=ItemKind.BOUGHT)
    lot_tracked = models.BooleanField(_("by lot"), default=False, help_text=_("Every movement names its lot."))
    shelf_life_days = models.PositiveIntegerField(_("shelf life, days"), null=True, blank=True)
    active = models.BooleanField(_("in use"), default=True)

    unit_id: int
    erp_owned = owned_by_erp("code", "name", "unit", "kind", "lot_tracked", "shelf_life_days", "active")
    history = History()

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="item_code", deferrable=models.Deferrable.IMMEDIATE),
            erp_key_once("item_erp_key"),
            models.CheckConstraint(condition=Q(kind__in=ItemKind.values), name="item_kind_known"),
            models.CheckConstraint(condition=~Q(code=""), name="item_has_code"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def scope(self) -> Scope:
        return EVERYWHERE

    @property
    def topic(self) -> str:
        return f"stock:{self.pk}"
