"""What a shift is to make."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core import rights
from apps.core.actors import Actor
from apps.core.fields import QuantityField
from apps.core.rights import Action, Scope
from apps.plant.models import within
from apps.shifts.actions import SET_TARGET


class ShiftTargetQuerySet(models.QuerySet["ShiftTarget"]):
    def visible_to(self, actor: Actor, action: Action = SET_TARGET) -> Self:
        return self.filter(within(rights.places(actor, action)))


class ShiftTarget(models.Model):
    """Good pieces at the counting point of the line within one shift, in the units of its orders.

    A change is a new row with the next `version`, the latest counts; what was said before stays, with its `note`.
    """

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    work_center = models.ForeignKey("plant.WorkCenter", models.PROTECT, related_name="+", verbose_name=_("line"))
    shift_date = models.DateField(_("shift of"), help_text=_("The local day on which the shift starts."))
    shift_code = models.CharField(_("shift"), max_length=20)
    version = models.PositiveIntegerField(_("version"))
    quantity = QuantityField(_("target"))
    set_by_id = models.BigIntegerField(_("set by"), null=True)
    set_at = models.DateTimeField(_("set"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())
    note = models.TextField(_("why"), blank=True)

    site_id: int
    work_center_id: int
    objects = ShiftTargetQuerySet.as_manager()

    class Meta:
        verbose_name = _("shift target")
        verbose_name_plural = _("shift targets")
        ordering = ["-shift_date", "work_center", "shift_code", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["work_center", "shift_date", "shift_code", "version"], name="shift_target_version"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0, version__gte=1), name="shift_target_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.shift_date} {self.shift_code} v{self.version}"

    @property
    def scope(self) -> Scope:
        return self.work_center.scope
