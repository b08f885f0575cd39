"""What a step or a rule says on the screens of a line, for a while."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.workflows.definition import word


class ScreenMessage(models.Model):
    """On the wall of the line and its stations, or on one station only; in the language of each screen."""

    site = models.ForeignKey("plant.Site", models.PROTECT, related_name="+")
    work_center = models.ForeignKey("plant.WorkCenter", models.PROTECT, related_name="+")
    work_unit = models.ForeignKey("plant.WorkUnit", models.PROTECT, null=True, related_name="+")
    texts = models.JSONField(_("text"))
    because = models.CharField(_("why"), max_length=300, blank=True)
    shown_from = models.DateTimeField(_("from"))
    shown_until = models.DateTimeField(_("until"))

    work_unit_id: int | None

    class Meta:
        verbose_name = _("message on screens")
        verbose_name_plural = _("messages on screens")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["work_center", "shown_until"], name="screen_message_shown")]
        constraints = [
            models.CheckConstraint(condition=Q(shown_until__gt=F("shown_from")), name="screen_message_is_shown"),
        ]

    def __str__(self) -> str:
        return word(self.texts)
