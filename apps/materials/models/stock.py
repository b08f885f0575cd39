"""Where material lies, and how much of it the ERP says is there."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.fields import QuantityField
from apps.core.history import History
from apps.core.ownership import ErpFed, erp_key_once, owned_by_erp
from apps.core.rights import Action, Scope
from apps.materials.actions import VIEW_MATERIALS
from apps.materials.models.items import Item
from apps.materials.models.lots import Lot
from apps.materials.models.units import Unit
from apps.plant.models import Site


class LocationKind(models.TextChoices):
    """Only what lies in storage or at production can be used; quarantine and scrap are out of reach."""

    STORAGE = "storage", _("storage")
    PRODUCTION = "production", _("production")
    SCRAP = "scrap", _("scrap")
    QUARANTINE = "quarantine", _("quarantine")


class LocationQuerySet(models.QuerySet["Location"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_MATERIALS) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))


class Location(ErpFed):
    site = models.ForeignKey(Site, models.PROTECT, related_name="locations", verbose_name=_("site"))
    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=LocationKind.choices, default=LocationKind.STORAGE)
    active = models.BooleanField(_("in use"), default=True)
    may_go_negative = models.BooleanField(
        _("may go below zero"),
        default=False,
        help_text=_("On: more can be taken than is on record, say where receipts are booked late."),
    )

    site_id: int
    erp_owned = owned_by_erp("site", "code", "name", "kind", "active")
    objects = LocationQuerySet.as_manager()
    history = History()

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        ordering = ["site", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "code"], name="location_code_per_site", deferrable=models.Deferrable.IMMEDIATE
            ),
            models.UniqueConstraint(fields=["id", "site"], name="location_with_site"),
            erp_key_once("location_erp_key"),
            models.CheckConstraint(condition=Q(kind__in=LocationKind.values), name="location_kind_known"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def scope(self) -> Scope:
        return self.site.scope


class StockSnapshotQuerySet(models.QuerySet["StockSnapshot"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_MATERIALS) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))


class StockSnapshot(models.Model):
    """What the ERP said lies there: the newest word per place and lot.

    quantity        in `unit`, as it was sent
    stock_quantity  the same in the item's unit
    as_of           the movements that the ERP had posted until then are in it
    """

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    item = models.ForeignKey(Item, models.PROTECT, related_name="snapshots")
    location = models.ForeignKey(Location, models.PROTECT, related_name="+")
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+")
    quantity = QuantityField(_("quantity"))
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    stock_quantity = QuantityField(_("quantity in the item's unit"))
    as_of = models.DateTimeField(_("as of"))
    erp_version = models.CharField(max_length=80, blank=True, default="")

    site_id: int
    item_id: int
    location_id: int
    lot_id: int | None
    unit_id: int
    erp_owned = owned_by_erp(
        "site", "location", "lot", "quantity", "unit", "stock_quantity", "as_of", "erp_version", parent="item"
    )
    objects = StockSnapshotQuerySet.as_manager()

    class Meta:
        verbose_name = _("stock on record")
        verbose_name_plural = _("stock on record")
        ordering = ["site", "item", "location", "lot"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "item", "location", "lot"], nulls_distinct=False, name="one_snapshot_per_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id}@{self.location_id}: {self.stock_quantity}"
