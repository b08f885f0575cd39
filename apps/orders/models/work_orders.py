"""The ERP's order; the number people say aloud."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.events import Story
from apps.core.fields import QuantityField
from apps.core.history import History
from apps.core.ownership import ErpFed, owned_by_erp


class WorkOrder(ErpFed):
    """`erp_key` is empty for an order made here: nothing of it goes to the ERP."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    number = models.CharField(_("number"), max_length=40)
    item_code = models.CharField(_("item"), max_length=60)
    item_name = models.CharField(_("item name"), max_length=200)
    item = models.ForeignKey(
        "materials.Item", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("item on stock")
    )
    receipt_location = models.ForeignKey(
        "materials.Location", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("goes to")
    )
    quantity = QuantityField(_("quantity"))
    unit = models.CharField(_("unit"), max_length=20)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=5, help_text=_("1 is the most urgent, 9 the least.")
    )
    customer = models.CharField(_("customer"), max_length=200, blank=True)
    over_delivery_percent = models.DecimalField(
        _("over-delivery allowed, %"), max_digits=5, decimal_places=2, default=Decimal(0)
    )
    site_id: int
    item_id: int | None
    receipt_location_id: int | None
    erp_owned = owned_by_erp(
        "number", "item_code", "item_name", "item", "quantity", "unit", "customer", "due_at", "priority"
    )
    history = History()

    class Meta:
        verbose_name = _("work order")
        verbose_name_plural = _("work orders")
        ordering = ["due_at", "number"]
        constraints = [
            models.UniqueConstraint(fields=["site", "number"], name="work_order_number"),
            models.UniqueConstraint(
                fields=["site", "erp_key"], condition=~models.Q(erp_key=""), name="work_order_erp_key"
            ),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="work_order_quantity_positive"),
            models.CheckConstraint(condition=models.Q(priority__range=(1, 9)), name="work_order_priority_range"),
            models.CheckConstraint(
                condition=models.Q(over_delivery_percent__range=(0, 100)), name="work_order_over_delivery_range"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def thread(self) -> str:
        """Joins the whole story of the order in the ledger."""
        return f"work_order:{self.pk}"

    @property
    def story(self) -> Story:
        """For every ledger event of it, of its operations, and of what is done on them."""
        return {"site_id": self.site_id, "thread": self.thread, "erp_reference": self.number}
