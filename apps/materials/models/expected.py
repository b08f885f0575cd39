"""What suppliers still owe."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.fields import QuantityField
from apps.core.ownership import ErpFed, erp_key_once, owned_by_erp
from apps.core.rights import Scope
from apps.materials.models.items import Item
from apps.plant.models import Site


class ExpectedReceipt(ErpFed):
    """`stock_quantity` in the item's unit is to come on `due_on`, under the purchase's own number."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+", verbose_name=_("site"))
    item = models.ForeignKey(Item, models.PROTECT, related_name="+", verbose_name=_("item"))
    stock_quantity = QuantityField(_("quantity in the item's unit"))
    due_on = models.DateField(_("due"), null=True)
    supplier = models.CharField(_("supplier"), max_length=200, blank=True)
    document = models.CharField(_("purchase"), max_length=80, blank=True)

    site_id: int
    item_id: int
    erp_owned = owned_by_erp("site", "item", "stock_quantity", "due_on", "supplier", "document")

    class Meta:
        verbose_name = _("expected receipt")
        verbose_name_plural = _("expected receipts")
        ordering = ["due_on", "pk"]
        constraints = [
            erp_key_once("expected_receipt_erp_key"),
            models.CheckConstraint(condition=Q(stock_quantity__gt=0), name="expected_receipt_of_something"),
        ]
        indexes = [models.Index(fields=["site", "item"], name="expected_receipt_of_item")]

    def __str__(self) -> str:
        return f"{self.document} {self.item_id}: {self.stock_quantity}"

    @property
    def scope(self) -> Scope:
        return self.site.scope
