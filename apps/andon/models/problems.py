"""The same cause again and again."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.andon.models.types import ExceptionType
from apps.core.history import History
from apps.core.rights import Scope


class Problem(models.Model):
    """One per cause while it is open; its cases are the exceptions. It closes when the cause stayed away."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+", verbose_name=_("site"))
    type = models.ForeignKey(ExceptionType, models.PROTECT, related_name="problems", verbose_name=_("type"))
    cause_kind = models.CharField(max_length=30)
    cause_key = models.CharField(max_length=80)
    owner = models.ForeignKey("plant.Person", models.PROTECT, related_name="+", verbose_name=_("owner"))
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("due"))
    last_case_at = models.DateTimeField(_("last case"))
    closed_at = models.DateTimeField(_("closed"), null=True)

    site_id: int
    type_id: int
    owner_id: int
    history = History()

    class Meta:
        verbose_name = _("problem")
        verbose_name_plural = _("problems")
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "type", "cause_kind", "cause_key"],
                condition=Q(closed_at=None),
                name="one_open_problem_per_cause",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.cause_key}"

    @property
    def scope(self) -> Scope:
        return self.site.scope
