"""What the ERP wants changed on an order that has begun: a person decides."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.history import History
from apps.core.rights import Action, Scope
from apps.orders.actions import VIEW_ORDERS
from apps.plant.models import Site


class ChangeState(models.TextChoices):
    OPEN = "open", _("to be decided")
    APPLIED = "applied", _("applied")
    REFUSED = "refused", _("refused")


class ChangedField(models.TextChoices):
    QUANTITY = "quantity", _("quantity")
    ROUTING = "routing", _("routing")
    BOM = "bom", _("parts list")
    CANCELLED = "cancelled", _("cancelled")


class PendingChangeQuerySet(models.QuerySet["PendingChange"]):
    def open(self) -> Self:
        return self.filter(state=ChangeState.OPEN)

    def visible_to(self, actor: Actor, action: Action = VIEW_ORDERS) -> Self:
        return self.filter(work_order__site__in=Site.objects.visible_to(actor, action))


class PendingChange(models.Model):
    """`old` and `new` as text: a quantity, "true", or the id of a routing or parts list; `source` is who sent it.

    Decided by nobody and refused: the ERP took it back.
    """

    work_order = models.ForeignKey(
        "orders.WorkOrder", models.PROTECT, related_name="pending_changes", verbose_name=_("work order")
    )
    field = models.CharField(_("what"), max_length=10, choices=ChangedField.choices)
    old = models.CharField(_("until now"), max_length=80)
    new = models.CharField(_("wanted"), max_length=80)
    source = models.CharField(_("sent by"), max_length=80)
    received_at = models.DateTimeField(_("received"))
    state = models.CharField(_("state"), max_length=8, choices=ChangeState.choices, default=ChangeState.OPEN)
    decided_by_id = models.BigIntegerField(_("decided by"), null=True)
    decided_at = models.DateTimeField(_("decided"), null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    work_order_id: int
    objects = PendingChangeQuerySet.as_manager()
    history = History(excluded_fields=["reason"])

    class Meta:
        verbose_name = _("change from the ERP")
        verbose_name_plural = _("changes from the ERP")
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["work_order", "field"], condition=Q(state="open"), name="one_open_change_of_a_field"
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None) | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="change_decided_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work_order_id} {self.field}"

    @property
    def scope(self) -> Scope:
        return self.work_order.site.scope
