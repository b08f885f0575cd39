"""Batches of one item, whether they may be used, and which went into which."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.fields import QuantityField
from apps.core.history import History
from apps.core.ownership import ErpFed, erp_key_once, owned_by_erp
from apps.core.rights import Action
from apps.core.triggers import append_only
from apps.materials.actions import VIEW_MATERIALS
from apps.materials.models.items import Item
from apps.plant.models import Site


class LotStatus(models.TextChoices):
    OPEN = "open", _("open")
    HELD = "held", _("held")
    EXPIRED = "expired", _("expired")
    CLOSED = "closed", _("closed")


class Lot(ErpFed):
    """The floor says `status`, the ERP says `blocked_in_erp`: neither overwrites the other, and each stops its use.

    `number` is what stands on the label. ERPs exist in which one item has it twice, so a lot is known by its id; only
    lots made here have it once per item.
    """

    item = models.ForeignKey(Item, models.PROTECT, related_name="lots", verbose_name=_("item"))
    number = models.CharField(_("number"), max_length=80)
    status = models.CharField(_("status"), max_length=8, choices=LotStatus.choices, default=LotStatus.OPEN)
    blocked_in_erp = models.BooleanField(_("blocked in the ERP"), default=False)
    expires_on = models.DateField(_("last day of use"), null=True, blank=True)

    item_id: int
    erp_owned = owned_by_erp("item", "number", "blocked_in_erp", "expires_on")
    history = History()

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        ordering = ["item", "number"]
        indexes = [models.Index(fields=["item", "number"], name="lot_number")]
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], condition=Q(erp_key=""), name="own_lot_number_once"),
            models.UniqueConstraint(fields=["id", "item"], name="lot_with_item"),
            erp_key_once("lot_erp_key"),
            models.CheckConstraint(condition=Q(status__in=LotStatus.values), name="lot_status_known"),
            models.CheckConstraint(condition=~Q(number=""), name="lot_has_number"),
        ]

    def __str__(self) -> str:
        return self.number

    def is_past(self, day: date) -> bool:
        """Whether its last day of use lies before `day`, a day of the site."""
        return self.expires_on is not None and self.expires_on < day


class LotLinkQuerySet(models.QuerySet["LotLink"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_MATERIALS) -> Self:
        return self.filter(movement__site__in=Site.objects.visible_to(actor, action))


class LotLink(models.Model):
    """So much of one lot, in its item's unit, went into another: an edge of the genealogy.

    It counts as long as `movement`, which took the material, is not reversed.
    """

    consumed_lot = models.ForeignKey(Lot, models.PROTECT, related_name="went_into")
    produced_lot = models.ForeignKey(Lot, models.PROTECT, related_name="made_from")
    quantity = QuantityField(_("quantity"))
    # What it was made for, by kind and id: orders are an upper floor's.
    for_kind = models.CharField(max_length=40, blank=True)
    for_id = models.CharField(max_length=80, blank=True)
    movement = models.ForeignKey("materials.Movement", models.PROTECT, related_name="links")
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    consumed_lot_id: int
    produced_lot_id: int
    movement_id: int
    objects = LotLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot into lot")
        verbose_name_plural = _("lots into lots")
        ordering = ["pk"]
        triggers = append_only()
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="lot_link_quantity_positive"),
            models.CheckConstraint(condition=~Q(consumed_lot=F("produced_lot")), name="lot_not_into_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.consumed_lot_id} -> {self.produced_lot_id}"
