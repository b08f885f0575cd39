"""What was made: never edited, undone only by a reversal."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.fields import QuantityField
from apps.core.triggers import append_only


class Confirmation(models.Model):
    """Good and scrap of one act. A reversal carries the opposite quantities of the one it undoes."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    job_order = models.ForeignKey("orders.JobOrder", models.PROTECT, related_name="confirmations")
    good = QuantityField(_("good"))
    scrap = QuantityField(_("scrap"))
    scrap_reason = models.ForeignKey("plant.ReasonCode", models.PROTECT, null=True, related_name="+")
    reason = models.ForeignKey("plant.ReasonCode", models.PROTECT, null=True, related_name="+")
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")
    # Booked at the next operation that counts; this one is no count point.
    booked_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="books_too")
    person_id = models.BigIntegerField(_("person"), null=True)
    terminal_id = models.BigIntegerField(null=True)
    command_id = models.UUIDField()
    occurred_at = models.DateTimeField(_("occurred"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    job_order_id: int
    scrap_reason_id: int | None
    booked_by_id: int | None
    reverses_id: int | None

    class Meta:
        verbose_name = _("confirmation")
        verbose_name_plural = _("confirmations")
        ordering = ["pk"]
        triggers = append_only()
        indexes = [models.Index(fields=["job_order", "occurred_at"], name="confirmation_of_job")]
        constraints = [
            models.CheckConstraint(
                condition=Q(reverses=None, good__gte=0, scrap__gte=0)
                | Q(reverses__isnull=False, good__lte=0, scrap__lte=0),
                name="confirmation_sign",
            ),
            models.CheckConstraint(
                condition=Q(reverses=None) | Q(reason__isnull=False), name="confirmation_reversal_has_reason"
            ),
            models.CheckConstraint(condition=~Q(good=0, scrap=0), name="confirmation_not_empty"),
            models.CheckConstraint(
                condition=Q(scrap=0) | Q(scrap_reason__isnull=False) | Q(reverses__isnull=False),
                name="confirmation_scrap_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.good} good, {self.scrap} scrap"
