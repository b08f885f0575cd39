"""How an item is made, as the ERP says it; what the ERP has no word for is ours."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.fields import QuantityField
from apps.core.history import History
from apps.core.ownership import ErpFed, erp_key_once, owned_by_erp
from apps.core.rights import Scope


class Routing(ErpFed):
    """One way to make an item at a site."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    item = models.ForeignKey("materials.Item", models.PROTECT, related_name="routings", verbose_name=_("item"))
    code = models.CharField(_("code"), max_length=60)
    active = models.BooleanField(_("in use"), default=True)

    site_id: int
    item_id: int
    erp_owned = owned_by_erp("site", "item", "code", "active")
    history = History()

    class Meta:
        verbose_name = _("routing")
        verbose_name_plural = _("routings")
        ordering = ["site", "item", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "item", "code"], name="routing_code", deferrable=models.Deferrable.IMMEDIATE
            ),
            erp_key_once("routing_erp_key"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def scope(self) -> Scope:
        return self.site.scope


class RoutingStep(models.Model):
    """The last four are ours until a switch gives them to the ERP; see JobOrder for what they mean."""

    routing = models.ForeignKey(Routing, models.CASCADE, related_name="steps", verbose_name=_("routing"))
    sequence = models.PositiveIntegerField(_("operation"))
    name = models.CharField(_("name"), max_length=120)
    work_center = models.ForeignKey("plant.WorkCenter", models.PROTECT, related_name="+", verbose_name=_("line"))
    work_unit = models.ForeignKey(
        "plant.WorkUnit", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("station")
    )
    erp_key = models.CharField(_("key in the ERP"), max_length=80, blank=True, default="", editable=False)
    set_up_minutes = models.DecimalField(_("set-up, minutes"), max_digits=10, decimal_places=3, null=True, blank=True)
    run_minutes_per_piece = models.DecimalField(
        _("minutes per piece"), max_digits=12, decimal_places=6, null=True, blank=True
    )
    transfer_quantity = QuantityField(_("pieces that go on together"), null=True, blank=True)
    is_count_point = models.BooleanField(_("counts by itself"), default=True)

    routing_id: int
    work_center_id: int
    work_unit_id: int | None
    erp_owned = owned_by_erp(
        "sequence",
        "name",
        "work_center",
        "work_unit",
        "erp_key",
        offered=["set_up_minutes", "run_minutes_per_piece", "transfer_quantity", "is_count_point"],
        parent="routing",
    )
    history = History()

    class Meta:
        verbose_name = _("routing step")
        verbose_name_plural = _("routing steps")
        ordering = ["routing", "sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["routing", "sequence"], name="routing_step_sequence", deferrable=models.Deferrable.IMMEDIATE
            ),
            models.CheckConstraint(
                condition=Q(transfer_quantity=None) | Q(transfer_quantity__gt=0), name="routing_step_transfer_positive"
            ),
            models.CheckConstraint(
                condition=(Q(set_up_minutes=None) | Q(set_up_minutes__gte=0))
                & (Q(run_minutes_per_piece=None) | Q(run_minutes_per_piece__gte=0)),
                name="routing_step_times_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.routing_id}/{self.sequence}"


class OrderPlan(models.Model):
    """From which routing and parts list an order's operations were made."""

    work_order = models.OneToOneField("orders.WorkOrder", models.PROTECT, related_name="plan")
    routing = models.ForeignKey(Routing, models.PROTECT, related_name="+")
    bom = models.ForeignKey("materials.Bom", models.PROTECT, null=True, related_name="+")

    work_order_id: int
    routing_id: int
    bom_id: int | None
    history = History()

    class Meta:
        verbose_name = _("plan of an order")
        verbose_name_plural = _("plans of orders")

    def __str__(self) -> str:
        return str(self.work_order_id)
