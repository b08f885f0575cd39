"""What an operation uses up, per piece."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.fields import QuantityField
from apps.core.history import History


class JobMaterialQuerySet(models.QuerySet["JobMaterial"]):
    def with_item(self) -> Self:
        """By item: whoever takes them from stock locks them in this order."""
        return self.select_related("item__unit").order_by("item")


class JobMaterial(models.Model):
    """`per_piece` of the item, in the item's unit, for each piece made, good or scrap."""

    job_order = models.ForeignKey("orders.JobOrder", models.PROTECT, related_name="materials")
    item = models.ForeignKey("materials.Item", models.PROTECT, related_name="+", verbose_name=_("item"))
    per_piece = QuantityField(_("per piece"))

    job_order_id: int
    item_id: int
    history = History()
    objects = JobMaterialQuerySet.as_manager()

    class Meta:
        verbose_name = _("material of an operation")
        verbose_name_plural = _("materials of operations")
        constraints = [
            models.UniqueConstraint(fields=["job_order", "item"], name="job_material_once"),
            models.CheckConstraint(condition=models.Q(per_piece__gt=0), name="job_material_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.per_piece} x {self.item_id}"


class MaterialRecheck(models.Model):
    """The stock of an item has changed: the operations that need it are to be looked at again, by the worker.

    Not in the transaction that moved it: that one holds its own operation, and two of them would wait for each other.
    """

    item_id = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.item_id)
