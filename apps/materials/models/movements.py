"""What the floor moved: never edited, undone only by a reversal."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.fields import QuantityField
from apps.core.rights import Action, Scope
from apps.core.triggers import append_only
from apps.materials.actions import VIEW_MATERIALS
from apps.materials.models.items import Item
from apps.materials.models.lots import Lot
from apps.materials.models.stock import Location
from apps.materials.models.units import Unit
from apps.plant.models import ReasonCode, Site, WorkCenter


class MovementKind(models.TextChoices):
    ISSUE = "issue", _("issue")
    RETURN = "return", _("return")
    RECEIPT = "receipt", _("receipt")
    SCRAP = "scrap", _("scrap")
    TRANSFER = "transfer", _("transfer")


class MovementQuerySet(models.QuerySet["Movement"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_MATERIALS) -> Self:
        return self.filter(site__in=Site.objects.visible_to(actor, action))

    def standing(self) -> Self:
        """Neither reversed nor a reversal."""
        return self.filter(reverses=None, reversed_by=None)

    def made_for(self, kind: str, key: object) -> Self:
        return self.filter(for_kind=kind, for_id=str(key))


class Movement(models.Model):
    """`quantity`, above zero, in `unit`, leaves `from_location` and comes to `to_location`.

    stock_quantity  the same in the item's unit, as the factors stood then
    no from         it was made, or came from outside       no to  it was used up, or left
    reverses        the movement that this one undoes: same kind and quantity, the other way
    for_kind, for_id  what it was moved for ("job_order", "17"): orders are an upper floor's
    """

    kind = models.CharField(_("kind"), max_length=8, choices=MovementKind.choices)
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    work_center = models.ForeignKey(WorkCenter, models.PROTECT, null=True, related_name="+", verbose_name=_("line"))
    item = models.ForeignKey(Item, models.PROTECT, related_name="movements", verbose_name=_("item"))
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="movements", verbose_name=_("lot"))
    from_location = models.ForeignKey(Location, models.PROTECT, null=True, related_name="+", verbose_name=_("from"))
    to_location = models.ForeignKey(Location, models.PROTECT, null=True, related_name="+", verbose_name=_("to"))
    quantity = QuantityField(_("quantity"))
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name=_("unit"))
    stock_quantity = QuantityField(_("quantity in the item's unit"))
    for_kind = models.CharField(max_length=40, blank=True)
    for_id = models.CharField(max_length=80, blank=True)
    thread = models.CharField(_("story"), max_length=80, blank=True)
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")
    reason = models.ForeignKey(ReasonCode, models.PROTECT, null=True, related_name="+", verbose_name=_("reason"))
    person_id = models.BigIntegerField(_("person"), null=True)
    terminal_id = models.BigIntegerField(_("terminal"), null=True)
    command_id = models.UUIDField()
    occurred_at = models.DateTimeField(_("occurred"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    site_id: int
    work_center_id: int | None
    item_id: int
    lot_id: int | None
    from_location_id: int | None
    to_location_id: int | None
    unit_id: int
    reverses_id: int | None
    objects = MovementQuerySet.as_manager()

    class Meta:
        verbose_name = _("movement")
        verbose_name_plural = _("movements")
        ordering = ["pk"]
        triggers = append_only()
        indexes = [
            models.Index(fields=["site", "item"], name="movement_of_item"),
            models.Index(fields=["lot"], name="movement_of_lot", condition=Q(lot__isnull=False)),
            models.Index(fields=["for_kind", "for_id"], name="movement_made_for", condition=~Q(for_id="")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0, stock_quantity__gt=0), name="movement_moves_something"),
            models.CheckConstraint(
                condition=Q(from_location__isnull=False) | Q(to_location__isnull=False), name="movement_has_a_place"
            ),
            models.CheckConstraint(
                condition=~Q(from_location=F("to_location")) | Q(from_location=None) | Q(to_location=None),
                name="movement_goes_elsewhere",
            ),
            models.CheckConstraint(condition=Q(kind__in=MovementKind.values), name="movement_kind_known"),
            models.CheckConstraint(
                condition=Q(reason__isnull=False) | ~(Q(kind=MovementKind.SCRAP) | Q(reverses__isnull=False)),
                name="movement_has_its_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.item_id}: {self.quantity}"

    @property
    def scope(self) -> Scope:
        return self.site.scope | (self.work_center.scope if self.work_center else frozenset())


class MovementPostingQuerySet(models.QuerySet["MovementPosting"]):
    def visible_to(self, actor: Actor, action: Action = VIEW_MATERIALS) -> Self:
        return self.filter(movement__site__in=Site.objects.visible_to(actor, action))


class MovementPosting(models.Model):
    """The ERP has confirmed the movement at `posted_at`, as the ERP tells the time, under its own number."""

    movement = models.OneToOneField(Movement, models.PROTECT, related_name="posting")
    erp_reference = models.CharField(_("ERP reference"), max_length=80)
    posted_at = models.DateTimeField(_("posted"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    movement_id: int
    objects = MovementPostingQuerySet.as_manager()

    class Meta:
        verbose_name = _("posting of a movement")
        verbose_name_plural = _("postings of movements")
        ordering = ["pk"]
        triggers = append_only()

    def __str__(self) -> str:
        return self.erp_reference
